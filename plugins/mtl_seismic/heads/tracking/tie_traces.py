"""Tie traces: a coarse grid of traces tracked one after another, in which new levels are inserted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mtl_seismic.heads.tracking.alignment import align, neighbours_at_levels
from mtl_seismic.heads.tracking.levels import NO_ROW, fill_unmatched, rows_of_levels, runs
from mtl_seismic.heads.tracking.problem import Alignment, Costs, Traces
from mtl_seismic.heads.tracking.tie_grid import TieGrid

Array = NDArray[np.float32]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
SPACING = 16
"""Cells between tie traces, a power of 2."""
SPACINGS_BACK = (1, 2, 3, 4)
"""Distances of the tie traces that one is compared with, in spacings."""
COMPARED = 64
"""Cells between the farthest traces that networks are trained to compare."""
MIN_NEW_ROWS = 2
"""Unmatched rows that become new levels; fewer lie between two levels."""
MAX_LEVELS_PER_ROW = 3
"""Levels at most, times the rows of a trace: embeddings that recognise nothing would insert ever more."""


class Frame(NamedTuple):
    """The levels of the tie traces, to which all other traces are tied.

    ``positions``: traces x axes, in cells; ``levels``, ``agreement``, ``unmatched``: traces x rows; ``level_count``: of
    levels; ``reference``: the position of the central trace.
    """

    positions: Indices
    levels: Array
    agreement: Array
    unmatched: Mask
    level_count: int
    reference: tuple[int, ...]


def track_tie_traces(
    grid: TieGrid, traces: Traces, key: Array, costs: Costs, done: Callable[[int], None] = lambda traces: None
) -> Frame:
    """Track all tie traces, from the reference trace outwards; ``key``: traces x rows x channels. ``done`` is told of
    every few traces."""
    state = TieTraces(grid, traces, key, costs)
    for pair in grid.outwards():
        state.track_pair(pair)
        done(len(pair))
    reference = tuple(int(at) for at in grid.positions[grid.reference])
    return Frame(grid.positions, state.levels, state.agreement, state.unmatched, state.count, reference)


class TieTraces:
    """Tie traces while they are tracked.

    ``levels``, traces x rows; ``unmatched`` rows have the level above them. ``row_of_level``: traces x levels.
    ``tracked``: traces whose levels are known. At first that is the reference trace alone.
    """

    def __init__(self, grid: TieGrid, traces: Traces, key: Array, costs: Costs) -> None:
        self.grid, self.traces, self.key, self.costs = grid, traces, key, costs
        count, self.rows = traces.jumps.shape
        rows = np.arange(self.rows, dtype=np.float32)
        self.levels = np.tile(rows, (count, 1))
        self.agreement = np.ones((count, self.rows), np.float32)
        self.unmatched = np.zeros((count, self.rows), np.bool_)
        self.row_of_level = np.full((count, self.rows), NO_ROW, np.float32)
        self.tracked = np.zeros(count, np.bool_)
        self.row_of_level[grid.reference] = rows
        self.tracked[grid.reference] = True

    @property
    def count(self) -> int:
        """How many levels there are."""
        return self.row_of_level.shape[1]

    def track_pair(self, pair: Sequence[int]) -> None:
        """Track two traces on opposite sides, and give unmatched rows levels of their own."""
        neighbours = {trace: self._previous(trace) for trace in pair}
        for trace in (trace for trace in pair if not len(neighbours[trace])):
            self._copy_from_nearest(trace)
        known = [trace for trace in pair if len(neighbours[trace])]
        if not known:
            return
        found = self._align(known, [neighbours[trace] for trace in known])
        inserted = self._insert_new_strata(known[0], found.rounded[0], found.unmatched[0])
        for trace, levels, unmatched in zip(known[1:], found.rounded[1:], found.unmatched[1:], strict=True):
            if inserted and unmatched.any():  # strata new on this side may be those just inserted for the other
                again = self._align([trace], [self._and_near(self._previous(trace), trace, known[0])])
                levels, unmatched = again.rounded[0], again.unmatched[0]
            self._insert_new_strata(trace, levels, unmatched)

    def _previous(self, trace: int) -> Indices:
        """Tracked tie traces that one is compared with."""
        found = self.grid.at_offsets(trace, [SPACING * back for back in SPACINGS_BACK])
        found = found[self.tracked[found]]
        if not len(found):  # at an edge nearer than the spacing
            found = self.grid.at_offsets(trace, range(1, COMPARED + 1))
            found = found[self.tracked[found]]
        return found

    def _and_near(self, neighbours: Indices, trace: int, other: int) -> Indices:
        """The neighbours, and another trace where it is near enough to be compared."""
        distance = self.grid.distances(trace)[other].max()
        return np.append(neighbours, other) if 0 < distance <= COMPARED else neighbours

    def _align(self, traces: Sequence[int], neighbours: Sequence[Indices]) -> Alignment:
        """Align some traces with the levels of their neighbours, and keep what was found."""
        asked = np.unique(np.concatenate(neighbours))
        among = neighbours_at_levels(self.key[asked], self.levels[asked], self.count, self.row_of_level[asked])
        table = np.full((len(traces), max(map(len, neighbours))), -1, np.int64)
        for row, some in zip(table, neighbours, strict=True):
            row[: len(some)] = np.searchsorted(asked, some)
        chosen = list(traces)
        found = align(Traces(self.traces.query[chosen], self.traces.jumps[chosen]), table, among, self.costs)
        for number, trace in enumerate(traces):
            self._store(trace, found.levels[number], found.agreement[number], found.unmatched[number])
        return found

    def _store(self, trace: int, levels: Array, agreement: Array, unmatched: Mask) -> None:
        """Keep what was found of a trace. One that no neighbour recognises stays as it was: others cannot use it."""
        if not unmatched.all():
            self.levels[trace], self.agreement[trace], self.unmatched[trace] = levels, agreement, unmatched
            self.row_of_level[trace] = rows_of_levels(levels[None], self.count)[0]
            self.tracked[trace] = True

    def _copy_from_nearest(self, trace: int) -> None:
        """Beyond a gap wider than networks compare, layers are taken to lie as deep as in the nearest tracked trace."""
        others = np.flatnonzero(self.tracked)
        nearest = others[self.grid.distances(trace)[others].sum(1).argmin()]
        known = (torch.from_numpy(values[nearest][None]) for values in (self.levels, self.unmatched))
        levels = fill_unmatched(*known)[0].numpy()
        self._store(trace, levels, np.zeros_like(levels), np.zeros(self.rows, np.bool_))

    def _insert_new_strata(self, trace: int, levels: Indices, unmatched: Mask) -> bool:
        """New levels for a trace's runs of unmatched rows; not for a trace that no neighbour recognises."""
        if unmatched.all():
            return False
        long = [run for run in runs(unmatched) if run[1] - run[0] >= MIN_NEW_ROWS]
        for first, last in reversed(long):  # from below: positions above stay what they were
            self._insert_levels(int(levels[first]) + 1, trace, first, last)
        return bool(long)

    def _insert_levels(self, position: int, trace: int, first: int, last: int) -> None:
        """Unmatched rows of a trace become levels of their own, from ``position`` down; those below move down."""
        size = last - first
        if self.count + size > MAX_LEVELS_PER_ROW * self.rows:
            return
        self.levels[self.levels >= position] += size
        blank = np.full((len(self.levels), size), NO_ROW, np.float32)
        self.row_of_level = np.concatenate(
            [self.row_of_level[:, :position], blank, self.row_of_level[:, position:]], axis=1
        )
        rows = np.arange(first, last, dtype=np.float32)
        self.levels[trace, first:last] = position + rows - first
        self.unmatched[trace, first:last] = False
        self.row_of_level[trace, position : position + size] = rows
