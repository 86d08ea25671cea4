"""The likeliest levels of traces, by numpy over many traces at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.heads.tracking.problem import Costs

if TYPE_CHECKING:
    from mtl_seismic.heads.tracking.scores import LevelScores

Array = NDArray[np.float32]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
IMPOSSIBLE = 2
"""Impossible levels put above the first one, so that none need be looked out for."""


def best_paths(scores: LevelScores, costs: Costs, jumps: Array) -> tuple[Indices, Mask]:
    """Levels of every row, traces x rows, and which rows are unmatched (theirs is the level above them, -1 above all).

    ``jumps``: the cost of a jump onto each row, traces x rows.
    Viterbi's algorithm over two sheets: matched rows, and unmatched ones after each level. Jumps start from the
    likeliest level of the row above.
    """
    lattice = Lattice(scores, costs)
    for row in range(1, lattice.rows):
        lattice.add_row(row, jumps[:, row])
    return lattice.trace_back()


class Lattice:
    """Scores of the likeliest paths to every row and level. Levels are known by their position in a row's band.

    ``matched``: rows x traces x positions, after IMPOSSIBLE ones and before one; ``unmatched``: of paths whose row is
    unmatched, after the level before each position, and one impossible position. ``jump_level``, ``jump_unmatched``,
    ``jump_score``: rows x traces, where jumps onto each row start, and the score there less the cost.
    """

    def __init__(self, scores: LevelScores, costs: Costs) -> None:
        self.scores, self.costs, self.first = scores, costs, scores.first
        traces, self.rows, self.width = scores.matched.shape
        self.matched = np.full((self.rows, traces, IMPOSSIBLE + self.width + 1), -np.inf, np.float32)
        self.unmatched = np.full((self.rows, traces, self.width + 2), -np.inf, np.float32)
        self.positions = np.arange(self.width, dtype=np.float32)
        self.traces = np.arange(traces)
        self.jump_level = np.zeros((self.rows, traces), np.int64)
        self.jump_unmatched = np.zeros((self.rows, traces), np.bool_)
        self.jump_score = np.zeros((self.rows, traces), np.float32)
        self.matched[0, :, IMPOSSIBLE:-1] = scores.matched[:, 0]
        self.unmatched[0, :, :-1] = scores.unmatched[:, :1]
        self._pay_inside(0)

    def _pay_inside(self, row: int) -> None:
        """What unmatched rows cost, but for those above and below all levels."""
        paths, inside = self.unmatched[row, :, :-1], np.float32(self.costs.inside)
        paths -= inside
        paths[:, 0] += inside * (self.first[:, row] == 0)
        paths[:, -1] += inside * (self.first[:, row] + self.width == self.scores.count)

    def add_row(self, row: int, jumps: Array) -> None:
        """Paths to a row from the one above; ``jumps``: what a jump costs, traces."""
        costs = self.costs
        self._find_jump(row, jumps)
        before, gap = self._above(row)
        matched = np.maximum(before[:, 2:], before[:, :-2])
        matched -= costs.thickness_change
        for path in (before[:, 1:-1], gap[:, :-1], self._jumped(row)):
            np.maximum(matched, path, out=matched)
        np.add(matched, self.scores.matched[:, row], out=self.matched[row, :, IMPOSSIBLE:-1])
        unmatched = self.unmatched[row, :, :-1]
        unmatched[:, 0] = gap[:, 0]
        np.maximum(gap[:, 1:], before[:, 2:] - np.float32(costs.open), out=unmatched[:, 1:])
        unmatched += self.scores.unmatched[:, row, None]
        self._pay_inside(row)

    def _above(self, row: int) -> tuple[Array, Array]:
        """Paths to the row above by positions of this row's band: matched ones from two levels above it, unmatched."""
        matched, unmatched = self.matched[row - 1], self.unmatched[row - 1]
        down = self.first[:, row] - self.first[:, row - 1]
        if not down.any():
            return matched[:, :-1], unmatched[:, :-1]
        read = [
            np.minimum(np.arange(values.shape[1] - 1) + down[:, None], values.shape[1] - 1)
            for values in (matched, unmatched)
        ]
        return np.take_along_axis(matched, read[0], 1), np.take_along_axis(unmatched, read[1], 1)

    def _find_jump(self, row: int, jumps: Array) -> None:
        """The likeliest level of the row above, or the one after which that row is unmatched, if that is likelier
        still; nothing is known to lie below all levels, and no jump comes back from there."""
        before, gap = self.matched[row - 1, :, IMPOSSIBLE:-1], self.unmatched[row - 1, :, :-2]
        position, after = before.argmax(1), gap.argmax(1)
        score, unmatched_score = before[self.traces, position], gap[self.traces, after]
        unmatched = unmatched_score > score
        self.jump_unmatched[row] = unmatched
        self.jump_level[row] = np.where(unmatched, after - 1, position) + self.first[:, row - 1]
        self.jump_score[row] = np.maximum(score, unmatched_score) - jumps

    def _jumped(self, row: int) -> Array:
        """Scores of paths that jump onto each level of the row."""
        start = (self.jump_level[row] - self.first[:, row]).astype(np.float32)
        passed = np.abs(self.positions - start[:, None])
        return np.asarray(self.jump_score[row, :, None] - np.float32(self.costs.jump_per_level) * passed)

    def trace_back(self) -> tuple[Indices, Mask]:
        """The best path, from the last row up: see best_paths."""
        costs, traces = self.costs, len(self.traces)
        last, last_unmatched = self.matched[-1, :, IMPOSSIBLE:-1], self.unmatched[-1, :, :-1]
        unmatched = last.max(1) < last_unmatched.max(1)
        level = np.where(unmatched, last_unmatched.argmax(1) - 1, last.argmax(1)) + self.first[:, -1]
        levels = np.empty((traces, self.rows), np.int64)
        flags = np.empty((traces, self.rows), np.bool_)
        # Where a matched row comes from: matched rows of the level above, its own, two above, unmatched rows after the
        # level above, a jump. Where an unmatched row comes from: another one, or a matched one of its level.
        penalties = np.array([0, costs.thickness_change, costs.thickness_change, 0], np.float32)[:, None]
        steps = np.array([1, 0, 2, 1, 0, 0, 0])[:, None]
        from_unmatched = np.empty((7, traces), np.bool_)
        from_unmatched[:] = np.array([0, 0, 0, 1, 0, 1, 0], np.bool_)[:, None]
        values = np.empty((5, traces), np.float32)
        for row in range(self.rows - 1, -1, -1):
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
        at = np.minimum(levels - self.first[:, row] + IMPOSSIBLE, self.matched.shape[2] - 1)
        return np.asarray(self.matched[row, self.traces, at])

    def _unmatched_at(self, row: int, levels: Indices) -> Array:
        """Paths to an unmatched row after those levels."""
        at = np.minimum(levels - self.first[:, row] + 1, self.unmatched.shape[2] - 1)
        return np.asarray(self.unmatched[row, self.traces, at])
