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
WHOLE = 1 << 15
"""Traces of up to this many bytes are read whole: disks read pages, and a call for each trace takes longer."""
MAX_READ = 1 << 24
"""Bytes read at once."""


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
        for run in _runs(traces, max(1, MAX_READ // self._layout.trace_bytes)):
            stored[run] = self._read_run(traces[run], part)
        if dtype.subdtype:
            return stored.reshape(len(traces), -1, size)
        return stored.view(dtype)

    def _read_run(self, traces: NDArray[Any], part: slice) -> NDArray[np.uint8]:
        """Some bytes of traces that lie close together."""
        rows = slice(int(traces[0]), int(traces[-1]) + 1)
        if self._layout.trace_bytes <= WHOLE and len(traces) > 1:
            block = self._bytes[rows][:, part]
        else:
            block = self._bytes[rows, part]
        return block if len(block) == len(traces) else block[traces - traces[0]]

    def close(self) -> None:
        """Release the file."""
        self._bytes.close()


def _runs(traces: NDArray[Any], most: int) -> Iterator[slice]:
    """Pieces of ascending numbers without large gaps, that span no more than ``most`` traces."""
    cuts = np.flatnonzero(np.diff(traces) > MAX_GAP + 1) + 1
    for first, stop in pairwise([0, *cuts.tolist(), len(traces)]):
        while first < stop:
            end = int(np.searchsorted(traces[first:stop], traces[first] + most)) + first
            yield slice(first, end)
            first = end
