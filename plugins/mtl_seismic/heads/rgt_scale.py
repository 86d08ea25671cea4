"""Solutions of relative geological time on one scale: any increasing map of time has the same horizons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SMOOTHING = 5
"""Samples over which the increase of time with depth is averaged: it is nearly 0 where strata are missing."""
MOST_SORTED = 2**18
"""Samples from which the classes are found."""
SLOWEST = 0.05
"""Of the mean increase: where time stands still, a step of time is no great step of depth."""


def match_scale(time: Array, reference: Array) -> Array:
    """``time`` mapped by the increasing function that brings it closest to ``reference``; both 0..1, of one shape.

    The function is the mean of the reference in classes of equal time, as many samples in each, made increasing.
    """
    few = time.ravel()[:: max(time.size // MOST_SORTED, 1)]
    edges = np.unique(np.quantile(few, np.linspace(0, 1, time.shape[0] + 1)))
    index = np.searchsorted(edges[1:-1], time.ravel(), side="right")
    count = np.bincount(index)
    filled = count > 0
    own, wanted = (np.bincount(index, weights=values.ravel())[filled] / count[filled] for values in (time, reference))
    # Within a class time still increases: along the line between the means of neighbouring classes.
    knots = np.concatenate([[min(0.0, own[0])], own, [max(1.0, own[-1])]])
    values = np.concatenate([[min(0.0, wanted[0])], np.maximum.accumulate(wanted), [max(1.0, wanted.max())]])
    return np.asarray(np.interp(time, knots, values), dtype=np.float32)


def depth_spread(times: list[Array]) -> Array:
    """Standard deviation, in samples, of the depth at which solutions on one scale have the same time."""
    stack = np.stack(times)
    mean = stack.mean(0, dtype=np.float64)
    rate = _running_mean(np.gradient(mean, axis=0), SMOOTHING)
    slowest = SLOWEST * (mean.max() - mean.min()) / max(len(mean) - 1, 1)
    spread = stack.std(0, dtype=np.float64) / np.maximum(rate, max(slowest, 1e-12))
    return np.asarray(np.minimum(spread, len(mean)), dtype=np.float32)


def _running_mean(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Along depth; the window is cut at the ends."""
    half = length // 2
    sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    rows = np.arange(len(values))
    first, last = np.maximum(rows - half, 0), np.minimum(rows + half + 1, len(values))
    return np.asarray((sums[last] - sums[first]) / (last - first).reshape(-1, *[1] * (values.ndim - 1)))
