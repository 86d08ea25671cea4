"""Volumes: arrays with a geometry whose windows are read on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlcore.errors import MtlError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Window = tuple[slice, ...]
"""One slice with explicit start and stop, step 1, for each axis."""


@dataclass(frozen=True)
class Axis:
    """One axis of a volume: sample i lies at origin + i * step, in ``unit``."""

    name: str
    size: int
    origin: float = 0.0
    step: float = 1.0
    unit: str = "sample"


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where a volume's samples lie.

    ``axes``: depth (or time) first, then one or two horizontal ones.
    ``live``: which traces exist, boolean over the horizontal axes; None: all.
    ``coordinates``: 2 x 3 matrix from (1, position on axis 1, position on axis 2) to (x, y) in metres.
    ``source``: the file that a format may copy headers from. ``attributes``: anything else, JSON values.
    """

    axes: tuple[Axis, ...]
    live: NDArray[np.bool_] | None = None
    coordinates: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    source: Path | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis.size for axis in self.axes)

    @classmethod
    def of_shape(cls, shape: tuple[int, ...], **other: Any) -> Geometry:
        """A plain geometry in samples for an array of 2 or 3 axes."""
        names = ("depth", "x") if len(shape) == 2 else ("depth", "inline", "crossline")
        return cls(tuple(Axis(name, size) for name, size in zip(names, shape, strict=True)), **other)

    def like(self, **changes: Any) -> Geometry:
        """This geometry with some fields replaced."""
        return replace(self, **changes)


class Volume(ABC):
    """A 2D or 3D array on disk or in memory, depth first, read window by window."""

    geometry: Geometry

    @abstractmethod
    def read(self, window: Window) -> NDArray[np.float32]:
        """The samples of a window as a new float32 array; nothing outside of it need be read."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.geometry.shape

    @property
    def ndim(self) -> int:
        return len(self.geometry.axes)

    def load(self) -> NDArray[np.float32]:
        """The whole volume."""
        return self.read(tuple(slice(0, size) for size in self.shape))

    def evidence(self) -> Mapping[str, Any]:
        """What ``mtl inspect`` says besides the geometry: why the file was read as it was. Default: nothing."""
        return {}

    def close(self) -> None:
        """Release the file. Default: nothing to do."""
        return


class Writer(ABC):
    """The write side of a volume that is being created.

    ``block_shape``: what windows of concurrent processes must be aligned to (see mtlcore.io.parallel_write);
    None: only one process can write.
    """

    block_shape: tuple[int, ...] | None = None

    @abstractmethod
    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        """Store the samples of one window; windows may come in any order and must not overlap."""


def _as_float32(stored: NDArray[Any], file: Path | None) -> NDArray[np.float32]:
    """Real numbers, of a file if any, as a new float32 array.

    A double beyond float32's range becomes an infinity, which users of volumes mask and count. MtlError where values
    are so far from 0, for how little they vary, that float32 would lose a hundredth of that.
    """
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        values = np.array(stored, dtype=np.float32, order="C")
        if np.can_cast(stored.dtype, np.float32):
            return values
        finite = np.isfinite(values)
        spread = float(np.std(stored, where=finite)) if finite.any() else 0.0
        largest = float(np.max(np.abs(values), where=finite, initial=0))
    # What varies less than doubles are rounded is constant.
    if 100 * largest * np.finfo(np.float64).eps < spread < 50 * largest * np.finfo(np.float32).eps:
        raise MtlError(
            f"{file or 'The array'} holds values of up to {largest:.3g} that vary by no more than {spread:.3g}, which "
            "takes more digits than float32 has: subtract their mean first."
        )
    return values


class ArrayVolume(Volume):
    """A volume over anything that slices like a numpy array (an array in memory, a memory map, a FileArray).

    ``axes`` gives, for each axis here, the array's own axis: raw files have depth last. ``file``: what holds the
    array, if anything does; errors name it.
    """

    def __init__(
        self,
        array: Any,
        geometry: Geometry | None = None,
        axes: tuple[int, ...] | None = None,
        file: Path | None = None,
    ) -> None:
        self._axes = axes or tuple(range(array.ndim))
        self._array = array
        self._file = file
        shape = tuple(int(array.shape[axis]) for axis in self._axes)
        self.geometry = geometry or Geometry.of_shape(shape)

    def read(self, window: Window) -> NDArray[np.float32]:
        import numpy as np

        stored: list[slice] = [slice(None)] * len(window)
        for own, axis in enumerate(self._axes):
            stored[axis] = window[own]
        return _as_float32(np.transpose(self._array[tuple(stored)], self._axes), self._file)

    def close(self) -> None:
        release = getattr(self._array, "close", None)
        if release is not None:
            release()
        self._array = None


class ArrayWriter(Writer):
    """Writes into anything that takes numpy slices, with the axis order of ArrayVolume."""

    def __init__(self, array: Any, axes: tuple[int, ...] | None = None):
        self._array = array
        self._axes = axes or tuple(range(array.ndim))

    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        import numpy as np

        view = np.transpose(self._array, self._axes)
        if view[window].shape != values.shape:
            raise ValueError(f"values of shape {values.shape} do not fit a window of shape {view[window].shape}")
        view[window] = values
