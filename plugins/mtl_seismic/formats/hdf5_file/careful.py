"""A file that HDF5 writes through: no failure reaches the library, which may crash on one, and none is lost."""

from __future__ import annotations

import os
from io import SEEK_SET
from pathlib import Path
from types import TracebackType
from typing import Any


class CarefulFile:
    """The file-like object that h5py takes in place of a name.

    The library keeps much of a file in memory and writes it when the file is closed; where that fails, it may end
    the process, or say nothing. Here the first OSError is kept, all that follows is passed over, and leaving the
    ``with`` block raises it. Disk blocks that the file has stay its own until the end: ``reserved`` bytes of them.
    """

    def __init__(self, path: Path, reserved: int = 0) -> None:
        self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        self._reserved = reserved
        self._size = os.fstat(self._descriptor).st_size if not reserved else 0
        self._position = 0
        self.failure: BaseException | None = None

    def __enter__(self) -> CarefulFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self.failure is None:
                self._guarded(os.ftruncate, self._descriptor, self._size)
        finally:
            os.close(self._descriptor)
        if self.failure is not None:
            raise self.failure

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """As of any file."""
        self._position = offset + {0: 0, 1: self._position, 2: self._size}[whence]
        return self._position

    def tell(self) -> int:
        """As of any file."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the position on; 0s stand for what cannot be read."""
        view = memoryview(buffer).cast("B")
        content = self._guarded(
            os.pread, self._descriptor, min(len(view), max(0, self._size - self._position)), self._position
        )
        read = content or b""
        view[: len(read)] = read
        view[len(read) :] = bytes(len(view) - len(read))
        self._position += len(view)
        return len(view)

    def write(self, content: Any) -> int:
        """Write all of it at the position."""
        view = memoryview(content).cast("B")
        written = 0
        while written < len(view) and self.failure is None:
            written += self._guarded(os.pwrite, self._descriptor, view[written:], self._position + written) or 0
        self._position += len(view)
        self._size = max(self._size, self._position)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the size, and keep the disk blocks."""
        self._size = self._position if size is None else size
        if self._size > self._reserved:
            self._guarded(os.ftruncate, self._descriptor, self._size)
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        buffer = bytearray(self._size - self._position if size < 0 else size)
        self.readinto(buffer)
        return bytes(buffer)

    def _guarded(self, call: Any, *arguments: Any) -> Any:
        if self.failure is not None:
            return None
        try:
            return call(*arguments)
        except BaseException as error:  # a signal, too, must not come through the library
            self.failure = error
            return None
