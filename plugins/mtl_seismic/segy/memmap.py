"""Traces of a new file as a memory map."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy.layout import Layout

HELD = 1 << 27
"""Bytes of a mapped file that may pile up in this process before they are let go."""


class MappedTraces:
    """The samples of all traces of a new file; pages that were used do not pile up in this process."""

    @classmethod
    def of(cls, layout: Layout) -> MappedTraces:
        """Of a file that is there in full length."""
        return cls(np.memmap(layout.path, layout.record(), "r+", layout.start, (layout.traces,)))

    def __init__(self, traces: NDArray[Any]) -> None:
        self._file: Any = traces.base
        self.traces: Any = traces
        self.samples = traces["samples"]
        self._trace_bytes = traces.itemsize
        self._touched = 0
        self.most = max(1, HELD // traces.itemsize)
        """Traces to touch at once: of each, a few pages come in."""

    def flush(self) -> None:
        """Return when what was written is on its way to the disk."""
        self.traces.flush()

    def touch(self, traces: int) -> None:
        """This many traces have been written."""
        self._touched += traces * self._trace_bytes
        if self._touched > HELD and hasattr(mmap, "MADV_DONTNEED"):
            # The system keeps them as long as it has memory for them, written ones until they are on the disk.
            self._file.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
