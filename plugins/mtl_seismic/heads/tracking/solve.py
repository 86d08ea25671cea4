"""Levels of a whole volume from its embeddings: tie traces, infill, and what is smoothed at last."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_seismic.heads.tracking.alignment import Costs, fill_unmatched, jump_costs
from mtl_seismic.heads.tracking.infill import infill
from mtl_seismic.heads.tracking.similarity import Similarity
from mtl_seismic.heads.tracking.state import TrackingState
from mtl_seismic.heads.tracking.tie_traces import track_tie_traces
from mtl_seismic.heads.tracking.trace_grid import TraceGrid

Array = NDArray[np.float32]
MEDIAN_WIDTH = 5
"""Cells whose median is taken at last: where faults cross, single traces are aligned with levels of another block,"""
DOUBTFUL_AGREEMENT = 0.3
"""where agreement is lower than this. (With medians everywhere narrow blocks would vanish.)"""


@torch.inference_mode()
def track(query: Array, key: Array, faults: Array | None = None, costs: Costs | None = None) -> tuple[Array, Array]:
    """Levels of all cells, increasing downwards but for faults, and the agreement of the scores with them (0..1).

    ``query``, ``key``: channels x cells of depth x cells... . Levels count rows of the reference trace, the central
    one, from its top; results have the shape of the cells. ``faults``: their probability in each cell, if it is known:
    levels jump there, and seldom elsewhere.
    """
    if query.shape[1] == 1:  # one level, and nothing to track
        return np.zeros(query.shape[1:], np.float32), np.ones(query.shape[1:], np.float32)
    costs = costs or Costs()
    jumps = None if faults is None else jump_costs(faults.reshape(len(faults), -1).T, costs)
    state = TrackingState(Similarity(_traces(query), _traces(key), costs), TraceGrid(query.shape[2:]), jumps)
    track_tie_traces(state)
    infill(state)
    found = fill_unmatched(state.levels, state.unmatched), state.agreement
    shape = (-1, *query.shape[2:])
    levels, agreement = (values.T.reshape(shape) for values in found)
    doubtful = agreement < DOUBTFUL_AGREEMENT
    return torch.where(doubtful, without_spikes(levels), levels).numpy(), agreement.numpy()


def without_spikes(levels: Tensor) -> Tensor:
    """Levels of cells, depth x ..., without those that a few traces alone have: medians along each horizontal axis.

    Layers that dip and steps at faults stay as they are.
    """
    for axis in range(1, levels.ndim):
        last = levels.shape[axis] - 1
        cells = torch.arange(last + 1)
        near = [
            levels.index_select(axis, (cells + step).clamp(0, last))
            for step in range(-(MEDIAN_WIDTH // 2), MEDIAN_WIDTH // 2 + 1)
        ]
        levels = torch.stack(near).median(0).values
    return levels


def _traces(embedding: Array) -> Tensor:
    """Traces x rows x channels."""
    return torch.from_numpy(np.ascontiguousarray(embedding.reshape(*embedding.shape[:2], -1).transpose(2, 1, 0)))
