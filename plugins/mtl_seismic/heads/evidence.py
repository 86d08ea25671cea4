"""Which level each row of a trace carries, as far as is known: log-probabilities of the levels in a band.

Of all levels of a tall section few can be a row's. Each row has a band of them, of one width for all rows and moving
down in steps, so that time and memory grow with the height of a section and not with its square.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

REACH = 72
"""Levels in a band above and below those that voters have in its rows: dips and throws."""
BLOCK = 32
"""Rows that have one band."""


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
        if count <= 2 * REACH:
            return cls.whole(rows, count)
        block = torch.arange(rows) // BLOCK
        low, high = _of_blocks(levels.amin(0), block, "amin"), _of_blocks(levels.amax(0), block, "amax")
        first = (low.floor().long() - REACH).clamp(min=0).flip(0).cummin(0).values.flip(0)
        last = (high.ceil().long() + REACH).clamp(max=count - 1).cummax(0).values
        width = int((last - first).max()) + 1
        return cls(first.clamp(max=count - width)[block], width, count)

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Rows that have one band, and its levels."""
        changes = (self.first.diff().nonzero()[:, 0] + 1).tolist()
        for begin, end in pairwise([0, *changes, len(self.first)]):
            first = int(self.first[begin])
            yield slice(begin, end), slice(first, first + self.width)


def _of_blocks(values: Tensor, block: Tensor, extreme: str) -> Tensor:
    """The smallest ("amin") or largest ("amax") of the values in each block."""
    found = values.new_zeros(int(block[-1]) + 1)
    return found.scatter_reduce(0, block, values, extreme, include_self=False)


@dataclass(frozen=True)
class Evidence:
    """Log-probabilities ``carried``, traces x rows x band, that rows carry levels, and ``none``, traces x rows, that
    they carry no known one."""

    carried: Tensor
    none: Tensor
    band: Band

    def between(self, levels: Tensor) -> Tensor:
        """Fractions of a level, from the evidence of the levels beside each, traces x rows."""
        near = self._inside(levels[..., None] + torch.arange(-1, 2))
        return (self.carried.gather(2, near).softmax(2) * near).sum(2) + self.band.first

    def agreement(self, levels: Tensor) -> Tensor:
        """The (geometric) mean probability that the votes give to each row's level."""
        return self.carried.gather(2, self._inside(levels[..., None]))[..., 0].exp()

    def _inside(self, levels: Tensor) -> Tensor:
        """Places of levels, traces x rows x any, in the band; of those above and below, its ends."""
        return (levels - self.band.first[:, None]).clamp(0, self.band.width - 1)
