"""Relative geological time of volumes of any size: tie traces in memory, everything else column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtl_seismic.heads.correspondence import CELL
from mtl_seismic.heads.tracking import kernel
from mtl_seismic.heads.tracking.columns import CELL_FAULTS, FAULTS, KEY, QUERY, Columns
from mtl_seismic.heads.tracking.final_levels import RGT, TIME, FinalLevels, Scaled, Time, nearest_tracked
from mtl_seismic.heads.tracking.infill import Infill, steps
from mtl_seismic.heads.tracking.problem import Costs, Traces
from mtl_seismic.heads.tracking.store import Arrays, Source, Store, Window
from mtl_seismic.heads.tracking.tie_grid import TieGrid
from mtl_seismic.heads.tracking.tie_traces import SPACING, Frame, track_tie_traces
from mtl_seismic.heads.tracking.windows import blocks, cells_of, indices, shape_of, whole

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Map = Callable[[Callable[[Window], Any], Sequence[Window]], Iterable[Any]]
"""Runs a function over columns and gives the results in their order: ``map``, or one of an executor. The function and
what it returns can be pickled where source and store can."""
Progress = Callable[[float, float], None]
"""Told (done, total) after each part, in traces that are aligned."""
FINAL_SHARE = 0.1
"""What follows the last sweep takes about that part of the time of a sweep."""
EDGES = {1: 128, 2: 64}
"""Cells along the sides of the columns of volumes in memory, at least, by the number of horizontal axes."""
COLUMNS_PER_THREAD = 2
FLOAT16_MAX = 65504
SMALL = 2**26
"""Numbers of embeddings up to which they are kept as float32, which need not be converted in each step."""


def solve_by_columns(
    source: Source,
    store: Store,
    shape: tuple[int, ...],
    columns: Sequence[Window],
    map: Map = map,
    step: Progress = lambda done, total: None,
    faults: bool = False,
    costs: Costs | None = None,
) -> None:
    """Relative geological time (0..1) of a volume of ``shape`` (depth, ...) samples, written to ``store`` as "rgt".

    ``source`` gives "rgt_query" and "rgt_key" (channels x cells of depth x cells ..., float16 or float32) and with
    ``faults`` also "fault_probability" (in samples). ``columns``: windows of samples along the horizontal axes that
    divide the volume and start at multiples of 2. What is needed around a column is read: infill reads infill.HALO
    cells along one axis at a time. ``store`` keeps the state, which is dropped at the end: 14 bytes a cell, and then 4
    a sample.
    """
    channels = source.read(QUERY, tuple(slice(0, 1) for _ in shape[1:])).shape[0]
    tracking = Columns(source, store, shape, channels, faults, costs or Costs())
    progress = _Progress(tracking, step)
    last, copies = _track(tracking, [cells_of(column) for column in columns], map, progress)
    store.create(TIME, shape, "float32")
    store.create(RGT, shape, "float32")
    found = []
    for column, extremes in zip(columns, map(Time(FinalLevels(tracking, last, copies)), columns), strict=True):
        found.append(extremes)
        progress.add(FINAL_SHARE * np.prod(shape_of(cells_of(column))))
    low, high = min(one[0] for one in found), max(one[1] for one in found)
    for _ in map(Scaled(tracking, low, high), columns):
        pass
    store.drop(TIME)
    tracking.drop_state(last)


def _track(tracking: Columns, columns: list[Window], map: Map, progress: _Progress) -> tuple[int, dict[int, int]]:
    """Tie traces and all steps of infill; the number of the last step, and where untracked traces are copied from."""
    frame = _tie(tracking, columns, map, progress)
    tracking.create_state(0)
    for _ in map(_Start(tracking, frame), columns):
        pass
    tracked = np.zeros(tracking.cells, np.bool_)
    number = 0
    for step in steps(len(tracking.cells)):
        tracking.create_state(number + 1)
        infill = Infill(tracking, step, number, frame.level_count, frame.reference)
        for column, known in zip(columns, map(infill, columns), strict=True):
            tracked[column] = known
            progress.add(step.share * known.size)
        tracking.drop_state(number)
        number += 1
    if tracking.faults:
        tracking.store.drop(CELL_FAULTS)
    return number, nearest_tracked(tracked)


def _tie(tracking: Columns, columns: list[Window], map: Map, progress: _Progress) -> Frame:
    """The tie traces, read from their columns."""
    grid = TieGrid(tracking.cells, SPACING)
    if tracking.faults:
        tracking.store.create(CELL_FAULTS, (tracking.rows, *tracking.cells), "float16")
    rows, channels = tracking.rows, tracking.channels
    query, key = np.empty((2, len(grid.positions), rows, channels), np.float32)
    jumps = np.empty((len(grid.positions), rows), np.float32)
    for numbers, traces, keys in map(_ReadTies(tracking, grid), columns):
        query[numbers], jumps[numbers], key[numbers] = traces.query, traces.jumps, keys
    return track_tie_traces(grid, Traces(query, jumps), key, tracking.costs, progress.add)


@dataclass(frozen=True)
class _ReadTies:
    """The tie traces of a column: their numbers, what is aligned, and their keys; keeps its faults in cells."""

    tracking: Columns
    grid: TieGrid

    def __call__(self, column: Window) -> tuple[NDArray[np.int64], Traces, Array]:
        numbers = _inside(self.grid.positions, column)
        wanted = np.ravel_multi_index(tuple(self.grid.positions[numbers].T), self.tracking.cells)
        chosen = np.searchsorted(indices(column, self.tracking.cells), wanted)
        self.tracking.write_faults(column)
        return numbers, self.tracking.traces(column, chosen), self.tracking.keys([column], wanted)


@dataclass(frozen=True)
class _Start:
    """The first state of a column: tie traces are tracked, all others are not."""

    tracking: Columns
    frame: Frame

    def __call__(self, column: Window) -> None:
        ids = indices(column, self.tracking.cells)
        levels = np.full((len(ids), self.tracking.rows), np.nan, np.float32)
        agreement = np.zeros_like(levels)
        numbers = _inside(self.frame.positions, column)
        to = np.searchsorted(ids, np.ravel_multi_index(tuple(self.frame.positions[numbers].T), self.tracking.cells))
        levels[to] = self.frame.levels[numbers]
        agreed = self.frame.agreement[numbers]
        agreement[to] = np.where(self.frame.unmatched[numbers], -agreed, agreed)
        self.tracking.write_state(0, column, levels, agreement)


def _inside(positions: NDArray[np.int64], window: Window) -> NDArray[np.int64]:
    """Numbers of the positions that lie in a window."""
    inside = [(at >= part.start) & (at < part.stop) for at, part in zip(positions.T, window, strict=True)]
    return np.flatnonzero(np.all(inside, 0))


class _Progress:
    """How many traces have been aligned, of how many."""

    def __init__(self, tracking: Columns, step: Progress) -> None:
        traces = int(np.prod(tracking.cells))
        ties = len(TieGrid(tracking.cells, SPACING).positions)
        shares = sum(one.share for one in steps(len(tracking.cells)))
        self.step, self.done, self.total = step, 0.0, ties + (shares + FINAL_SHARE) * traces

    def add(self, traces: float) -> None:
        """More have been aligned."""
        self.done = min(self.done + traces, self.total)
        self.step(self.done, self.total)


def solve_arrays(
    query: Array,
    key: Array,
    shape: tuple[int, ...],
    faults: Array | None = None,
    step: Progress = lambda done, total: None,
) -> Array:
    """Relative geological time (0..1) of a volume of ``shape`` (depth, ...) in memory. ``query``, ``key``: channels x
    cells; ``faults``: probability, in samples."""
    if query.shape[1] == 1:  # one level, and nothing to track
        return np.zeros(shape, np.float32)
    store = _in_memory(query, key, faults)
    columns = _columns(shape)
    with threads() as run:
        solve_by_columns(store, store, shape, columns, run, step, faults is not None)
    return store[RGT]


def track(query: Array, key: Array, faults: Array | None = None, costs: Costs | None = None) -> tuple[Array, Array]:
    """Levels of all cells, increasing downwards but for faults, and the agreement of the scores with them (0..1).

    ``query``, ``key``: channels x cells of depth x cells... . Levels count rows of the reference trace, the central
    one, from its top; results have the shape of the cells. ``faults``: their probability in each cell, if it is known:
    levels jump there, and seldom elsewhere.
    """
    cells = query.shape[1:]
    if cells[0] == 1:
        return np.zeros(cells, np.float32), np.ones(cells, np.float32)
    store = _in_memory(query, key, None if faults is None else faults.repeat(CELL, 0))
    for axis in range(1, len(cells) if faults is not None else 0):
        store[FAULTS] = store[FAULTS].repeat(CELL, axis)
    shape = tuple(CELL * size for size in cells)
    tracking = Columns(store, store, shape, len(query), faults is not None, costs or Costs())
    with threads() as run:
        columns = [cells_of(column) for column in _columns(shape)]
        last, copies = _track(tracking, columns, run, _Progress(tracking, lambda done, total: None))
    return FinalLevels(tracking, last, copies)(whole(cells[1:]))


def _in_memory(query: Array, key: Array, faults: Array | None) -> Arrays:
    """Embeddings as half-precision numbers, and a trace's next to each other."""
    store = Arrays()
    for name, values in ((QUERY, query), (KEY, key)):
        halves = torch.from_numpy(values).half().clamp_(-FLOAT16_MAX, FLOAT16_MAX)
        traces = kernel.by_trace(halves.float().flatten(2).numpy())
        kept = traces if traces.size < SMALL else traces.astype(np.float16)
        store[name] = np.moveaxis(kept.reshape(*values.shape[2:], *kept.shape[1:]), (-1, -2), (0, 1))
    if faults is not None:
        store[FAULTS] = faults
    return store


def _columns(shape: tuple[int, ...]) -> list[Window]:
    """Columns of a volume in memory, in samples: a few for each thread, since each reads what is around it."""
    parts = (COLUMNS_PER_THREAD * torch.get_num_threads()) ** (1 / (len(shape) - 1))
    edge = max(EDGES[len(shape) - 1], int(max(shape[1:]) / CELL / parts) + 1)
    return list(blocks(whole(shape[1:]), CELL * edge))


@contextmanager
def threads() -> Iterator[Map]:
    """Runs columns in as many threads as torch uses: the kernel leaves Python to others."""
    if torch.get_num_threads() == 1 or not kernel.available():
        yield map
        return
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        yield pool.map
