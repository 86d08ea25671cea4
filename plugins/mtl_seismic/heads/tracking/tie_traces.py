"""Tie traces: a coarse grid of traces tracked one after another, in which new levels are inserted."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_seismic.heads.tracking.alignment import fill_unmatched, runs
from mtl_seismic.heads.tracking.state import Alignment, TrackingState

SPACING = 16
"""Cells between tie traces, a power of 2."""
SPACINGS_BACK = (1, 2, 3, 4)
"""Distances of the tie traces that one is compared with, in spacings."""
MIN_NEW_ROWS = 2
"""Unmatched rows that become new levels; fewer lie between two levels."""


def track_tie_traces(state: TrackingState) -> None:
    """Track all tie traces, from the reference trace outwards."""
    for pair in state.grid.tie_traces(SPACING):
        _track_pair(state, pair)


def _track_pair(state: TrackingState, traces: Tensor) -> None:
    """Track two traces on opposite sides, and give unmatched rows levels of their own."""
    pair_trace, pair_neighbour = _previous_tie_traces(state, traces)
    alone = torch.isin(torch.arange(len(traces)), pair_trace, invert=True)
    if alone.any():
        _copy_from_nearest(state, traces[alone])
        if alone.all():
            return
        traces = traces[~alone]
        pair_trace, pair_neighbour = _previous_tie_traces(state, traces)
    found = state.align(traces, pair_trace, pair_neighbour)
    state.store(traces, found)
    inserted = _insert_new_strata(state, traces[0], found.rounded[0], found.unmatched[0])
    for trace, levels, unmatched in zip(traces[1:], found.rounded[1:], found.unmatched[1:], strict=True):
        if inserted and unmatched.any():  # strata new on this side may be those just inserted for the other
            pairs = state.add_neighbour(trace[None], *_previous_tie_traces(state, trace[None]), traces[0])
            again = state.align(trace[None], *pairs)
            state.store(trace[None], again)
            levels, unmatched = again.rounded[0], again.unmatched[0]
        _insert_new_strata(state, trace, levels, unmatched)


def _previous_tie_traces(state: TrackingState, traces: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs of tie traces and tracked ones that they are compared with."""
    axes = state.grid.axes
    found = state.tracked_neighbours(traces, axes, [SPACING * back for back in SPACINGS_BACK])
    if len(torch.unique(found[0])) < len(traces):  # at an edge nearer than the spacing
        return state.tracked_neighbours(traces, axes, range(1, SPACING * SPACINGS_BACK[-1] + 1))
    return found


def _copy_from_nearest(state: TrackingState, traces: Tensor) -> None:
    """Beyond a gap wider than networks compare, layers are taken to lie as deep as in the nearest tracked trace."""
    nearest = state.grid.nearest(traces, state.tracked)
    levels = fill_unmatched(state.levels[nearest], state.unmatched[nearest])
    matched = torch.zeros_like(levels, dtype=torch.bool)
    state.store(traces, Alignment(levels.long(), levels, torch.zeros_like(levels), matched))


def _insert_new_strata(state: TrackingState, trace: Tensor, levels: Tensor, unmatched: Tensor) -> bool:
    """New levels for a trace's runs of unmatched rows; not for a trace that no neighbour recognises."""
    if unmatched.all():
        return False
    long = [run for run in runs(unmatched.tolist()) if run[1] - run[0] >= MIN_NEW_ROWS]
    for first, last in reversed(long):  # from below: positions above stay what they were
        state.insert_levels(int(levels[first]) + 1, int(trace), first, last)
    return bool(long)
