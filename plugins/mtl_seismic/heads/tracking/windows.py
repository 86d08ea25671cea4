"""Windows of cells and samples, and blocks of them that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.heads.correspondence import CELL
from mtl_seismic.heads.tracking.store import Window

Indices = NDArray[np.int64]


def whole(sizes: Sequence[int]) -> Window:
    """The window of all."""
    return tuple(slice(0, size) for size in sizes)


def extended(window: Window, sizes: Sequence[int], by: Sequence[int]) -> Window:
    """A window with a margin along each axis, cut at the edges of the volume."""
    return tuple(
        slice(max(part.start - margin, 0), min(part.stop + margin, size))
        for part, size, margin in zip(window, sizes, by, strict=True)
    )


def along(window: Window, sizes: Sequence[int], axis: int, margin: int) -> Window:
    """A window with a margin along one axis, in its own steps."""
    part = window[axis]
    step = part.step or 1
    start = part.start - min(margin, part.start) // step * step
    return (*window[:axis], slice(start, min(part.stop + margin, sizes[axis]), step), *window[axis + 1 :])


def shape_of(window: Window) -> tuple[int, ...]:
    """How many cells a window has along each axis."""
    return tuple(len(range(part.start, part.stop, part.step or 1)) for part in window)


def classes(window: Window, step: int) -> Iterator[Window]:
    """A window's cells in classes of those that are multiples of ``step`` apart along every axis."""
    for corner in product(*(range(part.start, min(part.start + step, part.stop)) for part in window)):
        yield tuple(slice(first, part.stop, step) for first, part in zip(corner, window, strict=True))


def halves(window: Window, axis: int) -> tuple[Window, Window]:
    """Two parts of a window, divided along an axis."""
    part = window[axis]
    step = part.step or 1
    middle = part.start + step * (len(range(part.start, part.stop, step)) // 2)
    first, second = slice(part.start, middle, step), slice(middle, part.stop, step)
    return (*window[:axis], first, *window[axis + 1 :]), (*window[:axis], second, *window[axis + 1 :])


def relative(inner: Window, outer: Window) -> Window:
    """A window within another one, counted from its first cell."""
    return tuple(slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))


def indices(window: Window, sizes: Sequence[int]) -> Indices:
    """Indices of a window's traces in the whole grid, in order."""
    axes = np.meshgrid(*(np.arange(part.start, part.stop, part.step or 1) for part in window), indexing="ij")
    return np.asarray(np.ravel_multi_index(axes, tuple(sizes)).ravel())


def cells_of(samples: Window) -> Window:
    """The cells of a window of samples, which begins at the edge of a cell along each axis."""
    if any(part.start % CELL for part in samples):
        raise ValueError(f"Column {samples} begins inside a cell: expected starts that are multiples of {CELL}.")
    return tuple(slice(part.start // CELL, -(-part.stop // CELL)) for part in samples)


def samples_of(cells: Window, sizes: Sequence[int]) -> Window:
    """The samples of a window of cells in a volume of ``sizes`` samples along the horizontal axes."""
    return tuple(slice(CELL * part.start, min(CELL * part.stop, n)) for part, n in zip(cells, sizes, strict=True))


def blocks(window: Window, edge: int) -> Iterator[Window]:
    """Parts of a window of at most ``edge`` cells along each axis."""
    starts = [range(part.start, part.stop, edge) for part in window]
    for corner in product(*starts):
        yield tuple(slice(start, min(start + edge, part.stop)) for start, part in zip(corner, window, strict=True))
