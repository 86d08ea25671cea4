"""Infill: all other traces between the tie traces, then sweeps over all traces; column by column.

Each step reads the levels of the step before and writes all of its column's: columns may be computed in any order, at
once or elsewhere, and how a volume is divided into them changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.heads.tracking.alignment import align, neighbours_at_levels
from mtl_seismic.heads.tracking.columns import Columns
from mtl_seismic.heads.tracking.problem import Alignment
from mtl_seismic.heads.tracking.store import Window
from mtl_seismic.heads.tracking.tie_traces import COMPARED, SPACING
from mtl_seismic.heads.tracking.windows import along, classes, halves, indices, shape_of

Array = NDArray[np.float32]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
HALVES_AWAY = (1, 3, 5, 9)
"""Distances of the neighbours of a trace half-way between two tracked ones, in halves of what lies between them."""
SWEEP_OFFSETS = (8, 16, 32, 48, COMPARED)
"""Cells to the neighbours in the sweeps, on all sides."""
SWEEPS = 2
"""How often all traces are tracked at last."""
HALO = max(SPACING // 2 * HALVES_AWAY[-1], SWEEP_OFFSETS[-1])
"""Cells around a column that infill reads, along one axis at a time."""
MAX_VALUES = 2**26
"""Values of embeddings in memory at a time."""


class Step(NamedTuple):
    """Traces that are aligned, and the offsets along ``axes`` of those that they are compared with.

    ``midway``: only untracked traces so many cells from a tracked one (0: all traces, which are also compared with the
    reference trace where it is near). ``share``: of all traces, about.
    """

    axes: tuple[int, ...]
    offsets: tuple[int, ...]
    midway: int = 0
    share: float = 1.0


def steps(axes: int) -> Iterator[Step]:
    """All steps, in order."""
    half = SPACING // 2
    while half:
        for axis in range(axes):
            share = 1 / (half**axis * (2 * half) ** (axes - axis))
            yield Step((axis,), tuple(half * times for times in HALVES_AWAY), half, share)
        half //= 2
    for _ in range(SWEEPS):
        yield Step(tuple(range(axes)), SWEEP_OFFSETS)


@dataclass(frozen=True)
class Infill:
    """One step over a column: a function of the column's window of cells. ``count``: of levels; ``reference``: the
    position of the reference trace; ``number``: of the step, whose levels are read, written under the next one."""

    columns: Columns
    step: Step
    number: int
    count: int
    reference: tuple[int, ...]

    def __call__(self, column: Window) -> Mask:
        """Align the column's traces; which of them are tracked now."""
        levels, agreement = self.columns.read_state(self.number, column)
        ids = indices(column, self.columns.cells)
        for part in self._parts(column):
            own = np.searchsorted(ids, indices(part, self.columns.cells))
            levels[own], agreement[own] = self._align(part, levels[own], agreement[own])
        self.columns.write_state(self.number + 1, column, levels, agreement)
        return np.asarray(~np.isnan(levels[:, 0]).reshape(shape_of(column)))

    def _parts(self, column: Window) -> Iterator[Window]:
        """Parts of a column whose traces' neighbours fit into memory.

        In sweeps of volumes, traces apart by multiples of the least offset are neighbours of each other and of no
        others: each such class is a part, for which little more than itself is read.
        """
        waiting = [column]
        if len(self.step.axes) > 1:
            waiting = list(classes(column, self.step.offsets[0]))
        most = MAX_VALUES // (self.columns.channels * (self.columns.rows + self.count))
        while waiting:
            part = waiting.pop()
            shape = shape_of(part)
            if max(shape) == 1 or self._read(part) <= most:
                yield part
                continue
            others = [axis for axis in range(len(shape)) if axis not in self.step.axes and shape[axis] > 1]
            waiting += halves(part, max(others or range(len(shape)), key=lambda axis: shape[axis]))

    def _windows(self, part: Window) -> list[Window]:
        """What is read for a part: it with a margin along each axis of the step."""
        return [along(part, self.columns.cells, axis, self.step.offsets[-1]) for axis in self.step.axes]

    def _read(self, part: Window) -> int:
        """Traces that are read for a part."""
        return sum(int(np.prod(shape_of(window))) for window in self._windows(part))

    def _align(self, part: Window, own_levels: Array, own_agreement: Array) -> tuple[Array, Array]:
        """New levels and agreement of a part's traces, traces x rows, from those before."""
        windows = self._windows(part)
        if not self.step.midway:
            windows.append(tuple(slice(at, at + 1) for at in self.reference))
        ids, levels = self._levels_of(windows)
        own = indices(part, self.columns.cells)
        chosen = self._chosen(own, np.isnan(own_levels[:, 0]), ids, levels)
        if chosen.any():
            table = self._neighbours(own[chosen], ids, levels)
            paired = (table >= 0).any(1)
            chosen[chosen] = paired
            self._fill(part, chosen, table[paired], (ids, levels, windows), own_levels, own_agreement)
        return own_levels, own_agreement

    def _levels_of(self, windows: list[Window]) -> tuple[Indices, Array]:
        """Traces of the windows by their index in the grid, each once and in order, and their levels."""
        ids = np.concatenate([indices(window, self.columns.cells) for window in windows])
        levels = np.concatenate([self.columns.read_levels(self.number, window) for window in windows])
        ids, first = np.unique(ids, return_index=True)
        return ids, levels[first]

    def _chosen(self, own: Indices, untracked: Mask, ids: Indices, levels: Array) -> Mask:
        """Which of a part's traces are aligned."""
        if not self.step.midway:
            return np.ones(len(own), np.bool_)
        beside = self._at_offsets(own, self.step.axes[0], (self.step.midway,))
        tracked = ~np.isnan(levels[:, 0])
        found = [
            (at >= 0) & tracked[np.searchsorted(ids, np.maximum(at, ids[0])).clip(max=len(ids) - 1)] for at in beside
        ]
        return np.asarray(untracked & np.any(found, 0))

    def _at_offsets(self, traces: Indices, axis: int, offsets: tuple[int, ...]) -> list[Indices]:
        """The traces at each offset to either side along an axis, by their index in the grid; -1 beyond its edge."""
        sizes = self.columns.cells
        stride = int(np.prod(sizes[axis + 1 :]))
        position = traces // stride % sizes[axis]
        found = []
        for offset in (sign * size for size in offsets for sign in (-1, 1)):
            inside = (position + offset >= 0) & (position + offset < sizes[axis])
            found.append(np.where(inside, traces + offset * stride, -1))
        return found

    def _neighbours(self, traces: Indices, ids: Indices, levels: Array) -> Indices:
        """Tracked traces that each trace is compared with, traces x any, as positions in ``ids``; -1 for none."""
        table = [at for axis in self.step.axes for at in self._at_offsets(traces, axis, self.step.offsets)]
        if not self.step.midway:
            table.append(self._near_reference(traces))
        wanted = np.stack(table, 1)
        at = np.searchsorted(ids, np.maximum(wanted, ids[0])).clip(max=len(ids) - 1)
        return np.where((wanted >= 0) & ~np.isnan(levels[at, 0]), at, -1)

    def _near_reference(self, traces: Indices) -> Indices:
        """The reference trace, for traces near enough to be compared with it."""
        sizes = self.columns.cells
        position = np.stack(np.unravel_index(traces, sizes), -1)
        distance = np.abs(position - np.array(self.reference)).max(1)
        near = (distance > 0) & (distance <= COMPARED)
        return np.where(near, np.ravel_multi_index(self.reference, sizes), -1)

    def _fill(
        self,
        part: Window,
        chosen: Mask,
        table: Indices,
        known: tuple[Indices, Array, list[Window]],
        levels: Array,
        agreement: Array,
    ) -> None:
        """Align the chosen traces, and put what was found into the part's levels and agreement. Traces that no
        neighbour recognises stay as they were."""
        ids, known_levels, windows = known
        used, local = np.unique(table[table >= 0], return_inverse=True)
        table = table.copy()
        table[table >= 0] = local
        key = self.columns.keys(windows, ids[used])
        among = neighbours_at_levels(key, known_levels[used], self.count)
        found: Alignment = align(self.columns.traces(part, np.flatnonzero(chosen)), table, among, self.columns.costs)
        recognised = ~found.unmatched.all(1)
        to = np.flatnonzero(chosen)[recognised]
        levels[to] = found.levels[recognised]
        agreement[to] = np.where(found.unmatched, -found.agreement, found.agreement)[recognised]
