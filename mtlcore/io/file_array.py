"""Arrays in files, read window by window without mapping them, and whether a file is still the one that was opened.

A memory map of a file that another program makes shorter ends the process without a word (SIGBUS). These reads
raise MtlError instead, and so they do where the file was written to or replaced since it was opened: samples of
two states would be mixed.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError

WASTE = 4
"""Bytes read for each byte wanted, at most, where that makes one read of many."""
NEAR = 2**14
"""Bytes from row to row up to which rows and what lies between them are read at once: disks give no less."""
LONGEST_SPAN = 2**26
"""Bytes read at once for the sake of fewer reads."""


@dataclass(frozen=True)
class Identity:
    """A file as it was at one moment: which one, how long, when it was last written to."""

    device: int
    number: int
    size: int
    modified: int

    @classmethod
    def of(cls, found: os.stat_result) -> Identity:
        """From what the system says of a file."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def file_identity(path: Path) -> Identity:
    """The identity of a file now; MtlError where it is gone."""
    try:
        return Identity.of(path.stat())
    except OSError as error:
        raise MtlError(f"{path} cannot be read any more: {error.strerror}.") from error


def check_unchanged(path: Path, opened: Identity) -> None:
    """MtlError where the file is not as it was when it was opened."""
    now = file_identity(path)
    if now == opened:
        return
    if (now.device, now.number) != (opened.device, opened.number):
        what = "was replaced by another file"
    elif now.size != opened.size:
        what = f"has changed from {opened.size} to {now.size} bytes"
    else:
        what = "was written to"
    raise MtlError(f"{path} {what} while it was read: wait until it is complete, then start again.")


def _close(descriptor: int) -> None:
    # What was read was read: a network drive may fail even here.
    with suppress(OSError):
        os.close(descriptor)


class FileArray:
    """An array of one type in a file, in C order; slices of it are read from the file, each time anew.

    ``offset``: the byte where it begins. MtlError where the file is too short for it.
    """

    def __init__(self, path: str | os.PathLike[str], dtype: Any, shape: tuple[int, ...], offset: int = 0) -> None:
        self.path, self.dtype, self.shape = Path(path), np.dtype(dtype), tuple(map(int, shape))
        self._offset = offset
        try:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise MtlError(f"{path} cannot be read: {error.strerror}.") from error
        # No warning of a file that was not closed: an array may be dropped like any other.
        self._closer = weakref.finalize(self, _close, self._descriptor)
        self._lock = threading.Lock()
        self.identity = Identity.of(os.fstat(self._descriptor))
        needed = offset + prod(self.shape) * self.dtype.itemsize
        if self.identity.size < needed:
            raise MtlError(f"{path} has {self.identity.size} bytes, but its samples need {needed}: it is cut short.")

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def close(self) -> None:
        """Release the file."""
        self._closer()

    def __getitem__(self, window: Any) -> NDArray[Any]:
        """A copy of a window: slices of step 1 or none for each axis."""
        parts = window if isinstance(window, tuple) else (window,)
        parts = (*parts, *(slice(None),) * (self.ndim - len(parts)))
        spans = [part.indices(size) for part, size in zip(parts, self.shape, strict=True)]
        starts, lengths = [span[0] for span in spans], [max(0, span[1] - span[0]) for span in spans]
        values = np.empty(lengths, self.dtype)
        if values.size:
            self._fill(values, starts, self._offset)
            check_unchanged(self.path, self.identity)
        return values

    def _fill(self, values: NDArray[Any], starts: list[int], offset: int) -> None:
        """Read a window of the last axes, whose first sample on the axes before lies at ``offset``."""
        axis = self.ndim - values.ndim
        steps = [prod(self.shape[number + 1 :]) * self.dtype.itemsize for number in range(axis, self.ndim)]
        first = offset + sum(start * step for start, step in zip(starts[axis:], steps, strict=True))
        span = self.dtype.itemsize + sum((size - 1) * step for size, step in zip(values.shape, steps, strict=True))
        if span == values.nbytes:
            self._read_into(values, first)
        elif values.ndim > 1 and (span > LONGEST_SPAN or (span > WASTE * values.nbytes and steps[0] > NEAR)):
            for number, part in enumerate(values):
                self._fill(part, starts, offset + (starts[axis] + number) * steps[0])
        else:
            buffer = np.empty(span, np.uint8)
            self._read_into(buffer, first)
            values[...] = np.ndarray(values.shape, self.dtype, buffer.data, strides=steps)

    def _read_into(self, values: NDArray[Any], offset: int) -> None:
        view = memoryview(values.reshape(-1).view(np.uint8).data)
        done = 0
        while done < len(view):
            try:
                read = self._read_at(view[done : done + 2**30], offset + done)
            except OSError as error:
                raise MtlError(f"{self.path} cannot be read: {error.strerror}.") from error
            if read == 0:
                check_unchanged(self.path, self.identity)
                raise MtlError(f"{self.path} became shorter while it was read: copy it again.")
            done += read

    def _read_at(self, view: memoryview, offset: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._descriptor, [view], offset)
        with self._lock:  # systems without it share one position
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            content = os.read(self._descriptor, len(view))
            view[: len(content)] = content
            return len(content)
