"""Tiles: cores that partition a volume, each read with a halo so that it equals its part of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from mtlcore.volume import Window

WHOLE = {2: 2**24, 3: 2**22}
"""Samples up to which a volume runs in one piece: a few GB of features."""


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


def tile_size(shape: tuple[int, ...], halo: int | None, wanted: int | None = None) -> tuple[int, ...]:
    """Edges of a tile: the whole volume where it is small enough or cannot be cut, else about equal edges.

    ``wanted``: an edge in samples asked for by the user.
    """
    if halo is None or (wanted is None and math.prod(shape) <= WHOLE[len(shape)]):
        return shape
    edge = wanted or max(int(WHOLE[len(shape)] ** (1 / len(shape))) - 2 * halo, 64)
    return tuple(min(edge, length) for length in shape)


def _multiple(value: int, of: int) -> int:
    return -(-value // of) * of
