"""Where fields are kept between the steps of a run: in memory, or in files of one column each.

Arrays have an axis of channels first, then depth and the horizontal axes; they may be coarser than the image by whole
ratios, such as the cells that horizons are tracked in. Keys are paths such as ``0/dhr``.
"""

from __future__ import annotations

import math
import os
import shutil
from abc import ABC, abstractmethod
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
    """Arrays by key, written and read window by window; windows are in the field's own cells, and those that are read
    may have steps along the horizontal axes."""

    @abstractmethod
    def read(self, key: str, window: Window) -> Array:
        """A copy, channels first, float32; 0 where nothing was written."""

    @abstractmethod
    def write(self, key: str, spec: FieldSpec, window: Window, values: NDArray[np.floating]) -> None:
        """Store whole traces over a window of the horizontal axes; windows of a key never overlap."""

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

    def write(self, key: str, spec: FieldSpec, window: Window, values: NDArray[np.floating]) -> None:
        if key not in self._arrays:
            self._arrays[key] = np.zeros((spec.channels, *spec.coarse_shape), spec.dtype)
            self._specs[key] = spec
        self._arrays[key][(slice(None), *window)] = _fitting(values, spec)

    def spec(self, key: str) -> FieldSpec:
        return self._specs[key]

    def names(self, prefix: str) -> list[str]:
        return [key.removeprefix(f"{prefix}/") for key in self._arrays if key.startswith(f"{prefix}/")]

    def drop(self, prefix: str) -> None:
        for key in [key for key in self._arrays if key == prefix or key.startswith(f"{prefix}/")]:
            del self._arrays[key], self._specs[key]


class ScratchStore(FieldStore):
    """In a folder: one file for each window that was written, complete or absent, so that any process may read it and
    a run that was stopped goes on from it.

    Files have traces first and depth last, so that the parts which neighbours read lie together.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, list[tuple[Window, Path]]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, key: str, window: Window) -> Array:
        spec = self.spec(key)
        found = np.zeros((spec.channels, *_sizes(window)), np.float32)
        wanted, lateral = math.prod(_sizes(window[1:])), window[1:]
        for files in (self._files.get(key, ()), self._list(key)):
            inside = [(overlap, own, path) for own, path in files if (overlap := _overlaps(lateral, own)) is not None]
            # Other processes may have written since the files were listed.
            if sum(math.prod(_sizes(overlap)) for overlap, _, _ in inside) == wanted:
                break
        for overlap, own, path in inside:
            target = tuple(map(_counted, overlap, lateral))
            place = tuple(_moved(part, base.start) for part, base in zip(overlap, own, strict=True))
            stored = np.moveaxis(np.load(path, mmap_mode="r"), (-2, -1), (0, 1))
            found[(slice(None), slice(None), *target)] = stored[(slice(None), window[0], *place)]
        return found

    def write(self, key: str, spec: FieldSpec, window: Window, values: NDArray[np.floating]) -> None:
        folder = self._folder / key
        folder.mkdir(parents=True, exist_ok=True)
        self._write_spec(folder, spec)
        path = folder / ("_".join(f"{part.start}-{part.stop}" for part in window[1:]) + ".npy")
        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        with temporary.open("wb") as file:
            stored = np.moveaxis(_fitting(values, spec), (0, 1), (-2, -1))
            np.save(file, np.ascontiguousarray(stored, spec.dtype))
        temporary.replace(path)

    def _list(self, key: str) -> list[tuple[Window, Path]]:
        """The files of a key, with the windows of the horizontal axes that they hold."""
        files = [(_window_of(path.stem), path) for path in (self._folder / key).glob("*.npy")]
        self._files[key] = files
        return files

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
        self._files.clear()

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

    def _write_spec(self, folder: Path, spec: FieldSpec) -> None:
        path = folder / SPEC
        if not path.exists():
            numbers = (spec.channels, int(spec.half), *spec.shape, *spec.all_ratios)
            temporary = path.with_name(f"{SPEC}.{os.getpid()}.part")
            temporary.write_text(" ".join(str(number) for number in numbers))
            temporary.replace(path)


SPEC = "spec"
"""File of a field's folder: channels, whether it is float16, the image's shape and the ratios."""


def _fitting(values: NDArray[np.floating], spec: FieldSpec) -> NDArray[np.floating]:
    """Values cut down to what half precision can hold, where that is kept."""
    limit = np.finfo(np.float16).max
    return np.clip(values, -limit, limit) if spec.half else values


def _overlaps(one: Window, other: Window) -> Window | None:
    """The part of a window, which may have steps, that lies in another."""
    parts = []
    for wanted, own in zip(one, other, strict=True):
        step = wanted.step or 1
        start = wanted.start + max(-(-(own.start - wanted.start) // step), 0) * step
        parts.append(slice(start, min(wanted.stop, own.stop), step))
    return tuple(parts) if all(part.start < part.stop for part in parts) else None


def _sizes(window: Window) -> tuple[int, ...]:
    return tuple(len(range(part.start, part.stop, part.step or 1)) for part in window)


def _counted(part: slice, whole: slice) -> slice:
    """Where a part of a slice with its steps lies in it."""
    first = (part.start - whole.start) // part.step
    return slice(first, first + len(range(part.start, part.stop, part.step)))


def _window_of(name: str) -> Window:
    """The window that a file's name says: 0-64_128-192."""
    return tuple(slice(*map(int, part.split("-"))) for part in name.split("_"))


def _moved(part: slice, by: int) -> slice:
    return slice(part.start - by, part.stop - by, part.step)
