"""The words of all trace headers, read in parallel pieces: a large file is opened in seconds.

Words that hold one value in all traces take no memory, and words that hold the same as another one take none of their
own: a volume needs about 25 bytes for each trace while it is opened (see tests/benchmarks/segy_opening.py).
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
    columns: list[_Growing] = []
    for start in chosen:
        columns.append(_Growing(start, layout.traces, tuple(columns)))
    with ThreadPoolExecutor(THREADS) as pool:
        # A few at a time: what threads have read ahead takes memory.
        for first in range(0, layout.traces, BATCH * PIECE):
            for piece in pool.map(read, range(first, min(first + BATCH * PIECE, layout.traces), PIECE)):
                for column in columns:
                    column.add(piece[column.start])
    return {column.start: column.whole() for column in columns}


class _Growing:
    """A column of a word that grows piece by piece, and needs memory of its own only from the first value on that is
    neither the same as all before nor what another word has. ``others``: the columns that grow before this one."""

    def __init__(self, start: int, size: int, others: tuple[_Growing, ...]) -> None:
        self.start = start
        self._size = size
        self._others = others
        self._known = 0
        self._values: Column = np.zeros(0)
        self._twin: _Growing | None = None

    def add(self, values: Column) -> None:
        """The values of the next traces."""
        stop = self._known + len(values)
        if self._known == 0:
            self._values = np.broadcast_to(values[0], self._size)
        if self._twin is not None and not np.array_equal(self._twin._values[self._known : stop], values):
            self._own(self._twin._values[: self._known])
        elif self._twin is None and self._values.strides == (0,):
            constant = values.strides == (0,) and values[0] == self._values[0]
            if not constant and not self._has_twin(values, stop):
                self._own(self._values[: self._known])
        if self._twin is None and self._values.strides != (0,):
            self._values[self._known : stop] = values
        self._known = stop

    def _own(self, known: Column) -> None:
        """Take memory, and the values that are known already."""
        whole = np.empty(self._size, known.dtype)
        whole[: self._known] = known
        self._values, self._twin = whole, None

    def _has_twin(self, values: Column, stop: int) -> bool:
        """Look for another word that holds the same so far."""
        self._twin = next((other for other in self._others if self._equals(other, values, stop)), None)
        return self._twin is not None

    def _equals(self, other: _Growing, values: Column, stop: int) -> bool:
        if other._twin is not None or other._values.strides == (0,) or other._values.dtype != values.dtype:
            return False
        here, before = other._values[self._known : stop], other._values[: self._known]
        return np.array_equal(here, values) and bool((before == self._values[0]).all())

    def whole(self) -> Column:
        return self._values if self._twin is None else self._twin._values


def _shortened(values: Column) -> Column:
    """The values, or one of them repeated without memory where all are the same."""
    return np.broadcast_to(values[0], len(values)) if (values == values[0]).all() else values
