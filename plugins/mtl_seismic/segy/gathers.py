"""Pre-stack data: what shows it, and the traces of one offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats import coordinates
from mtl_seismic.segy import words
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.lines import chunks, distinct
from mtlcore.errors import MtlError

Columns = Mapping[int, NDArray[Any]]
LISTED = 8
"""Offsets that a message lists."""
WAYS_OUT = (
    "Stack it first, or set format.offset=N to take the traces of one offset, or format.stack=true to average all "
    "traces of each place"
)


def varying_offsets(columns: Columns, kept: NDArray[np.bool_]) -> str:
    """What varies, in words: bytes 37-40, or the distance from source to receiver; empty where nothing does."""
    offsets = columns[words.OFFSET.start]
    if offsets.strides != (0,):
        found = distinct(offsets[kept])
        if len(found) > 1:
            return f"{words.OFFSET} hold {len(found)} values from {found[0]} to {found[-1]}"
    points = [columns[word.start] for word in (words.SOURCE_X, words.SOURCE_Y, words.GROUP_X, words.GROUP_Y)]
    if not all(values[kept].any() for values in (points[0], points[2])):
        return ""
    low, high = np.inf, -np.inf
    for part in chunks(len(kept)):
        x, y, u, v = (values[part][kept[part]].astype(np.float64) for values in points)
        scale = coordinates.factors(columns[words.SCALAR.start][part][kept[part]])
        distance = np.hypot(x - u, y - v) * scale
        low, high = min(low, distance.min(initial=np.inf)), max(high, distance.max(initial=-np.inf))
    # A stack has either one point twice, or nothing.
    return f"sources and receivers (bytes 73-88) are {low:g} to {high:g} apart" if high - low > 1 else ""


def follow_a_line(columns: Columns, kept: NDArray[np.bool_], numbers: Sequence[NDArray[Any]]) -> bool:
    """Whether each line number has an offset of its own, as channels of shots have; offsets left in a stack do not."""
    offsets = columns[words.OFFSET.start]
    if offsets.strides == (0,):
        return False
    return any(_is_function(offsets[kept], values[kept]) for values in numbers)


def _is_function(values: NDArray[Any], of: NDArray[Any]) -> bool:
    low = int(of.min())
    value = np.zeros(int(of.max()) - low + 1, values.dtype)
    value[of - low] = values
    return bool((value[of - low] == values).all())


def of_offset(layout: Layout, columns: Columns, offset: int) -> NDArray[np.bool_]:
    """The traces of one offset; MtlError lists those that there are."""
    offsets = columns[words.OFFSET.start]
    chosen = np.asarray(offsets == offset)
    if chosen.any():
        return chosen
    found = distinct(offsets)
    listed = ", ".join(map(str, found[:LISTED])) + (f", ... {found[-1]}" if len(found) > LISTED else "")
    raise MtlError(f"{layout.path}: no trace has the offset {offset} in {words.OFFSET}. Offsets: {listed}.")
