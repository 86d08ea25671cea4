"""Where tracking reads and writes: arrays by name and lateral window."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Window = tuple[slice, ...]
"""A slice for each horizontal axis of an array, with start and stop, in its own samples; a step, too, where embeddings
are read."""


class Source(Protocol):
    """Arrays whose last axes are the horizontal ones: (depth, ...) or (channels, depth, ...)."""

    def read(self, name: str, window: Window) -> NDArray[Any]:
        """All of an array's depth and channels in a window."""
        ...


class Store(Source, Protocol):
    """A source that can be written. Windows that are written at a time never overlap."""

    def create(self, name: str, shape: tuple[int, ...], dtype: str) -> None:
        """Make room for an array."""
        ...

    def write(self, name: str, window: Window, values: NDArray[Any]) -> None:
        """Put values into a window of an array that has been created."""
        ...

    def drop(self, name: str) -> None:
        """An array is not needed any more."""
        ...


class Arrays(dict[str, NDArray[Any]]):
    """Arrays in memory, by name: a Source and a Store."""

    def read(self, name: str, window: Window) -> NDArray[Any]:
        """A view."""
        view: NDArray[Any] = self[name][_trailing(window)]
        return view

    def create(self, name: str, shape: tuple[int, ...], dtype: str) -> None:
        """An empty array."""
        self[name] = np.empty(shape, dtype)

    def write(self, name: str, window: Window, values: NDArray[Any]) -> None:
        """Assign a window."""
        self[name][_trailing(window)] = values

    def drop(self, name: str) -> None:
        """Forget an array."""
        del self[name]


def _trailing(window: Window) -> Any:
    """The index of a window of the last axes."""
    return (..., *window)
