"""Infill: all other traces between the tie traces, then sweeps over all traces."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from mtl_seismic.heads.tracking.level_scores import BAND_REACH
from mtl_seismic.heads.tracking.state import COMPARED, TrackingState
from mtl_seismic.heads.tracking.tie_traces import SPACING

HALVES_AWAY = (1, 3, 5, 9)
"""Distances of the neighbours of a trace half-way between two tracked ones, in halves of what lies between them."""
SWEEP_OFFSETS = (8, 16, 32, 48, COMPARED)
"""Cells to the neighbours in the sweeps, on all sides."""
SWEEPS = 2
"""How often all traces are tracked at last."""
CHUNK = 2**24
"""Scores computed at a time."""


def infill(state: TrackingState) -> None:
    """Track all traces."""
    half = SPACING // 2
    while half:
        for axis in state.grid.axes:
            _fill_midway(state, axis, half)
        half //= 2
    every = torch.arange(len(state.tracked))
    for _ in range(SWEEPS):
        _align_all(state, every, state.grid.axes, SWEEP_OFFSETS, with_reference=True)
    _copy_to_untracked(state)


def _fill_midway(state: TrackingState, axis: int, half: int) -> None:
    """Track traces ``half`` cells from a tracked one along an axis."""
    untracked = (~state.tracked).nonzero()[:, 0]
    if len(untracked):
        midway = untracked[torch.unique(state.tracked_neighbours(untracked, [axis], [half])[0])]
        _align_all(state, midway, [axis], [half * times for times in HALVES_AWAY])


def _align_all(
    state: TrackingState, traces: Tensor, axes: Iterable[int], offsets: Iterable[int], with_reference: bool = False
) -> None:
    """Align many traces, each with tracked ones around it as they are before; those that have none stay untracked."""
    chunk = max(CHUNK // (state.rows * min(state.row_of_level.shape[1], 4 * BAND_REACH)), 1)
    found = []
    for some in torch.split(traces, chunk):
        pair_trace, pair_neighbour = state.tracked_neighbours(some, axes, offsets)
        if with_reference:
            pair_trace, pair_neighbour = state.add_neighbour(some, pair_trace, pair_neighbour, state.grid.reference)
        paired, pair_trace = torch.unique(pair_trace, return_inverse=True)
        if len(paired):
            some = some[paired]
            found.append((some, state.align(some, pair_trace, pair_neighbour)))
    for some, alignment in found:
        state.store(some, alignment)


def _copy_to_untracked(state: TrackingState) -> None:
    """Traces that no neighbour recognises get the levels of the nearest."""
    while not state.tracked.all():
        untracked = (~state.tracked).nonzero()[:, 0]
        pair_trace, beside = state.tracked_neighbours(untracked, state.grid.axes, [1])
        chosen = torch.full_like(untracked, -1)
        chosen[pair_trace] = beside
        to, source = untracked[chosen >= 0], chosen[chosen >= 0]
        state.levels[to], state.unmatched[to] = state.levels[source], state.unmatched[source]
        state.agreement[to] = 0.0
        state.tracked[to] = True
