"""Samples of chosen traces, read from the file without mapping it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy.layout import Layout
from mtlcore.io.file_array import FileArray

MAX_GAP = 3
"""Traces between two wanted ones that are read too, to make one read of two."""


class TraceReader:
    """Reads parts of traces, as they are stored; MtlError where the file changes meanwhile."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._bytes = FileArray(layout.path, np.uint8, (layout.traces, layout.trace_bytes), layout.start)

    def read(self, traces: NDArray[Any], depth: slice) -> NDArray[Any]:
        """Samples (traces x depth, and x 3 of 3-byte integers) of ascending trace numbers, in the file's byte order."""
        size, header = self._layout.format.bytes, self._layout.trace_header
        part = slice(header + depth.start * size, header + depth.stop * size)
        dtype = self._layout.format.dtype(self._layout.order)
        stored = np.empty((len(traces), part.stop - part.start), np.uint8)
        for run in _runs(traces):
            wanted = traces[run]
            block = self._bytes[int(wanted[0]) : int(wanted[-1]) + 1, part]
            stored[run] = block if len(block) == len(wanted) else block[wanted - wanted[0]]
        if dtype.subdtype:
            return stored.reshape(len(traces), -1, size)
        return stored.view(dtype)

    def close(self) -> None:
        """Release the file."""
        self._bytes.close()


def _runs(traces: NDArray[Any]) -> Iterator[slice]:
    """Pieces of ascending numbers without large gaps."""
    cuts = np.flatnonzero(np.diff(traces) > MAX_GAP + 1) + 1
    bounds = [0, *cuts.tolist(), len(traces)]
    return (slice(first, stop) for first, stop in pairwise(bounds) if stop > first)
