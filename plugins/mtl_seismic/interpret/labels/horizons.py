"""Labels of relative geological time from horizons: known around them, unknown where nobody looked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError

Floats = NDArray[np.float64]


def gridded(samples: Floats, shape: tuple[int, ...]) -> Floats:
    """Picks (N x d, in samples) as depths over the horizontal axes: the mean of those of each trace, NaN without."""
    size = int(np.prod(shape[1:]))
    places = np.rint(samples[:, 1:]).astype(np.intp)
    index = np.ravel_multi_index(tuple(places.T), shape[1:])
    count = np.bincount(index, minlength=size)
    total = np.bincount(index, samples[:, 0], minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total / count).reshape(shape[1:]))


def ordered(grids: Sequence[Floats], names: Sequence[str]) -> list[int]:
    """The horizons from the youngest to the oldest, by the median of their differences where both are known.

    MtlError where two cross by more than a part of a sample on a tenth of their common traces.
    """
    order = sorted(range(len(grids)), key=lambda number: float(np.nanmean(grids[number])))
    for upper, lower in pairwise(order):
        apart = grids[lower] - grids[upper]
        apart = apart[np.isfinite(apart)]
        if len(apart) and float((apart < -0.25).mean()) > 0.1:
            raise MtlError(
                f"The horizons '{names[upper]}' and '{names[lower]}' cross on {(apart < -0.25).mean():.0%} of their "
                "common traces: horizons that cross have no order in time. Leave one out."
            )
    return order


def time_labels(grids: Sequence[Floats], rows: int, corridor: float) -> NDArray[np.float32]:
    """Relative time (rows, ...) of horizons from young to old, as depths over the traces of a section or volume.

    Each horizon has one time everywhere: its mean depth as a share of the rows. Between two horizons time is
    linear in each trace; above the first and below the last it goes on by one row's share. It is NaN farther than
    ``corridor`` samples from every horizon of the trace, and in traces that none of them passes.
    """
    times = _increasing([float(np.nanmean(grid)) / max(rows - 1, 1) for grid in grids], 1 / max(rows - 1, 1))
    lateral = grids[0].shape
    found = np.full((rows, int(np.prod(lateral))), np.nan, np.float32)
    depths = np.stack([grid.reshape(-1) for grid in grids])
    index = np.arange(rows, dtype=np.float64)
    for trace in np.flatnonzero(np.isfinite(depths).any(axis=0)):
        known = np.isfinite(depths[:, trace])
        at, time = np.maximum.accumulate(depths[known, trace]), np.array(times)[known]
        values = np.interp(index, at, time)
        values += (np.minimum(index - at[0], 0) + np.maximum(index - at[-1], 0)) / max(rows - 1, 1)
        near = np.abs(index[:, None] - at).min(axis=1) <= corridor
        found[near, trace] = values[near]
    return found.reshape(rows, *lateral)


def _increasing(times: list[float], step: float) -> list[float]:
    """The times, each at least a step after the one before."""
    for number in range(1, len(times)):
        times[number] = max(times[number], times[number - 1] + step)
    return times
