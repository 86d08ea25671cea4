"""Aligning traces with the sequence of levels: dynamic programming over their scores.

As two sequences are aligned with gaps that cost to open (Needleman and Wunsch 1970, J. Mol. Biol. 48; Gotoh 1982,
J. Mol. Biol. 162): levels increase row by row, may be skipped or repeated by a jump at a fault or an unconformity,
and rows may be unmatched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_seismic.heads.tracking.level_scores import LevelScores

Array = NDArray[np.float32]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
NO_ROW = -1.0
"""In place of a row: the trace lacks the level."""
IMPOSSIBLE = 2
"""Impossible levels put above the first one, so that none need be looked out for."""
MISSING_STEP = 2.5
"""Levels between two rows that are more than a layer that thickens: those between are missing in the trace."""


@dataclass(frozen=True)
class Costs:
    """Negative natural logarithms of probability, but for ``wrong``, the probability that the scores are.

    ``jump``: onto a level that does not continue the one above, where nothing is known of faults; where their
    probability is, it is between ``jump_elsewhere`` and ``jump_at_fault``, below 0, since few faults are that sure;
    ``jump_per_level``: for each level that a jump passes, so that what looks alike far above or below is not confused;
    ``thickness_change``: of going on 0 or 2 levels instead of 1; ``open``: of the first of some unmatched rows;
    ``missing_level``: of each row on a level that no neighbour has; ``unmatched``: how much less likely than a pair of
    traces says it is that several traces lack a row's horizon; ``inside``: of each unmatched row between two matched
    ones. Strata that no trace had before come in from above and below; between others they are rare, and otherwise a
    fault block could be tracked a second time as new strata.
    """

    jump: float = 18.0
    jump_at_fault: float = -1.0
    jump_elsewhere: float = 34.0
    jump_per_level: float = 0.3
    thickness_change: float = 2.0
    open: float = 10.0
    missing_level: float = 1.0
    unmatched: float = 2.0
    wrong: float = 0.02
    inside: float = 1.0


def jump_costs(faults: Array, costs: Costs) -> Array:
    """Cost of a jump onto each row, from the fault probability there and in the row above; both traces x rows."""
    probability = np.maximum(faults, np.pad(faults, ((0, 0), (1, 0)))[:, :-1])
    return np.asarray(costs.jump_elsewhere + (costs.jump_at_fault - costs.jump_elsewhere) * probability, np.float32)


def align(scores: LevelScores, costs: Costs, jumps: Array | None = None) -> tuple[Indices, Mask]:
    """Levels of every row, traces x rows, and which rows are unmatched (theirs is the level above them, -1 above all).

    ``jumps``: the cost of a jump onto each row, traces x rows (None: ``costs.jump``).
    Viterbi's algorithm over two sheets: matched rows, and unmatched ones after each level. Jumps start from the
    likeliest level of the row above.
    """
    lattice = Lattice(scores, costs)
    if jumps is None:
        jumps = np.full(lattice.unmatched.shape, costs.jump, np.float32)
    for row in range(1, len(lattice.first)):
        lattice.add_row(row, jumps[:, row])
    return lattice.trace_back()


class Lattice:
    """Scores of the likeliest paths to every row and level. Levels are known by their position in a row's band.

    ``matched_paths``: rows x traces x positions, after IMPOSSIBLE ones; ``unmatched_paths``: of paths whose row is
    unmatched, after the level before each position, one position more. Both continue with as many impossible
    positions as a band moves down at most. ``jump_level``, ``jump_unmatched``, ``jump_score``: rows x traces, where
    jumps onto each row start, and the score there less the cost.
    """

    def __init__(self, scores: LevelScores, costs: Costs) -> None:
        self.scores, self.unmatched, self.costs = scores.matched.numpy(), scores.unmatched.numpy(), costs
        self.band, self.first = scores.band, scores.band.first.numpy()
        traces, rows, self.width = self.scores.shape
        beyond = int(np.diff(self.first).max(initial=0))
        self.matched_paths = np.full((rows, traces, IMPOSSIBLE + self.width + beyond), -np.inf, np.float32)
        self.unmatched_paths = np.full((rows, traces, self.width + 1 + beyond), -np.inf, np.float32)
        self.changed, self.jumped = np.empty((2, traces, self.width), np.float32)
        self.positions = np.arange(self.width, dtype=np.float32)
        self.traces = np.arange(traces)
        self.jump_level = np.zeros((rows, traces), np.intp)
        self.jump_unmatched = np.zeros((rows, traces), np.bool_)
        self.jump_score = np.zeros((rows, traces), np.float32)
        self._matched(0)[:] = self.scores[:, 0]
        self._unmatched(0)[:] = self.unmatched[:, :1]
        self._inside(0)[:] -= costs.inside

    def _matched(self, row: int, moved: int = 0) -> Array:
        """Paths to matched rows, traces x positions; ``moved``: in a band that lies as many levels farther down."""
        return self.matched_paths[row, :, IMPOSSIBLE + moved : IMPOSSIBLE + moved + self.width]

    def _unmatched(self, row: int, moved: int = 0) -> Array:
        return self.unmatched_paths[row, :, moved : moved + self.width + 1]

    def _inside(self, row: int) -> Array:
        """Paths to unmatched rows, but for those above and below all levels."""
        ends = self.first[row] == 0, self.first[row] + self.width == self.band.count
        return self._unmatched(row)[:, int(ends[0]) : self.width + 1 - int(ends[1])]

    def add_row(self, row: int, jumps: Array) -> None:
        """Paths to a row from the one above; ``jumps``: what a jump costs, traces."""
        costs, moved = self.costs, int(self.first[row] - self.first[row - 1])
        before, gap = self._matched(row - 1, moved), self._unmatched(row - 1, moved)
        matched, unmatched, changed = self._matched(row), self._unmatched(row), self.changed
        self._find_jump(row, jumps)
        self._jump(row)
        np.subtract(before, costs.thickness_change, out=changed)
        np.maximum(changed, self.jumped, out=matched)
        np.maximum(matched, gap[:, :-1], out=matched)
        np.maximum(matched[:, 1:], before[:, :-1], out=matched[:, 1:])
        np.maximum(matched[:, 2:], changed[:, :-2], out=matched[:, 2:])
        matched += self.scores[:, row]
        unmatched[:, 0] = gap[:, 0]
        np.subtract(before, costs.open, out=changed)
        np.maximum(gap[:, 1:], changed, out=unmatched[:, 1:])
        unmatched += self.unmatched[:, row, None]
        self._inside(row)[:] -= costs.inside

    def _find_jump(self, row: int, jumps: Array) -> None:
        """The likeliest level of the row above, or the one after which that row is unmatched, if that is likelier
        still; nothing is known to lie below all levels, and no jump comes back from there."""
        before, gap = self._matched(row - 1), self._unmatched(row - 1)[:, :-1]
        position, after = before.argmax(1), gap.argmax(1)
        score, unmatched_score = before[self.traces, position], gap[self.traces, after]
        unmatched = unmatched_score > score
        self.jump_unmatched[row] = unmatched
        self.jump_level[row] = np.where(unmatched, after - 1, position) + self.first[row - 1]
        self.jump_score[row] = np.maximum(score, unmatched_score) - jumps

    def _jump(self, row: int) -> None:
        """Scores of paths that jump onto each level of the row."""
        start = (self.jump_level[row] - self.first[row]).astype(np.float32)
        np.subtract(self.positions, start[:, None], out=self.jumped)
        np.abs(self.jumped, out=self.jumped)
        self.jumped *= np.float32(-self.costs.jump_per_level)
        self.jumped += self.jump_score[row, :, None]

    def trace_back(self) -> tuple[Indices, Mask]:
        """The best path, from the last row up: see align."""
        costs, (rows, traces) = self.costs, self.jump_level.shape
        last, last_unmatched = self._matched(rows - 1), self._unmatched(rows - 1)
        unmatched = last.max(1) < last_unmatched.max(1)
        level = np.where(unmatched, last_unmatched.argmax(1) - 1, last.argmax(1)) + self.first[-1]
        levels = np.empty((traces, rows), np.intp)
        flags = np.empty((traces, rows), np.bool_)
        # Where a matched row comes from: matched rows of the level above, its own, two above, unmatched rows after the
        # level above, a jump. Where an unmatched row comes from: another one, or a matched one of its level.
        penalties = np.array([0, costs.thickness_change, costs.thickness_change, 0], np.float32)[:, None]
        steps = np.array([1, 0, 2, 1, 0, 0, 0])[:, None]
        from_unmatched = np.empty((7, traces), np.bool_)
        from_unmatched[:] = np.array([0, 0, 0, 1, 0, 1, 0], np.bool_)[:, None]
        values = np.empty((5, traces), np.float32)
        for row in range(rows - 1, -1, -1):
            levels[:, row], flags[:, row] = level, unmatched
            if not row:
                break
            above = row - 1
            origins = level - steps
            origins[4], from_unmatched[4] = self.jump_level[row], self.jump_unmatched[row]
            values[:3] = self._matched_at(above, origins[:3])
            values[3] = self._unmatched_at(above, origins[3])
            values[:4] -= penalties
            values[4] = self.jump_score[row] - costs.jump_per_level * np.abs(self.jump_level[row] - level)
            stays = self._unmatched_at(above, level) >= self._matched_at(above, level) - costs.open
            best = np.where(unmatched, 6 - stays, values.argmax(0))
            level, unmatched = origins[best, self.traces], from_unmatched[best, self.traces]
        return levels, flags

    def _matched_at(self, row: int, levels: Indices) -> Array:
        """Paths to a matched row on those levels, any x traces."""
        at = levels + (IMPOSSIBLE - self.first[row] + self.traces * self.matched_paths.shape[2])
        return np.asarray(self.matched_paths[row].take(at))

    def _unmatched_at(self, row: int, levels: Indices) -> Array:
        """Paths to an unmatched row after those levels."""
        at = levels + (1 - self.first[row] + self.traces * self.unmatched_paths.shape[2])
        return np.asarray(self.unmatched_paths[row].take(at))


def rows_of_levels(levels: Tensor, count: int) -> Tensor:
    """The row, with its fraction, that first reaches each of ``count`` levels, traces x count; NO_ROW where none does.

    ``levels``: traces x rows.
    """
    reached = levels.cummax(1).values
    rows = levels.shape[1]
    wanted = torch.arange(count, dtype=levels.dtype).expand(len(levels), -1).contiguous()
    below = torch.searchsorted(reached, wanted).clamp(1, rows - 1)
    upper, lower = reached.gather(1, below - 1), reached.gather(1, below)
    part = ((wanted - upper) / (lower - upper).clamp(min=1e-6)).clamp(0, 1)
    outside = (wanted < reached[:, :1] - 0.5) | (wanted > reached[:, -1:] + 0.5)
    return torch.where(outside | (lower - upper > MISSING_STEP), NO_ROW, below - 1 + part)


def fill_unmatched(levels: Tensor, unmatched: Tensor) -> Tensor:
    """Levels, traces x rows, with those of unmatched rows interpolated between the rows around them; above and below
    all matched rows they increase by one a row."""
    count = levels.shape[1]
    rows = torch.arange(count)
    above = torch.where(unmatched, -1, rows).cummax(1).values
    below = torch.where(unmatched, count, rows).flip(1).cummin(1).values.flip(1)
    upper, lower = (levels.gather(1, ends.clamp(0, count - 1)) for ends in (above, below))
    inside = upper + (rows - above) / (below - above).clamp(min=1) * (lower - upper)
    ends = torch.where(above < 0, lower - (below - rows), upper + (rows - above))
    filled = torch.where((above < 0) | (below == count), ends, inside)
    return torch.where(unmatched, filled, levels)


def runs(flags: list[bool]) -> list[tuple[int, int]]:
    """Where flags are set without a break: (first, one past the last)."""
    padded = [False, *flags, False]
    edges = [i for i in range(len(flags) + 1) if padded[i] != padded[i + 1]]
    return list(zip(edges[::2], edges[1::2], strict=True))
