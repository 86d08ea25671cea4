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

from mtl_seismic.heads.evidence import Evidence

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


def align(evidence: Evidence, costs: Costs, leaps: Array | None = None) -> tuple[Indices, Mask]:
    """Levels of every row, traces x rows, and which rows carry none (theirs is the level above them, -1 above all).

    ``leaps``: what a leap onto each row costs, traces x rows (None: ``costs.leap``).
    Viterbi's algorithm over two sheets: rows that carry a level, and rows that do not, after each level. Leaps start
    from the likeliest place of the row above.
    """
    lattice = Lattice(evidence, costs)
    if leaps is None:
        leaps = np.full(lattice.none.shape, costs.leap, np.float32)
    for row in range(1, len(lattice.first)):
        lattice.go_on(row, leaps[:, row])
    return lattice.trace_back()


class Lattice:
    """The likeliest paths to everywhere. Of each row the band's levels are known by their place in it.

    ``padded``: rows x traces x places, of rows that carry a level, after ABOVE impossible ones; ``fresh``: of rows that
    carry none after the level before each place, one place more. Both go on with as many impossible places as a band
    moves down at most. ``start``, ``start_new``, ``start_value``: rows x traces, where leaps onto each row start, and
    what they come to there.
    """

    def __init__(self, evidence: Evidence, costs: Costs) -> None:
        self.evidence, self.none, self.costs = evidence.carried.numpy(), evidence.none.numpy(), costs
        self.band, self.first = evidence.band, evidence.band.first.numpy()
        traces, rows, self.width = self.evidence.shape
        beyond = int(np.diff(self.first).max(initial=0))
        self.padded = np.full((rows, traces, ABOVE + self.width + beyond), -np.inf, np.float32)
        self.fresh = np.full((rows, traces, self.width + 1 + beyond), -np.inf, np.float32)
        self.slower, self.leap = np.empty((2, traces, self.width), np.float32)
        self.places = np.arange(self.width, dtype=np.float32)
        self.every = np.arange(traces)
        self.start, self.start_new = np.zeros((rows, traces), np.intp), np.zeros((rows, traces), np.bool_)
        self.start_value = np.zeros((rows, traces), np.float32)
        self._here(0)[:] = self.evidence[:, 0]
        self._new_here(0)[:] = self.none[:, :1]
        self._inside(0)[:] -= costs.inside

    def _here(self, row: int, moved: int = 0) -> Array:
        """Rows that carry a level, traces x places; ``moved``: by the places of a band so much farther down."""
        return self.padded[row, :, ABOVE + moved : ABOVE + moved + self.width]

    def _new_here(self, row: int, moved: int = 0) -> Array:
        return self.fresh[row, :, moved : moved + self.width + 1]

    def _inside(self, row: int) -> Array:
        """Rows that carry none, but those above and below all levels."""
        ends = self.first[row] == 0, self.first[row] + self.width == self.band.count
        return self._new_here(row)[:, int(ends[0]) : self.width + 1 - int(ends[1])]

    def go_on(self, row: int, leaps: Array) -> None:
        """From the row above; ``leaps``: what a leap costs, traces."""
        costs, moved = self.costs, int(self.first[row] - self.first[row - 1])
        before, gap = self._here(row - 1, moved), self._new_here(row - 1, moved)
        here, new, slower = self._here(row), self._new_here(row), self.slower
        self._find_start(row, leaps)
        self._leap(row)
        np.subtract(before, costs.stretch, out=slower)
        np.maximum(slower, self.leap, out=here)
        np.maximum(here, gap[:, :-1], out=here)
        np.maximum(here[:, 1:], before[:, :-1], out=here[:, 1:])
        np.maximum(here[:, 2:], slower[:, :-2], out=here[:, 2:])
        here += self.evidence[:, row]
        new[:, 0] = gap[:, 0]
        np.subtract(before, costs.open, out=slower)
        np.maximum(gap[:, 1:], slower, out=new[:, 1:])
        new += self.none[:, row, None]
        self._inside(row)[:] -= costs.inside

    def _find_start(self, row: int, leaps: Array) -> None:
        """The likeliest level of the row above, or the one after which that row carries none, if that is likelier
        still; below all levels nothing is known to lie, and no leap comes back from there."""
        before, gap = self._here(row - 1), self._new_here(row - 1)[:, :-1]
        place, after = before.argmax(1), gap.argmax(1)
        value, new_value = before[self.every, place], gap[self.every, after]
        new = new_value > value
        self.start_new[row] = new
        self.start[row] = np.where(new, after - 1, place) + self.first[row - 1]
        self.start_value[row] = np.maximum(value, new_value) - leaps

    def _leap(self, row: int) -> None:
        """What a leap onto each level of the row comes to."""
        start = (self.start[row] - self.first[row]).astype(np.float32)
        np.subtract(self.places, start[:, None], out=self.leap)
        np.abs(self.leap, out=self.leap)
        self.leap *= np.float32(-self.costs.leap_level)
        self.leap += self.start_value[row, :, None]

    def trace_back(self) -> tuple[Indices, Mask]:
        """The best path, from the last row up: see align."""
        costs, (rows, traces) = self.costs, self.start.shape
        last, last_new = self._here(rows - 1), self._new_here(rows - 1)
        new = last.max(1) < last_new.max(1)
        level = np.where(new, last_new.argmax(1) - 1, last.argmax(1)) + self.first[-1]
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
            above = row - 1
            origins = level - steps
            origins[4], is_new[4] = self.start[row], self.start_new[row]
            values[:3] = self._carried_at(above, origins[:3])
            values[3] = self._new_at(above, origins[3])
            values[:4] -= penalties
            values[4] = self.start_value[row] - costs.leap_level * np.abs(self.start[row] - level)
            stays_new = self._new_at(above, level) >= self._carried_at(above, level) - costs.open
            best = np.where(new, 6 - stays_new, values.argmax(0))
            level, new = origins[best, self.every], is_new[best, self.every]
        return levels, news

    def _carried_at(self, row: int, levels: Indices) -> Array:
        """Of rows that carry those levels, any x traces."""
        at = levels + (ABOVE - self.first[row] + self.every * self.padded.shape[2])
        return np.asarray(self.padded[row].take(at))

    def _new_at(self, row: int, levels: Indices) -> Array:
        """Of rows that carry none after those levels."""
        return np.asarray(self.fresh[row].take(levels + (1 - self.first[row] + self.every * self.fresh.shape[2])))


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
