"""Tiles: cores that partition a volume, each read with a halo so that it equals its part of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from mtlcore.io.volume import Window

WHOLE = {2: 2**24, 3: 2**22}
"""Samples up to which a volume runs in one piece: a few GB of features."""
WORTHWHILE = 0.85
"""Tiles are cut smaller only if one then reads at most so much of what it read before."""


class Tile(NamedTuple):
    """``core``: the part to keep; ``read``: core and halo, cut at the volume's edges; ``keep``: core within read."""

    core: Window
    read: Window
    keep: Window


def tiles(shape: tuple[int, ...], size: tuple[int, ...], halo: int, stride: int) -> Iterator[Tile]:
    """The tiles of a volume; sizes and halo are rounded up to multiples of the stride, where networks align."""
    steps = [_multiple(edge, stride) for edge in size]
    reach = _multiple(halo, stride)
    starts = [range(0, length, step) for length, step in zip(shape, steps, strict=True)]
    for corner in product(*starts):
        core, read, keep = [], [], []
        for start, step, length in zip(corner, steps, shape, strict=True):
            stop = min(start + step, length)
            first, last = max(start - reach, 0), min(stop + reach, length)
            core.append(slice(start, stop))
            read.append(slice(first, last))
            keep.append(slice(start - first, stop - first))
        yield Tile(tuple(core), tuple(read), tuple(keep))


def tile_size(shape: tuple[int, ...], halo: int, wanted: int | None = None) -> tuple[int, ...]:
    """Edges of a tile. ``wanted``: an edge in samples asked for by the user.

    Without it the whole volume, cut in halves until what a tile reads is small enough, or until cutting
    helps no more: a halo nearly as long as an axis is read again and again.
    """
    if wanted is not None:
        return tuple(min(wanted, length) for length in shape)
    edges = shape
    while reading(shape, edges, halo) > WHOLE[len(shape)]:
        halved = [(*edges[:axis], -(-edges[axis] // 2), *edges[axis + 1 :]) for axis in range(len(shape))]
        best = min(halved, key=lambda other: reading(shape, other, halo))
        if reading(shape, best, halo) > WORTHWHILE * reading(shape, edges, halo):
            break
        edges = best
    return edges


def reading(shape: tuple[int, ...], edges: tuple[int, ...], halo: int) -> int:
    """Samples that the largest tile reads, its halo included."""
    return math.prod(_read_edge(*pair, halo) for pair in zip(shape, edges, strict=True))


def _read_edge(length: int, edge: int, halo: int) -> int:
    """Of two tiles each has one halo; one between others has two."""
    if edge >= length:
        return length
    return min(length, edge + (halo if 2 * edge >= length else 2 * halo))


def _multiple(value: int, of: int) -> int:
    return -(-value // of) * of
