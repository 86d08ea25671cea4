"""Traces of a file as a memory map."""

from __future__ import annotations

import mmap
from typing import Any

from numpy.typing import NDArray

HELD = 1 << 27
"""Bytes of a mapped file that may pile up in this process before they are let go."""


class MappedTraces:
    """The samples of all traces, mapped; pages that were used do not pile up as if they were this process' own."""

    def __init__(self, traces: NDArray[Any]) -> None:
        self._file: Any = traces.base
        self.traces: Any = traces
        self.samples = traces["samples"]
        self._trace_bytes = traces.itemsize
        self._touched = 0
        self.most = max(1, HELD // traces.itemsize)
        """Traces to touch at once: of each, a few pages come in."""

    def touch(self, traces: int) -> None:
        """So many traces have been read or written."""
        self._touched += traces * self._trace_bytes
        if self._touched > HELD and hasattr(mmap, "MADV_DONTNEED"):
            # The system keeps them as long as it has memory for them, written ones until they are on the disk.
            self._file.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
