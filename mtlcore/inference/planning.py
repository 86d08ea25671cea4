"""How large tiles and columns are: what fits a budget of memory, with as little work in halos as possible."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.inference.tiles import Tiling, multiple

COLUMN_BYTES = 40
"""Bytes a sample of a column that is being worked on: image, masks, what was decoded."""
MAX_PARTS = 96
"""Parts along one axis that are tried."""


@dataclass(frozen=True)
class Budget:
    """``memory``: bytes that may be used at once; ``tile_bytes``: what the network needs for each sample it reads."""

    memory: int
    tile_bytes: float


def plan(shape: tuple[int, ...], halo: int, stride: int, budget: Budget, columns: int = 1) -> Tiling:
    """The cut with the fewest samples read in all, of those that fit the budget; of equal ones the fewest tiles.

    ``columns``: how many there are to be at least, if the image is large enough. MtlError where nothing fits.
    """
    axes = [_choices(length, halo, stride, stride) for length in shape]
    grid = np.meshgrid(*(np.arange(len(axis.edges)) for axis in axes), indexing="ij")
    read, largest, steps = (
        np.prod([getattr(axis, name)[at] for axis, at in zip(axes, grid, strict=True)], axis=0)
        for name in ("read", "largest", "pieces")
    )
    needed = largest * budget.tile_bytes + shape[0] * largest / axes[0].largest[grid[0]] * COLUMN_BYTES
    fits = np.flatnonzero(needed.ravel() <= budget.memory)
    if not fits.size:
        raise MtlError(
            f"The smallest piece of this volume needs {needed.min() / 1e6:.0f} MB, more than the "
            f"{budget.memory / 1e6:.0f} MB allowed for it: raise --memory, or lower --halo."
        )
    number = (steps / axes[0].pieces[grid[0]]).ravel()[fits]
    fits = fits[number >= min(columns, number.max())]
    best = fits[np.lexsort((steps.ravel()[fits], read.ravel()[fits]))[0]]
    edges = tuple(int(axis.edges[at.ravel()[best]]) for axis, at in zip(axes, grid, strict=True))
    return Tiling(shape, edges, halo, stride)


def bytes_needed(shape: tuple[int, ...], edges: tuple[int, ...], halo: int, stride: int, tile_bytes: float) -> int:
    """Bytes for the largest tile in the network, and for its column."""
    read = [_read_edge(*pair, multiple(halo, stride)) for pair in zip(shape, edges, strict=True)]
    column = shape[0] * math.prod(read[1:])
    return int(math.prod(read) * tile_bytes + column * COLUMN_BYTES)


class _Choices(NamedTuple):
    """Ways to cut one axis: the edges, what all pieces together read, what the largest reads, and how many they are."""

    edges: NDArray[np.float64]
    read: NDArray[np.float64]
    largest: NDArray[np.float64]
    pieces: NDArray[np.float64]


def _choices(length: int, halo: int, stride: int, unit: int) -> _Choices:
    parts = np.unique(np.r_[np.arange(1, 17), np.geomspace(16, MAX_PARTS, 12).astype(int)])
    edges = sorted({min(multiple(-(-length // int(count)), unit), length) for count in parts}, reverse=True)
    spans = [Tiling((length,), (edge,), halo, stride).depths for edge in edges]
    reads = [[span.read.stop - span.read.start for span in pieces] for pieces in spans]
    figures = ([sum(read) for read in reads], [max(read) for read in reads], [len(read) for read in reads])
    return _Choices(np.array(edges, float), *(np.array(values, float) for values in figures))


def _read_edge(length: int, edge: int, halo: int) -> int:
    """Of two tiles each has one halo; one between others has two."""
    if edge >= length:
        return length
    return min(length, edge + (halo if 2 * edge >= length else 2 * halo))
