"""Dead traces filled from the living around them, for networks and pictures: a hole looks like faults to both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mtlcore.io.volume import Window

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


def fill_window(values: Array, missing: NDArray[np.bool_], lateral: Window, read: Callable[[Window], Array]) -> Array:
    """A window of whole traces, filled as ``fill_traces`` would fill it within the whole volume.

    ``values``: depth x the window of ``lateral``; ``missing``: boolean over all horizontal positions of the volume;
    ``read`` gives whole traces of other places, where the nearest live ones lie outside of the window.
    """
    here = missing[lateral]
    if not here.any() or missing.all():
        return values
    if missing.ndim == 1:
        rows, own, reader = slice(0, 1), lateral[0], lambda window: read(window[1:])[:, None]
        filled = _fill_rows(values[:, None], missing[None], rows, own, reader)
        return filled[:, 0]
    return _fill_rows(values, missing, lateral[0], lateral[1], read)


def _fill_rows(
    values: Array, missing: NDArray[np.bool_], rows: slice, own: slice, read: Callable[[Window], Array]
) -> Array:
    """Rows of the window, and the nearest that hold anything above and below, filled along themselves, then across."""
    live_rows = np.flatnonzero(~missing.all(axis=1))
    around = _neighbours(live_rows, rows)
    whole = {row: _fill_row(values[:, row - rows.start], missing[row], own, row, read) for row in _range(rows)}
    for row in around:
        whole[row] = _fill_row(read((slice(row, row + 1), own))[:, 0], missing[row], own, row, read)
    order = sorted(whole)
    stack = np.stack([whole[row] for row in order], axis=1)
    empty = np.array([bool(missing[row].all()) for row in order])
    left = np.repeat(empty[None], stack.shape[2], axis=0)
    _fill_along(np.moveaxis(stack, 1, -1), left, np.array(order))
    first = order.index(rows.start)
    return np.ascontiguousarray(stack[:, first : first + rows.stop - rows.start])


def _fill_row(
    values: Array, missing: NDArray[np.bool_], own: slice, row: int, read: Callable[[Window], Array]
) -> Array:
    """The traces ``own`` of one row, filled along it; of a row without any live trace as they are."""
    live = np.flatnonzero(~missing)
    if not missing[own].any() or not live.size:
        return values
    around = _neighbours(live, own)
    outside = {at: read((slice(row, row + 1), slice(at, at + 1)))[:, 0, 0] for at in around}
    order = sorted([*outside, *_range(own)])
    line = np.stack([outside[at] if at in outside else values[:, at - own.start] for at in order], axis=-1)
    _fill_along(line, missing[order].copy(), np.array(order))
    first = order.index(own.start)
    return np.asarray(line[:, first : first + own.stop - own.start])


def _neighbours(live: NDArray[np.intp], own: slice) -> list[int]:
    """The nearest live positions outside of a range, where those at its ends are dead."""
    before, after = live[live < own.start], live[live >= own.stop]
    inside = live[(live >= own.start) & (live < own.stop)]
    found = []
    if before.size and (not inside.size or inside[0] > own.start):
        found.append(int(before[-1]))
    if after.size and (not inside.size or inside[-1] < own.stop - 1):
        found.append(int(after[0]))
    return found


def _range(part: slice) -> range:
    return range(part.start, part.stop)


def _fill_along(values: Array, missing: NDArray[np.bool_], at: NDArray[np.intp] | None = None) -> None:
    """Fill along the last axis, and mark as present what was filled. ``at``: where its traces lie, if not 0, 1, ..."""
    size = missing.shape[-1]
    position = np.arange(size)
    at = position if at is None else at
    before = np.maximum.accumulate(np.where(missing, -1, position), axis=-1)
    after = np.minimum.accumulate(np.where(missing, size, position)[..., ::-1], axis=-1)[..., ::-1]
    for *line, place in np.argwhere(missing & ((before >= 0) | (after < size))):
        trace = (slice(None), *line)
        first, last = int(before[(*line, place)]), int(after[(*line, place)])
        first, last = (last if first < 0 else first), (first if last >= size else last)
        share = (at[place] - at[first]) / (at[last] - at[first]) if last > first else 0.0
        values[(*trace, place)] = (1 - share) * values[(*trace, first)] + share * values[(*trace, last)]
    missing &= ~((before >= 0) | (after < size))
