"""Where fields are kept between the steps of a run: in memory, or in files of one column each.

Arrays have an axis of channels first, then depth and the horizontal axes; they may be coarser than the image by whole
ratios, such as the cells that horizons are tracked in. Keys are paths such as ``0/dhr``.
"""

from __future__ import annotations

import math
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlcore.io.volume import Window

Array = NDArray[np.float32]


@dataclass(frozen=True)
class FieldSpec:
    """``shape``: of the image; ``ratios``: how much coarser the field is along each axis; ``half``: keep float16."""

    shape: tuple[int, ...]
    channels: int = 1
    ratios: tuple[int, ...] = ()
    half: bool = False

    @property
    def coarse_shape(self) -> tuple[int, ...]:
        """The field's own shape, without channels."""
        return tuple(-(-size // ratio) for size, ratio in zip(self.shape, self.all_ratios, strict=True))

    @property
    def all_ratios(self) -> tuple[int, ...]:
        return self.ratios or (1,) * len(self.shape)

    @property
    def dtype(self) -> type[np.floating]:
        return np.float16 if self.half else np.float32

    def coarse(self, window: Window) -> Window:
        """The field's cells that a window of the image touches."""
        return tuple(
            slice(part.start // r, -(-part.stop // r)) for part, r in zip(window, self.all_ratios, strict=True)
        )


class FieldStore(ABC):
    """Arrays by key, written and read window by window; windows are in the field's own cells."""

    @abstractmethod
    def read(self, key: str, window: Window) -> Array:
        """A copy, channels first, float32; 0 where nothing was written."""

    @abstractmethod
    def write(self, key: str, spec: FieldSpec, column: int, window: Window, values: Array) -> None:
        """Store what one column has of a field: its whole traces, and nothing of other columns."""

    @abstractmethod
    def spec(self, key: str) -> FieldSpec:
        """What is kept under a key; KeyError where that is nothing."""

    @abstractmethod
    def names(self, prefix: str) -> list[str]:
        """The last parts of the keys below a prefix."""

    @abstractmethod
    def drop(self, prefix: str) -> None:
        """Forget all keys below a prefix."""

    def load(self, key: str) -> Array:
        """The whole field, channels first."""
        return self.read(key, tuple(slice(0, size) for size in self.spec(key).coarse_shape))

    def finish(self, mark: str, values: str = "") -> None:  # noqa: B027 - only kept where a run can go on
        """Remember that a step is done, with what it found."""

    def finished(self, mark: str) -> str | None:
        """What a step found that is done already; None where it is not."""
        return None


class MemoryStore(FieldStore):
    """In arrays of this process."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[np.floating]] = {}
        self._specs: dict[str, FieldSpec] = {}

    def read(self, key: str, window: Window) -> Array:
        return np.array(self._arrays[key][(slice(None), *window)], dtype=np.float32)

    def write(self, key: str, spec: FieldSpec, column: int, window: Window, values: Array) -> None:
        if key not in self._arrays:
            self._arrays[key] = np.zeros((spec.channels, *spec.coarse_shape), spec.dtype)
            self._specs[key] = spec
        self._arrays[key][(slice(None), *window)] = values

    def spec(self, key: str) -> FieldSpec:
        return self._specs[key]

    def names(self, prefix: str) -> list[str]:
        return [key.removeprefix(f"{prefix}/") for key in self._arrays if key.startswith(f"{prefix}/")]

    def drop(self, prefix: str) -> None:
        for key in [key for key in self._arrays if key == prefix or key.startswith(f"{prefix}/")]:
            del self._arrays[key], self._specs[key]


class ScratchStore(FieldStore):
    """In a folder: one file for each field and column, complete or absent, so that any process may read it and a run
    that was stopped goes on from it.

    ``columns``: the windows of the image that columns cover. Files have traces first and depth last, so that the parts
    which neighbours read lie together.
    """

    def __init__(self, folder: Path, columns: Sequence[Window]) -> None:
        self._folder = folder
        self._columns = columns
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, key: str, window: Window) -> Array:
        spec = self.spec(key)
        sizes = [part.stop - part.start for part in window]
        found = np.zeros((spec.channels, *sizes), np.float32)
        for index, column in enumerate(self._columns):
            own = spec.coarse(column)
            inside = [_overlap(*pair) for pair in zip(window, own, strict=True)]
            path = self._path(key, index)
            if any(part is None for part in inside) or not path.exists():
                continue
            target = tuple(_moved(part, base.start) for part, base in zip(inside, window, strict=True) if part)
            place = tuple(_moved(part, base.start) for part, base in zip(inside, own, strict=True) if part)
            stored = np.moveaxis(np.load(path, mmap_mode="r"), (-2, -1), (0, 1))
            found[(slice(None), *target)] = stored[(slice(None), *place)]
        return found

    def write(self, key: str, spec: FieldSpec, column: int, window: Window, values: Array) -> None:
        path = self._path(key, column)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write_spec(path.parent, spec)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        with temporary.open("wb") as file:
            np.save(file, np.moveaxis(values, (0, 1), (-2, -1)).astype(spec.dtype, order="C"))
        temporary.replace(path)

    def spec(self, key: str) -> FieldSpec:
        path = self._folder / key / SPEC
        try:
            numbers = [int(number) for number in path.read_text().split()]
        except FileNotFoundError:
            raise KeyError(key) from None
        ndim = (len(numbers) - 2) // 2
        return FieldSpec(tuple(numbers[2 : 2 + ndim]), numbers[0], tuple(numbers[2 + ndim :]), bool(numbers[1]))

    def names(self, prefix: str) -> list[str]:
        folder = self._folder / prefix
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def drop(self, prefix: str) -> None:
        shutil.rmtree(self._folder / prefix, ignore_errors=True)

    def finish(self, mark: str, values: str = "") -> None:
        path = self._folder / "finished" / mark
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        temporary.write_text(values)
        temporary.replace(path)

    def finished(self, mark: str) -> str | None:
        try:
            return (self._folder / "finished" / mark).read_text()
        except FileNotFoundError:
            return None

    def _path(self, key: str, column: int) -> Path:
        return self._folder / key / f"{column}.npy"

    def _write_spec(self, folder: Path, spec: FieldSpec) -> None:
        path = folder / SPEC
        if not path.exists():
            numbers = (spec.channels, int(spec.half), *spec.shape, *spec.all_ratios)
            temporary = path.with_name(f"{SPEC}.{os.getpid()}.part")
            temporary.write_text(" ".join(str(number) for number in numbers))
            temporary.replace(path)


SPEC = "spec"
"""File of a field's folder: channels, whether it is float16, the image's shape and the ratios."""


def _overlap(one: slice, other: slice) -> slice | None:
    start, stop = max(one.start, other.start), min(one.stop, other.stop)
    return slice(start, stop) if start < stop else None


def _moved(part: slice, by: int) -> slice:
    return slice(part.start - by, part.stop - by)


def field_bytes(spec: FieldSpec) -> int:
    """Bytes of a whole field."""
    return spec.channels * math.prod(spec.coarse_shape) * np.dtype(spec.dtype).itemsize
