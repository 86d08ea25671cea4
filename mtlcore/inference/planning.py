"""How large tiles and columns are: what fits a budget of memory, with as little work in halos as possible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

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


def plan(shape: tuple[int, ...], halo: int, stride: int, budget: Budget, block: int | None = None) -> Tiling:
    """The cut with the fewest samples read in all, of those that fit the budget; of equal ones the fewest tiles.

    ``block``: what edges are multiples of, where it is more than the stride. MtlError where nothing fits.
    """
    unit = math.lcm(stride, block or 1)
    best: tuple[float, int] | None = None
    chosen: tuple[int, ...] | None = None
    for edges in _candidates(shape, unit):
        needed = bytes_needed(shape, edges, halo, stride, budget.tile_bytes)
        if needed > budget.memory:
            continue
        tiling = Tiling(shape, edges, halo, stride)
        key = (tiling.samples_read, tiling.steps)
        if best is None or key < best:
            best, chosen = key, edges
    if chosen is None:
        smallest = tuple(min(unit, length) for length in shape)
        least = bytes_needed(shape, smallest, halo, stride, budget.tile_bytes)
        raise MtlError(
            f"The smallest piece of this volume needs {least / 1e9:.1f} GB, more than the {budget.memory / 1e9:.1f} GB "
            "allowed: raise --memory, or lower --halo."
        )
    return Tiling(shape, chosen, halo, stride)


def bytes_needed(shape: tuple[int, ...], edges: tuple[int, ...], halo: int, stride: int, tile_bytes: float) -> int:
    """Bytes for the largest tile in the network, and for its column."""
    read = [_read_edge(*pair, multiple(halo, stride)) for pair in zip(shape, edges, strict=True)]
    column = shape[0] * math.prod(read[1:])
    return int(math.prod(read) * tile_bytes + column * COLUMN_BYTES)


def _candidates(shape: tuple[int, ...], unit: int) -> Iterator[tuple[int, ...]]:
    """Edges that cut each axis into equal parts, in every combination."""
    choices = []
    for length in shape:
        counts = np.unique(np.r_[np.arange(1, 17), np.geomspace(16, MAX_PARTS, 12).astype(int)])
        choices.append(
            sorted({min(multiple(-(-length // int(count)), unit), length) for count in counts}, reverse=True)
        )
    return iter(_product(choices))


def _product(choices: list[list[int]]) -> list[tuple[int, ...]]:
    combined: list[tuple[int, ...]] = [()]
    for values in choices:
        combined = [(*head, value) for head in combined for value in values]
    return combined


def _read_edge(length: int, edge: int, halo: int) -> int:
    """Of two tiles each has one halo; one between others has two."""
    if edge >= length:
        return length
    return min(length, edge + (halo if 2 * edge >= length else 2 * halo))
