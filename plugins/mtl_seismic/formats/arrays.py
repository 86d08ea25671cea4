"""What the array formats share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError, suggestion
from mtlcore.io.files import shape_text
from mtlcore.io.volume import Axis

A = TypeVar("A")

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


def map_npy(path: Path) -> NDArray[Any]:
    """An .npy file as a read-only memory map; nothing in it is executed. MtlError if it is damaged."""
    try:
        return np.lib.format.open_memmap(path, mode="r")  # refuses pickled objects
    except Exception as error:  # a damaged header makes numpy raise errors of many types
        raise MtlError(f"{path} cannot be read as .npy: {' '.join(str(error).split())}.") from error


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


def choose_array(path: Path, arrays: Mapping[str, A], wanted: str, *usual: object) -> A:
    """The wanted one of a file's arrays by name; else a usual one that it has, else the only one."""
    listed = f"Arrays of 2 or 3 axes: {', '.join(sorted(arrays)) or 'none'}."
    if wanted and wanted not in arrays:
        raise MtlError(f"{path} has no array '{wanted}'. {suggestion(wanted, arrays)}{listed}")
    names = [name for name in (wanted, *usual) if name in arrays] or (list(arrays) if len(arrays) == 1 else [])
    if not names:
        raise MtlError(f"{path} holds {len(arrays)} arrays that could be the volume. Say array=NAME. {listed}")
    return arrays[str(names[0])]


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
