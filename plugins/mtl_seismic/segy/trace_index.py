"""Which trace is read at each place of a survey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import gathers, words
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.lines import chunks, small_integers
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.trace_grid import TraceGrid
from mtlcore.errors import MtlError

Columns = Mapping[int, NDArray[Any]]
Index = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class TraceIndex:
    """``first``: the trace at each place of the horizontal axes, -1 for none. ``live``: the places with a trace that is
    not flagged dead. ``repeated``: traces at a place that another one has. ``layers``: where traces are stacked, the
    first trace of each place, the second, and so on, of those that are not dead."""

    first: Index
    live: NDArray[np.bool_]
    repeated: NDArray[np.int64]
    layers: tuple[Index, ...] = ()


def trace_index(layout: Layout, grid: TraceGrid, columns: Columns, options: Options, notes: list[str]) -> TraceIndex:
    """The traces of a grid's places; MtlError where several are at one place and nothing says what to do."""
    first = _first_traces(layout, grid.cells, grid.traces(), grid.shape)
    dead = columns[words.TRACE_ID_CODE.start] == words.DEAD
    if dead.all():
        notes.append(f"{layout.path}: {words.TRACE_ID_CODE} say {words.DEAD} (dead) in all traces: taken as live.")
        dead = np.zeros(1, bool)
    traces = grid.traces()
    repeated = np.asarray(traces[_elsewhere(first, grid.cells, traces)])
    if options.stack:
        alive = ~np.broadcast_to(dead, layout.traces)[grid.traces()]
        layers = _layers(layout, grid, alive)
        return TraceIndex(layers[0], layers[0] >= 0, np.zeros(0, np.int64), layers)
    if repeated.size:
        _check_repeated(layout, grid, columns, options, first, repeated, notes)
    live = np.asarray((first >= 0) & ~(dead[first] if dead.size > 1 else dead))
    return TraceIndex(first, live, repeated)


def _first_traces(layout: Layout, cells: NDArray[Any], traces: NDArray[Any], shape: tuple[int, ...]) -> Index:
    index = np.full(shape, -1, small_integers(layout.traces))
    # Assigned backwards, the first of several traces stays.
    for part in reversed(list(chunks(len(cells)))):
        index.reshape(-1)[cells[part][::-1]] = traces[part][::-1]
    return index


def _elsewhere(index: Index, cells: NDArray[Any], traces: NDArray[Any]) -> NDArray[np.bool_]:
    """Which traces are not the ones of their places."""
    found = np.empty(len(cells), bool)
    for part in chunks(len(cells)):
        found[part] = index.reshape(-1)[cells[part]] != traces[part]
    return found


def _layers(layout: Layout, grid: TraceGrid, alive: NDArray[np.bool_]) -> tuple[Index, ...]:
    """Indices of the places' first, second, ... traces that are not dead."""
    cells, traces = grid.cells[alive], grid.traces()[alive]
    layers: list[Index] = []
    while cells.size or not layers:
        layers.append(_first_traces(layout, cells, traces, grid.shape))
        left = _elsewhere(layers[-1], cells, traces)
        cells, traces = cells[left], traces[left]
    return tuple(layers)


def _check_repeated(
    layout: Layout,
    grid: TraceGrid,
    columns: Columns,
    options: Options,
    first: Index,
    repeated: NDArray[np.int64],
    notes: list[str],
) -> None:
    second = int(repeated[0])
    cell = int(grid.cells[np.flatnonzero(grid.traces() == second)[0]])
    what = (
        f"{layout.path}: traces {first.reshape(-1)[cell] + 1} and {second + 1} are both at {grid.describe(cell)} "
        f"({', '.join(map(str, grid.words))}), and {repeated.size - 1} more places are taken twice"
    )
    if options.duplicates == "first":
        notes.append(f"{what}: the first one is read.")
        return
    kept = np.zeros(layout.traces, bool)
    kept[grid.selection] = True
    varying = gathers.varying_offsets(columns, kept)
    ways = "Set other byte positions, or format.duplicates=first to read the first, or format.stack=true."
    raise MtlError(
        f"{what}. It looks like pre-stack data: {varying}. {gathers.WAYS_OUT}." if varying else f"{what}. {ways}"
    )
