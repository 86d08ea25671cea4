"""The grid of tie traces: lines of cells along each horizontal axis, evenly spaced from the central trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


class TieGrid:
    """Tie traces of a grid of ``sizes`` cells. They are known by their index in ``positions``, traces x axes."""

    def __init__(self, sizes: tuple[int, ...], spacing: int) -> None:
        centre = [size // 2 for size in sizes]
        self.lines = [
            np.array(sorted({0, size - 1, *range(middle % spacing, size, spacing)}), np.int64)
            for size, middle in zip(sizes, centre, strict=True)
        ]
        self.shape = tuple(map(len, self.lines))
        self.positions = np.stack(np.meshgrid(*self.lines, indexing="ij"), -1).reshape(-1, len(sizes))
        self.centre = tuple(int(np.searchsorted(line, at)) for line, at in zip(self.lines, centre, strict=True))
        self.reference = int(np.ravel_multi_index(self.centre, self.shape))

    def outwards(self) -> Iterator[list[int]]:
        """All but the reference trace, from it outwards, two on opposite sides at a time."""
        distance = np.abs(self.positions - self.positions[self.reference]).sum(1)
        given = {self.reference}
        for trace in np.argsort(distance, kind="stable"):
            at = np.unravel_index(trace, self.shape)
            across = [2 * c - i for c, i in zip(self.centre, at, strict=True)]
            opposite = np.ravel_multi_index(across, self.shape, mode="clip")
            if pair := [int(one) for one in dict.fromkeys((trace, opposite)) if int(one) not in given]:
                given.update(pair)
                yield pair

    def at_offsets(self, trace: int, offsets: Iterable[int]) -> Indices:
        """Tie traces so many cells away to either side along each axis."""
        at = np.unravel_index(trace, self.shape)
        found = []
        for axis, offset in product(range(len(self.lines)), (sign * size for size in offsets for sign in (-1, 1))):
            line = self.lines[axis]
            wanted = line[at[axis]] + offset
            number = int(np.searchsorted(line, wanted))
            if number < len(line) and line[number] == wanted:
                moved = tuple(number if other == axis else int(i) for other, i in enumerate(at))
                found.append(int(np.ravel_multi_index(moved, self.shape)))
        return np.array(found, np.int64)

    def distances(self, trace: int) -> Indices:
        """Cells from a tie trace to all along each axis: traces x axes."""
        return np.asarray(np.abs(self.positions - self.positions[trace]))
