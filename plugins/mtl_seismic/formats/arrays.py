"""What the array formats share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError, suggestion
from mtlcore.io.file_array import FileArray
from mtlcore.io.files import shape_text
from mtlcore.io.memory import check_memory
from mtlcore.io.volume import Axis

A = TypeVar("A")
LARGE, MAX_PACKED = 2**38, 100_000
"""Bytes of a volume above which it is asked whether so much can be packed in what its file has; and how well."""

LIVE = "live"
"""What the array of live traces is called in files of several arrays."""


def check_array(where: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """MtlError unless an array is a volume of real numbers."""
    if dtype.kind not in "fiub":
        raise MtlError(f"{where} holds values of type {dtype}: expected real numbers.")
    if len(shape) not in (2, 3):
        raise MtlError(
            f"{where} has {len(shape)} axes ({shape_text(shape) or 'a single value'}): expected 2 (depth, x) "
            "or 3 (depth, inline, crossline)."
        )
    if min(shape) < 1:
        raise MtlError(f"{where} has the shape {shape_text(shape)}: expected samples.")


def check_claims(
    where: str, shape: tuple[int, ...], item: int, chunk: tuple[int, ...] | None, stored: Callable[[], int]
) -> None:
    """MtlError where a file says that it has more than can be: chunks larger than memory, or samples from nothing.

    ``item``: bytes of a sample; ``chunk``: the shape of what is read in one piece; ``stored``: bytes in the file.
    """
    if chunk:
        check_memory(2 * item * prod(chunk), f"a chunk of {shape_text(chunk)} samples", where)
    claimed = item * prod(shape)
    if claimed > LARGE and claimed > MAX_PACKED * (found := stored()):
        raise MtlError(
            f"{where} claims {shape_text(shape)} samples ({claimed / 1e9:.4g} GB), and {found} bytes are stored: "
            "it is damaged or incomplete."
        )


def open_npy(path: Path) -> tuple[FileArray, tuple[int, ...]]:
    """An .npy file's array as it is stored, in C order, and its axes in their own order; MtlError if it is damaged."""
    with readable(path, ".npy"), path.open("rb") as file:
        shape, fortran, dtype = npy_header(file)
        offset = file.tell()
    if dtype.hasobject:
        raise MtlError(f"{path} cannot be read as .npy: it contains Python objects, expected real numbers.")
    stored = shape[::-1] if fortran else shape
    return FileArray(path, dtype, stored, offset), tuple(range(len(shape)))[:: -1 if fortran else 1]


def npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the first axis is fastest, and type, from the start of an .npy stream."""
    if np.lib.format.read_magic(file) == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


@contextmanager
def readable(path: Path, kind: str) -> Iterator[None]:
    """What a damaged file makes its library raise (errors of many types) becomes an MtlError."""
    try:
        yield
    except (MtlError, MemoryError):
        raise
    except Exception as error:
        raise MtlError(f"{path} cannot be read as {kind}: {one_line(error)}.") from error


def one_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def main_arrays(arrays: Mapping[str, Any]) -> list[str]:
    """The only one of 3 axes: next to such a volume, arrays of 2 are values of its traces."""
    solid = [name for name, array in arrays.items() if len(array.shape) == 3]
    return solid if len(solid) == 1 else []


def choose_array(path: Path, arrays: Mapping[str, A], wanted: str, *usual: object) -> A:
    """The wanted one of a file's arrays by name; else a usual one that it has, else the only one."""
    return arrays[choose_name(path, arrays, wanted, *usual)]


def choose_name(path: Path, arrays: Mapping[str, Any], wanted: str, *usual: object) -> str:
    """The name of the array that ``choose_array`` gives."""
    listed = f"Arrays of 2 or 3 axes: {', '.join(sorted(arrays)) or 'none'}."
    if wanted and wanted not in arrays:
        raise MtlError(f"{path} has no array '{wanted}'. {suggestion(wanted, arrays)}{listed}")
    names = [name for name in (wanted, *usual) if name in arrays] or (list(arrays) if len(arrays) == 1 else [])
    if not names:
        raise MtlError(f"{path} has {len(arrays)} arrays that could be the volume: set format.array=NAME. {listed}")
    return str(names[0])


def positions(axis: Axis) -> NDArray[np.float64]:
    """Where an axis's samples lie, in its unit."""
    return axis.origin + np.arange(axis.size, dtype=np.float64) * axis.step


def distinct_names(wanted: list[str]) -> list[str]:
    """Names fit for arrays of a store, all different; ``live`` is taken."""
    names = [LIVE]
    for name in wanted:
        plain = re.sub(r"[^\w.-]", "_", name).strip("._") or "axis"
        while plain in names:
            plain += "_"
        names.append(plain)
    return names[1:]


@dataclass(frozen=True)
class DecodedArray:
    """An array of a file as its attributes say it is to be read: undefined samples as NaN, packed ones unpacked.

    ``missing``: numbers that stand for nothing (``_FillValue``, ``missing_value``). ``scale`` and ``offset``: of
    packed integers (``scale_factor``, ``add_offset``). Source: the conventions of CF, sections 2.5.1 and 8.1.
    """

    array: Any
    missing: tuple[float, ...]
    scale: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(cls, array: Any, attributes: Mapping[str, Any]) -> Any:
        """The array itself where the attributes ask for nothing."""
        missing = [value for name in ("_FillValue", "missing_value") for value in _numbers(attributes.get(name))]
        scale = next(iter(_numbers(attributes.get("scale_factor"))), 1.0)
        offset = next(iter(_numbers(attributes.get("add_offset"))), 0.0)
        known = tuple(sorted({value for value in missing if np.isfinite(value)}))
        return cls(array, known, scale, offset) if known or (scale, offset) != (1.0, 0.0) else array

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, window: Any) -> NDArray[Any]:
        stored = np.asarray(self.array[window])
        wanted = np.float64 if stored.dtype.itemsize > 4 or stored.dtype.kind in "iu" else np.float32
        values: NDArray[Any] = stored.astype(wanted)
        for value in self.missing:
            # As the array's own type holds it: 1e20 has other digits in float32, and -999.25 is no whole number.
            if stored.dtype.kind == "f" or value.is_integer():
                values[stored == np.float64(value).astype(stored.dtype)] = np.nan
        if (self.scale, self.offset) != (1.0, 0.0):
            values = values * self.scale + self.offset
        return values


def _numbers(value: Any) -> list[float]:
    """An attribute's numbers; none where it is something else."""
    try:
        return [float(number) for number in np.ravel(value)] if value is not None else []
    except (TypeError, ValueError):
        return []


@dataclass(frozen=True)
class FlippedArray:
    """An array that is read backwards along some of its axes."""

    array: Any
    flipped: tuple[bool, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, window: tuple[slice, ...]) -> NDArray[Any]:
        stored = []
        for part, size, flip in zip(window, self.shape, self.flipped, strict=True):
            start, stop, _ = part.indices(size)
            stored.append(slice(size - stop, size - start) if flip else slice(start, stop))
        values = np.asarray(self.array[tuple(stored)])
        return values[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]

    def close(self) -> None:
        """Release the file, where the array has one."""
        release = getattr(self.array, "close", None)
        if release is not None:
            release()
