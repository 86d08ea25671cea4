"""Aligning traces with a sequence of levels: dynamic programming over evidence.

As two sequences are aligned with gaps that cost to open (Needleman and Wunsch 1970, J. Mol. Biol. 48; Gotoh 1982,
J. Mol. Biol. 162): levels go on row by row, may be passed over or repeated by a leap, where a fault or an
unconformity is, and rows may carry no level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
NONE = -1.0
"""In place of a row: the trace does not carry the level."""
ABOVE = 2
"""Levels above the first one, which are impossible, so that none need be looked out for."""
SKIPPED = 2.5
"""Levels between two rows that are more than a stretched layer."""


@dataclass(frozen=True)
class Costs:
    """Natural logarithms of probability, but for ``wrong``, the probability that a vote is.

    ``leap``: of a level that does not go on, where nothing is known of faults; where their probability is, it
    is between ``leap_elsewhere`` and ``leap_at_fault``, below 0, since few faults are that sure; ``leap_level``: of
    each level that a leap passes, so that what looks alike far above or below is not confused; ``stretch``: of going
    on 0 or 2 levels instead of 1; ``open``: of the first of some rows that carry no known level; ``absent``: of each
    row that carries a level which no voter has; ``none``: how much less likely than a pair of traces says it is that
    several traces lack a row's horizon; ``inside``: of each row that carries no known level, between two that do.
    Strata that no trace had before come in from above and below; between others they are rare, and taken for new
    once, a block would be tracked twice.
    """

    leap: float = 18.0
    leap_at_fault: float = -1.0
    leap_elsewhere: float = 34.0
    leap_level: float = 0.3
    stretch: float = 2.0
    open: float = 10.0
    absent: float = 1.0
    none: float = 2.0
    wrong: float = 0.02
    inside: float = 1.0


def align(evidence: Array, none: Array, costs: Costs, leaps: Array | None = None) -> tuple[Indices, Mask]:
    """Levels of every row, traces x rows, and which rows carry none (theirs is the level above them, -1 above all).

    ``evidence``: log-probabilities, traces x rows x levels; ``none``: that a row carries no level, traces x rows.
    ``leaps``: what a leap onto each row costs, traces x rows (None: ``costs.leap``).
    Viterbi's algorithm over two sheets: rows that carry a level, and rows that do not, after each level. Leaps start
    from the likeliest place of the row above.
    """
    traces, rows, count = evidence.shape
    padded = np.full((rows, traces, ABOVE + count), -np.inf, np.float32)
    carried = padded[:, :, ABOVE:]
    fresh = np.empty((rows, traces, count + 1), np.float32)
    carried[0] = evidence[:, 0]
    fresh[0] = none[:, :1]
    fresh[0, :, 1:-1] -= costs.inside
    slower, leap = np.empty((2, traces, count), np.float32)
    if leaps is None:
        leaps = np.full((traces, rows), costs.leap, np.float32)
    starts = Starts(rows, traces)
    for row in range(1, rows):
        before, gap, here = carried[row - 1], fresh[row - 1], carried[row]
        starts.find(row, before, gap, leaps[:, row])
        starts.leap(row, costs.leap_level, out=leap)
        np.subtract(before, costs.stretch, out=slower)
        np.maximum(slower, leap, out=here)
        np.maximum(here, gap[:, :-1], out=here)
        np.maximum(here[:, 1:], before[:, :-1], out=here[:, 1:])
        np.maximum(here[:, 2:], slower[:, :-2], out=here[:, 2:])
        here += evidence[:, row]
        fresh[row, :, 0] = gap[:, 0]
        np.subtract(before, costs.open, out=slower)
        np.maximum(gap[:, 1:], slower, out=fresh[row, :, 1:])
        fresh[row] += none[:, row, None]
        fresh[row, :, 1:-1] -= costs.inside
    return _trace_back(padded, fresh, starts, costs)


class Starts:
    """Where leaps onto each row start: ``level``, whether that is a row that carries none after it, ``new``, and
    ``value``, the probability's logarithm there less the leap's cost; rows x traces."""

    def __init__(self, rows: int, traces: int) -> None:
        self.every = np.arange(traces)
        self.level = np.zeros((rows, traces), np.intp)
        self.new = np.zeros((rows, traces), np.bool_)
        self.value = np.zeros((rows, traces), np.float32)

    def find(self, row: int, before: Array, gap: Array, cost: Array) -> None:
        """The likeliest place of the row above; below all levels nothing is known to lie, and no leap comes back."""
        level, after = before.argmax(1), gap[:, :-1].argmax(1) - 1
        value, new_value = before[self.every, level], gap[self.every, after + 1]
        self.new[row] = new_value > value
        self.level[row] = np.where(self.new[row], after, level)
        self.value[row] = np.maximum(value, new_value) - cost

    def leap(self, row: int, cost: float, out: Array) -> None:
        """What a leap onto each level of a row comes to, traces x levels; ``cost``: of each level that it passes."""
        levels = np.arange(out.shape[1], dtype=np.float32)
        np.subtract(levels, self.level[row, :, None].astype(np.float32), out=out)
        np.abs(out, out=out)
        out *= np.float32(-cost)
        out += self.value[row, :, None]


def _trace_back(padded: Array, fresh: Array, starts: Starts, costs: Costs) -> tuple[Indices, Mask]:
    """The best path, from the last row up; ``padded``: carried rows, after ABOVE impossible levels."""
    rows, traces, width = padded.shape
    at, gap_at = starts.every * width + ABOVE, starts.every * (width - ABOVE + 1) + 1
    last, last_new = padded[-1, :, ABOVE:], fresh[-1]
    new = last.max(1) < last_new.max(1)
    level = np.where(new, last_new.argmax(1) - 1, last.argmax(1))
    levels = np.empty((traces, rows), np.intp)
    news = np.empty((traces, rows), np.bool_)
    # Where a carried row comes from: carried rows of the level above, its own, two above, new rows after the level
    # above, a leap. Where a new row comes from: another one, or a carried one of its level.
    penalties = np.array([0, costs.stretch, costs.stretch, 0], np.float32)[:, None]
    steps = np.array([1, 0, 2, 1, 0, 0, 0])[:, None]
    is_new = np.empty((7, traces), np.bool_)
    is_new[:] = np.array([0, 0, 0, 1, 0, 1, 0], np.bool_)[:, None]
    values = np.empty((5, traces), np.float32)
    for row in range(rows - 1, -1, -1):
        levels[:, row], news[:, row] = level, new
        if not row:
            break
        origins = level - steps
        origins[4], is_new[4] = starts.level[row], starts.new[row]
        values[:3] = padded[row - 1].take(origins[:3] + at)
        values[3] = fresh[row - 1].take(origins[3] + gap_at)
        values[:4] -= penalties
        values[4] = starts.value[row] - costs.leap_level * np.abs(starts.level[row] - level)
        stays_new = fresh[row - 1].take(level + gap_at) >= padded[row - 1].take(level + at) - costs.open
        best = np.where(new, 6 - stays_new, values.argmax(0))
        level, new = origins[best, starts.every], is_new[best, starts.every]
    return levels, news


def between(levels: Tensor, evidence: Tensor) -> Tensor:
    """Fractions of a level, from the evidence of the levels beside each."""
    near = (levels[..., None] + torch.arange(-1, 2)).clamp(0, evidence.shape[2] - 1)
    return (evidence.gather(2, near).softmax(2) * near).sum(2)


def agreement(levels: Tensor, evidence: Tensor) -> Tensor:
    """The (geometric) mean probability that the votes give to each row's level."""
    return evidence.gather(2, levels.clamp(min=0)[..., None])[..., 0].exp()


def carriers(levels: Tensor, count: int) -> Tensor:
    """The row, with its fraction, that first reaches each of ``count`` levels, traces x count; NONE where none does."""
    reached = levels.cummax(1).values
    rows = levels.shape[1]
    wanted = torch.arange(count, dtype=levels.dtype).expand(len(levels), -1).contiguous()
    below = torch.searchsorted(reached, wanted).clamp(1, rows - 1)
    upper, lower = reached.gather(1, below - 1), reached.gather(1, below)
    part = ((wanted - upper) / (lower - upper).clamp(min=1e-6)).clamp(0, 1)
    absent = (lower - upper > SKIPPED) | (wanted < reached[:, :1] - 0.5) | (wanted > reached[:, -1:] + 0.5)
    return torch.where(absent, NONE, below - 1 + part)


def continued(levels: Tensor, fresh: Tensor) -> Tensor:
    """Levels, traces x rows, with those of ``fresh`` rows, which carry none, in between those of the rows around; above
    and below all others they go on row by row."""
    count = levels.shape[1]
    rows = torch.arange(count)
    above = torch.where(fresh, -1, rows).cummax(1).values
    below = torch.where(fresh, count, rows).flip(1).cummin(1).values.flip(1)
    upper, lower = (levels.gather(1, ends.clamp(0, count - 1)) for ends in (above, below))
    inside = upper + (rows - above) / (below - above).clamp(min=1) * (lower - upper)
    ends = torch.where(above < 0, lower - (below - rows), upper + (rows - above))
    return torch.where(fresh, torch.where((above < 0) | (below == count), ends, inside), levels)


def runs(flags: list[bool]) -> list[tuple[int, int]]:
    """Where flags are set without a break: (first, one past the last)."""
    padded = [False, *flags, False]
    edges = [i for i in range(len(flags) + 1) if padded[i] != padded[i + 1]]
    return list(zip(edges[::2], edges[1::2], strict=True))
