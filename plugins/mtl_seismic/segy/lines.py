"""Line numbers: regular axes through the values of header words, and what does not fit them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
SPARSE = 4
"""An axis may have so many times more positions than there are different numbers (and a few more)."""


@dataclass(frozen=True)
class Line:
    """Numbers origin, origin + step, ..."""

    origin: int
    step: int
    size: int

    @classmethod
    def through(cls, values: Numbers) -> Line:
        """The axis of the greatest step that holds all values."""
        found = distinct(values)
        step = int(np.gcd.reduce(np.diff(found))) if len(found) > 1 else 1
        return cls(int(found[0]), step, int((found[-1] - found[0]) // step) + 1)

    @property
    def last(self) -> int:
        return self.origin + self.step * (self.size - 1)

    def places(self, values: Numbers) -> Numbers:
        """The index of each value."""
        return (values - self.origin) // self.step

    def is_regular(self, different: int) -> bool:
        """Whether so many different numbers fill it well enough."""
        return self.size <= SPARSE * different + 16

    def __str__(self) -> str:
        return f"{self.origin} to {self.last} in steps of {self.step}"


def distinct(values: Numbers) -> Numbers:
    """The different values, sorted."""
    low, high = int(values.min()), int(values.max())
    if high - low > 4 * len(values) + 1_000_000:
        return np.unique(values)
    present = np.zeros(high - low + 1, bool)
    present[values - low] = True
    return np.flatnonzero(present) + low


def varies(values: Numbers) -> bool:
    """Whether there is more than one value."""
    return bool((values != values[0]).any())


def strays(values: Numbers) -> Numbers:
    """The traces whose number lies far from nearly all the others."""
    low, high = np.quantile(values, [0.01, 0.99])
    reach = 2 * max(high - low, 1)
    return np.flatnonzero((values < low - reach) | (values > high + reach))


@dataclass(frozen=True)
class Grid:
    """Two axes and the place of each trace on them."""

    lines: tuple[Line, Line]
    rows: Numbers
    columns: Numbers

    @property
    def cells(self) -> Numbers:
        return self.rows * self.lines[1].size + self.columns


def grid(first: Numbers, second: Numbers) -> Grid | None:
    """The grid through pairs of line numbers; None where they are too irregular to be one."""
    lines = Line.through(first), Line.through(second)
    counts = [len(distinct(values)) for values in (first, second)]
    if not all(line.is_regular(count) for line, count in zip(lines, counts, strict=True)):
        return None
    return Grid(lines, lines[0].places(first), lines[1].places(second))


def is_survey(found: Grid) -> bool:
    """Whether both numbers vary, and independently: on a 2D line, several words just count along."""
    sizes = [line.size for line in found.lines]
    filled = len(distinct(found.cells))
    return min(sizes) > 1 and filled >= 0.02 * sizes[0] * sizes[1] and filled >= 1.5 * max(sizes)
