"""Slices of volumes as bytes for the page, read through windows and kept while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.io.volume import Volume, Window

ROOM = 128 * 2**20
"""Bytes of slices that are kept."""
LIMIT_SLICES = 5
"""Slices along every axis from which the image's amplitudes are judged."""


class Slices:
    """Reads slices of the image and the fields; several threads may ask at once.

    ``volumes``: by name, all of one shape. ``live``: the traces that exist; samples of others are NaN here.
    """

    def __init__(self, volumes: Mapping[str, Volume], live: NDArray[np.bool_] | None = None, room: int = ROOM) -> None:
        self._volumes = dict(volumes)
        self._live = live
        self._room = room
        self._kept: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()
        # Readers of files (SEG-Y, ...) hold one position in them.
        self._reading = {name: threading.Lock() for name in self._volumes}
        self.shape = next(iter(self._volumes.values())).shape

    def slice(self, name: str, axis: int, index: int) -> bytes:
        """Little-endian float32 samples, row by row, of the slice across an axis; in 2D, axis 2 is the section.

        Rows run along the earlier axis of the two. MtlError where there is no such field or slice.
        """
        key = (name, axis, index)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        values = self.window(name, self._window(axis, index))
        content = values.astype("<f4", copy=False).tobytes()
        self._keep(key, content)
        return content

    def values(self, index: tuple[int, ...]) -> dict[str, float]:
        """All values at one sample, NaN on a dead trace."""
        if len(index) != len(self.shape) or any(not 0 <= at < size for at, size in zip(index, self.shape, strict=True)):
            raise MtlError(f"There is no sample {index} in a volume of shape {self.shape}.")
        window = tuple(slice(at, at + 1) for at in index)
        return {name: float(self.window(name, window).reshape(-1)[0]) for name in self._volumes}

    @property
    def names(self) -> list[str]:
        """Those of the volumes."""
        return list(self._volumes)

    def volume(self, name: str) -> Volume:
        """A volume that may be read while others read slices of it."""
        self._check(name)
        return _Locked(self._volumes[name], self._reading[name], self._live)

    def _check(self, name: str) -> None:
        if name not in self._volumes:
            raise MtlError(f"There is no field '{name}'. Fields: {', '.join(self._volumes)}.")

    def window(self, name: str, window: Window) -> NDArray[np.float32]:
        """Samples of a window, NaN on dead traces."""
        self._check(name)
        with self._reading[name]:
            values = self._volumes[name].read(window)
        if self._live is not None:
            values[:, ~self._live[window[1:]]] = np.nan
        return values

    def _window(self, axis: int, index: int) -> Window:
        whole = [slice(0, size) for size in self.shape]
        if len(self.shape) == 2 and (axis, index) == (2, 0):
            return tuple(whole)
        if len(self.shape) == 2 or axis not in range(3) or not 0 <= index < self.shape[axis]:
            raise MtlError(f"There is no slice {index} across axis {axis} in a volume of shape {self.shape}.")
        whole[axis] = slice(index, index + 1)
        return tuple(whole)

    def _keep(self, key: tuple[str, int, int], content: bytes) -> None:
        with self._lock:
            if key in self._kept or len(content) > self._room:
                return
            self._kept[key] = content
            self._kept_bytes += len(content)
            while self._kept_bytes > self._room:
                _, dropped = self._kept.popitem(last=False)
                self._kept_bytes -= len(dropped)


class _Locked(Volume):
    """A volume that several threads read in turn, with the traces that exist."""

    def __init__(self, volume: Volume, lock: threading.Lock, live: NDArray[np.bool_] | None) -> None:
        self._volume = volume
        self._lock = lock
        self.geometry = replace(volume.geometry, live=live)

    def read(self, window: Window) -> NDArray[np.float32]:
        with self._lock:
            return self._volume.read(window)


def amplitude_limit(volume: Volume) -> float:
    """The size that one sample in 200 exceeds, judged from a few slices; 1 for an image of zeros."""
    axis = volume.ndim - 2 if volume.ndim == 3 else 1
    indices = np.unique(np.linspace(0, volume.shape[axis] - 1, LIMIT_SLICES + 2).astype(int)[1:-1])
    if volume.ndim == 2:
        samples = [volume.load()]
    else:
        window = [slice(0, size) for size in volume.shape]
        samples = []
        for index in indices:
            window[axis] = slice(int(index), int(index) + 1)
            samples.append(volume.read(tuple(window)))
    sizes = np.abs(np.concatenate([part[np.isfinite(part)] for part in samples]))
    if not sizes.size:
        return 1.0
    # A few spikes in an image of zeros; then an image of zeros.
    return float(np.percentile(sizes, 99.5)) or float(sizes.max()) or 1.0
