"""Line numbers: regular axes through the values of header words, and how well two of them make a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
SPARSE = 4
"""An axis may have this many times more positions than there are different numbers (and a few more)."""
CHUNK = 1 << 20
"""Traces worked on at once in 8-byte integers: 10^8 traces need no copies of their columns."""
SMALL_GRID = 1 << 24
"""A grid of this many places costs little however few traces there are."""


@dataclass(frozen=True)
class Line:
    """Numbers origin, origin + step, ..."""

    origin: int
    step: int
    size: int

    @classmethod
    def through(cls, values: Numbers) -> Line:
        """The axis of the greatest step that contains all values."""
        return cls.of(distinct(values))

    @classmethod
    def of(cls, found: Numbers) -> Line:
        """The same of different values, sorted."""
        step = int(np.gcd.reduce(np.diff(found))) if len(found) > 1 else 1
        return cls(int(found[0]), step, int((int(found[-1]) - int(found[0])) // step) + 1)

    @property
    def last(self) -> int:
        return self.origin + self.step * (self.size - 1)

    def indices(self, values: Numbers) -> NDArray[np.int64]:
        """The index of each value."""
        return np.asarray((values.astype(np.int64) - self.origin) // self.step)

    def is_regular(self, different: int) -> bool:
        """Whether this many different numbers fill it well enough."""
        return self.size <= SPARSE * different + 16

    def __str__(self) -> str:
        return f"{self.origin} to {self.last} in steps of {self.step}"


def distinct(values: Numbers) -> Numbers:
    """The different values, sorted, as 8-byte integers."""
    low, high = int(values.min()), int(values.max())
    if high - low > 4 * len(values) + 1_000_000:
        return np.unique(values).astype(np.int64)
    present = np.zeros(high - low + 1, bool)
    for part in chunks(len(values)):
        present[values[part].astype(np.int64) - low] = True
    return np.flatnonzero(present) + low


def varies(values: Numbers) -> bool:
    """Whether there is more than one value."""
    return values.strides != (0,) and bool((values != values[0]).any())


def small_integers(largest: int) -> type[np.signedinteger[Any]]:
    """Of 4 bytes where these can count so far, else of 8."""
    return np.int32 if largest < 2**31 else np.int64


def cells(lines: tuple[Line, Line], numbers: tuple[Numbers, Numbers]) -> Numbers:
    """The flat index of each trace on two axes."""
    found = np.empty(len(numbers[0]), small_integers(lines[0].size * lines[1].size))
    for part in chunks(len(found)):
        rows, columns = (line.indices(values[part]) for line, values in zip(lines, numbers, strict=True))
        found[part] = rows * lines[1].size + columns
    return found


def taken(values: Numbers, traces: NDArray[Any]) -> Numbers:
    """The values of some traces (their numbers, or which of all); no memory for a value that all have."""
    count = int(traces.sum()) if traces.dtype == bool else len(traces)
    return np.broadcast_to(values[0], count) if values.strides == (0,) else values[traces]


def chunks(count: int) -> Iterator[slice]:
    """A range of traces in pieces."""
    return (slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))


def strays(values: Numbers) -> NDArray[np.int64]:
    """The traces whose number lies far from nearly all the others."""
    low, high = np.quantile(values, [0.01, 0.99])
    reach = 2 * max(high - low, 1)
    return np.flatnonzero((values < low - reach) | (values > high + reach))


@dataclass(frozen=True)
class Grid:
    """Two axes, with what tells a survey from words that hold something else.

    ``traces``: that were looked at. ``filled``: places with a trace. ``between``: the share of the places between
    the first and the last trace of each row and column that have one: 1 where the coverage is bounded smoothly, and
    small where points of another grid, such as coordinates of a turned survey, fall on this one.
    """

    lines: tuple[Line, Line]
    traces: int
    filled: int
    between: float

    @property
    def places(self) -> int:
        return self.lines[0].size * self.lines[1].size

    @property
    def is_unique(self) -> bool:
        """Whether each trace has a place of its own."""
        return self.filled == self.traces

    @property
    def is_survey(self) -> bool:
        """Whether both numbers vary, and independently: on a 2D line, several words just count along."""
        sizes = [line.size for line in self.lines]
        return min(sizes) > 1 and self.filled >= 0.02 * self.places and self.filled >= 1.5 * max(sizes)

    @property
    def is_full(self) -> bool:
        """Whether traces fill it as those of a survey do, with holes and ragged edges."""
        return self.between >= 0.4 and self.filled >= 0.1 * self.places

    def __str__(self) -> str:
        holes = 1 - self.filled / self.places
        return f"{self.lines[0].size} x {self.lines[1].size}, {holes:.0%} of it without a trace"


def grid(first: Numbers, second: Numbers) -> Grid | None:
    """The grid through pairs of line numbers; None where they are too irregular to be one."""
    lines = []
    for values in (first, second):
        found = distinct(values)
        lines.append(Line.of(found))
        if not lines[-1].is_regular(len(found)):
            return None
    if lines[0].size * lines[1].size > max(64 * len(first), SMALL_GRID):
        return None
    occupied = np.zeros((lines[0].size, lines[1].size), bool)
    for part in chunks(len(first)):
        occupied[lines[0].indices(first[part]), lines[1].indices(second[part])] = True
    filled = int(occupied.sum())
    spans = _span(occupied) + _span(occupied.T)
    return Grid((lines[0], lines[1]), len(first), filled, 2 * filled / spans)


def _span(occupied: NDArray[np.bool_]) -> int:
    """Places from the first to the last trace of each row, added up."""
    first, last = occupied.argmax(axis=1), occupied.shape[1] - 1 - occupied[:, ::-1].argmax(axis=1)
    return int((last - first + 1)[occupied.any(axis=1)].sum())
