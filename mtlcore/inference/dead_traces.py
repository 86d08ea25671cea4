"""Dead traces filled from the living around them, for networks and pictures: a hole looks like faults to both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def fill_traces(values: Array, missing: NDArray[np.bool_]) -> Array:
    """Fill missing traces in place: linearly between the nearest ones along the last axis, then the second.

    ``values``: depth x ... ; ``missing``: boolean over the horizontal axes. At an end the nearest trace is
    repeated. Where no trace lives at all, nothing changes.
    """
    left = missing.copy()
    for axis in reversed(range(left.ndim)):
        _fill_along(np.moveaxis(values, axis + 1, -1), np.moveaxis(left, axis, -1))
    return values


def without_gaps(values: Array, unknown: NDArray[np.bool_]) -> Array:
    """Unknown samples filled linearly between the known ones of their traces, traces without any from beside."""
    if not unknown.any():
        return values
    filled = np.where(unknown, np.float32(0), values).reshape(len(values), -1)
    gaps = unknown.reshape(len(values), -1)
    depth = np.arange(len(values))
    for trace in np.flatnonzero(gaps.any(axis=0) & ~gaps.all(axis=0)):
        known = ~gaps[:, trace]
        filled[:, trace] = np.interp(depth, depth[known], filled[known, trace])
    return fill_traces(filled.reshape(values.shape), np.asarray(unknown.all(axis=0)))


def _fill_along(values: Array, missing: NDArray[np.bool_]) -> None:
    """Fill along the last axis, and mark as present what was filled."""
    size = missing.shape[-1]
    position = np.arange(size)
    before = np.maximum.accumulate(np.where(missing, -1, position), axis=-1)
    after = np.minimum.accumulate(np.where(missing, size, position)[..., ::-1], axis=-1)[..., ::-1]
    for *line, place in np.argwhere(missing & ((before >= 0) | (after < size))):
        trace = (slice(None), *line)
        first, last = int(before[(*line, place)]), int(after[(*line, place)])
        first, last = (last if first < 0 else first), (first if last >= size else last)
        share = (place - first) / (last - first) if last > first else 0.0
        values[(*trace, place)] = (1 - share) * values[(*trace, first)] + share * values[(*trace, last)]
    missing &= ~((before >= 0) | (after < size))
