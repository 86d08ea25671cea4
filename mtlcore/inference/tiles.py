"""Columns and tiles: how a volume is cut so that each piece, read with a halo, equals its part of the whole.

A column is whole traces over a block of inlines and crosslines, the unit of work: what happens along depth is exact
inside of it, and files keep traces together. Tiles cut a column along depth only, to bound what the network holds.
A small volume is one column of one tile.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

from mtlcore.io.volume import Window


class Tile(NamedTuple):
    """``core``: the part to keep; ``read``: core and halo, cut at the volume's edges; ``keep``: core within read."""

    core: Window
    read: Window
    keep: Window


class Span(NamedTuple):
    """The same along one axis."""

    core: slice
    read: slice
    keep: slice


@dataclass(frozen=True)
class Tiling:
    """How a volume of ``shape`` is cut: into cores of ``edges``, read with ``halo``; both are rounded up to multiples
    of ``stride``, where networks align."""

    shape: tuple[int, ...]
    edges: tuple[int, ...]
    halo: int
    stride: int

    @cached_property
    def columns(self) -> list[Tile]:
        """Whole traces over every block of the horizontal axes."""
        whole = slice(0, self.shape[0])
        spans = [self._spans(axis) for axis in range(1, len(self.shape))]
        return [_tile([Span(whole, whole, whole), *combined]) for combined in product(*spans)]

    @cached_property
    def depths(self) -> list[Span]:
        """The tiles of a column, from top to bottom."""
        return list(self._spans(0))

    @property
    def steps(self) -> int:
        """Tiles in all."""
        return len(self.columns) * len(self.depths)

    @property
    def samples_read(self) -> int:
        """Samples that all tiles together read, halos included."""
        axes = [sum(span.read.stop - span.read.start for span in self._spans(axis)) for axis in range(len(self.shape))]
        return math.prod(axes)

    def mirrored(self, column: Tile, axis: int) -> Tile:
        """A column for the mirrored volume: ``read`` is in the volume as it is, ``keep`` in the mirrored window.

        The window is aligned in the mirrored volume, where the network's strides are counted from the other end.
        """
        length, core = self.shape[axis], column.core[axis]
        span = self._span(length - core.stop, length - core.start, length)
        read = slice(length - span.read.stop, length - span.read.start)
        return Tile(column.core, _replaced(column.read, axis, read), _replaced(column.keep, axis, span.keep))

    def _spans(self, axis: int) -> Iterator[Span]:
        length, step = self.shape[axis], multiple(self.edges[axis], self.stride)
        return (self._span(start, min(start + step, length), length) for start in range(0, length, step))

    def _span(self, start: int, stop: int, length: int) -> Span:
        first = max(start - multiple(self.halo, self.stride), 0) // self.stride * self.stride
        last = min(stop + multiple(self.halo, self.stride), length)
        return Span(slice(start, stop), slice(first, last), slice(start - first, stop - first))


def _tile(spans: list[Span]) -> Tile:
    return Tile(*(tuple(parts) for parts in zip(*spans, strict=True)))


def _replaced(window: Window, axis: int, part: slice) -> Window:
    return (*window[:axis], part, *window[axis + 1 :])


def multiple(value: int, of: int) -> int:
    """The next multiple of a number, from a value upwards."""
    return -(-value // of) * of
