"""The words of all trace headers, read in parallel pieces: a large file is opened in seconds.

Words that hold one value in all traces take no memory, and words that hold the same as another one take none of their
own: a volume needs about 25 bytes for each trace (10^8 traces: 2.5 GB, and 5 GB while they are being read).
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.words import Word
from mtlcore.io.file_array import check_unchanged, file_identity

PIECE = 1 << 12
"""Traces whose headers one thread copies at a time (1 MB)."""
THREADS = 8
"""Header by header a disk is asked for one page after the other: it serves several at once much faster."""
BATCH = 64
"""Pieces read ahead."""

Column = NDArray[Any]


def scan(layout: Layout, wanted: Iterable[Word]) -> dict[int, Column]:
    """For each word, by its first byte, its values in all trace headers; not to be written to."""
    chosen = {word.start: word for word in wanted}

    def read(first: int) -> dict[int, Column]:
        # Read through a map: a call for each header would take many times longer. One of its own for each piece, so
        # that what was looked at does not pile up in this process; a file that shrinks is noticed before it is touched.
        check_unchanged(layout.path, opened)
        block = np.array(layout.map(first, min(first + PIECE, layout.traces))["header"])
        return {start: _shortened(word.column(block, layout.order)) for start, word in chosen.items()}

    opened = file_identity(layout.path)
    columns = {start: _Growing(layout.traces) for start in chosen}
    with ThreadPoolExecutor(THREADS) as pool:
        # A few at a time: what threads have read ahead takes memory.
        for first in range(0, layout.traces, BATCH * PIECE):
            for piece in pool.map(read, range(first, min(first + BATCH * PIECE, layout.traces), PIECE)):
                for start, values in piece.items():
                    columns[start].add(values)
    return _shared({start: column.whole() for start, column in columns.items()})


class _Growing:
    """A column that needs memory from the first value that differs."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known = 0
        self._values: Column | None = None

    def add(self, values: Column) -> None:
        """The values of the next traces."""
        if self._values is None:
            self._values = np.broadcast_to(values[0], self._size)
        stop = self._known + len(values)
        if self._values.strides == (0,) and (values[0] != self._values[0] or values.strides != (0,)):
            whole = np.empty(self._size, values.dtype)
            whole[: self._known] = self._values[0]
            self._values = whole
        if self._values.strides != (0,):
            self._values[self._known : stop] = values
        self._known = stop

    def whole(self) -> Column:
        assert self._values is not None
        return self._values


def _shortened(values: Column) -> Column:
    """The values, or one of them repeated without memory where all are the same."""
    return np.broadcast_to(values[0], len(values)) if (values == values[0]).all() else values


def _shared(columns: dict[int, Column]) -> dict[int, Column]:
    """The columns, with one array for those that hold the same."""
    kept: list[Column] = []
    for start, values in columns.items():
        twin = next((other for other in kept if _same(other, values)), None)
        if twin is None:
            kept.append(values)
        columns[start] = values if twin is None else twin
    return columns


def _same(one: Column, other: Column) -> bool:
    # Most differ in the first few that are looked at.
    return one.dtype == other.dtype and np.array_equal(one[::997], other[::997]) and np.array_equal(one, other)
