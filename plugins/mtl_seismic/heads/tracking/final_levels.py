"""What follows the last sweep: levels of every trace and row, smoothed where they are doubtful, and time from them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_seismic.heads.correspondence import to_samples
from mtl_seismic.heads.flattening import increasing
from mtl_seismic.heads.tracking.columns import Columns
from mtl_seismic.heads.tracking.levels import fill_unmatched
from mtl_seismic.heads.tracking.store import Window
from mtl_seismic.heads.tracking.windows import cells_of, extended, indices, relative, samples_of, shape_of

Array = NDArray[np.float32]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
MEDIAN_WIDTH = 5
"""Cells whose median is taken at last: where faults cross, single traces are aligned with levels of another block,"""
DOUBTFUL_AGREEMENT = 0.3
"""where agreement is lower than this. (With medians everywhere narrow blocks would vanish.)"""
TIME, RGT = "rgt_time", "rgt"


def nearest_tracked(tracked: Mask) -> dict[int, int]:
    """For each untracked trace, by its index in the grid, a tracked one that is nearest, step by step along axes."""
    source = np.where(tracked, np.arange(tracked.size).reshape(tracked.shape), -1)
    while (source < 0).any() and (source >= 0).any():
        grown = source.copy()
        for axis in range(source.ndim):
            along, target = np.moveaxis(source, axis, 0), np.moveaxis(grown, axis, 0)
            for to, beside in ((target[1:], along[:-1]), (target[:-1], along[1:])):
                to[(to < 0) & (beside >= 0)] = beside[(to < 0) & (beside >= 0)]
        source = grown
    flat = source.ravel()
    return {int(trace): int(flat[trace]) for trace in np.flatnonzero(~tracked.ravel())}


@dataclass(frozen=True)
class FinalLevels:
    """Levels of all cells of a window after step ``number``. ``copies``: see ``nearest_tracked``."""

    columns: Columns
    number: int
    copies: dict[int, int] = field(default_factory=dict)

    def __call__(self, window: Window) -> tuple[Array, Array]:
        """Levels and agreement (0..1), rows x cells."""
        margin = [MEDIAN_WIDTH // 2] * len(window)
        around = extended(window, self.columns.cells, margin)
        levels, agreement = map(torch.from_numpy, self._state(around))
        shape = (self.columns.rows, *shape_of(around))
        levels = fill_unmatched(levels, agreement < 0).T.reshape(shape)
        agreement = agreement.abs().T.reshape(shape)
        levels = torch.where(agreement < DOUBTFUL_AGREEMENT, without_spikes(levels), levels)
        core = (slice(None), *relative(window, around))
        return levels[core].numpy(), agreement[core].numpy()

    def _state(self, window: Window) -> tuple[Array, Array]:
        """Levels and agreement of traces x rows, those of untracked traces copied."""
        levels, agreement = self.columns.read_state(self.number, window)
        untracked = np.flatnonzero(np.isnan(levels[:, 0]))
        ids = indices(window, self.columns.cells)
        for trace in untracked:
            at = np.unravel_index(self.copies[int(ids[trace])], self.columns.cells)
            one = tuple(slice(int(i), int(i) + 1) for i in at)
            levels[trace], signs = (values[0] for values in self.columns.read_state(self.number, one))
            agreement[trace] = np.where(signs < 0, np.float32(-1e-9), 0)
        return levels, agreement


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


@dataclass(frozen=True)
class Time:
    """Time of a column of samples, in samples and increasing, written as TIME; its smallest and largest value."""

    levels: FinalLevels

    def __call__(self, column: Window) -> tuple[float, float]:
        columns = self.levels.columns
        cells = cells_of(column)
        around = extended(cells, columns.cells, [1] * len(cells))
        samples = samples_of(around, columns.shape[1:])
        levels, _ = self.levels(around)
        fine = to_samples(levels, (columns.shape[0], *shape_of(samples)))
        time = increasing(fine[(slice(None), *relative(column, samples))])
        columns.store.write(TIME, column, time)
        return float(time.min()), float(time.max())


@dataclass(frozen=True)
class Scaled:
    """Time of a column on the scale of the whole volume, 0..1, written as RGT."""

    columns: Columns
    low: float
    high: float

    def __call__(self, column: Window) -> None:
        time = self.columns.store.read(TIME, column)
        scaled = (time - np.float32(self.low)) / np.float32(self.high - self.low or 1.0)
        self.columns.store.write(RGT, column, np.clip(scaled, 0, 1))
