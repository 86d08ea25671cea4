"""Scores of each level for each row of a trace: log-probabilities of the levels in a band.

Few of all levels of a tall section can be a row's. Each row has a band of them, of one width for all rows and moving
down in steps, so that time and memory grow with the height of a section and not with its square.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

BAND_REACH = 72
"""Levels in a band above and below those that the neighbours have in its rows: room for dips and throws."""
BAND_ROWS = 32
"""Consecutive rows that share one band."""


@dataclass(frozen=True)
class Band:
    """``width`` of ``count`` levels for each row, the first of them ``first`` (rows), which never decreases."""

    first: Tensor
    width: int
    count: int

    @classmethod
    def whole(cls, rows: int, count: int) -> Band:
        """All levels for all rows."""
        return cls(torch.zeros(rows, dtype=torch.long), count, count)

    @classmethod
    def around(cls, levels: Tensor, count: int) -> Band:
        """Levels around those of some traces, traces x rows."""
        rows = levels.shape[1]
        if count <= 2 * BAND_REACH:
            return cls.whole(rows, count)
        block = torch.arange(rows) // BAND_ROWS
        low, high = _of_blocks(levels.amin(0), block, "amin"), _of_blocks(levels.amax(0), block, "amax")
        first = (low.floor().long() - BAND_REACH).clamp(min=0).flip(0).cummin(0).values.flip(0)
        last = (high.ceil().long() + BAND_REACH).clamp(max=count - 1).cummax(0).values
        width = int((last - first).max()) + 1
        return cls(first.clamp(max=count - width)[block], width, count)

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Rows that share a band, and its levels."""
        changes = (self.first.diff().nonzero()[:, 0] + 1).tolist()
        for begin, end in pairwise([0, *changes, len(self.first)]):
            first = int(self.first[begin])
            yield slice(begin, end), slice(first, first + self.width)


def _of_blocks(values: Tensor, block: Tensor, extreme: str) -> Tensor:
    """The smallest ("amin") or largest ("amax") of the values in each block."""
    found = values.new_zeros(int(block[-1]) + 1)
    return found.scatter_reduce(0, block, values, extreme, include_self=False)


@dataclass(frozen=True)
class LevelScores:
    """Log-probabilities: ``matched``, traces x rows x band, that rows lie on the levels; ``unmatched``, traces x rows,
    that they lie on no known one."""

    matched: Tensor
    unmatched: Tensor
    band: Band

    def between(self, levels: Tensor) -> Tensor:
        """Levels (traces x rows, whole numbers) with fractions, from the scores of the levels next to each."""
        near = self._in_band(levels[..., None] + torch.arange(-1, 2))
        return (self.matched.gather(2, near).softmax(2) * near).sum(2) + self.band.first

    def agreement(self, levels: Tensor) -> Tensor:
        """The (geometric) mean probability that the neighbours give to each row's level."""
        return self.matched.gather(2, self._in_band(levels[..., None]))[..., 0].exp()

    def _in_band(self, levels: Tensor) -> Tensor:
        """Positions of levels, traces x rows x any, in the band; of those above and below, its ends."""
        return (levels - self.band.first[:, None]).clamp(0, self.band.width - 1)
