"""What the array formats share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.files import shape_text
from mtlcore.volume import ArrayVolume, Axis, Window

LIVE = "live"
"""What the array of live traces is called in files of several arrays."""


class FileVolume(ArrayVolume):
    """A volume over a memory-mapped file."""

    def read(self, window: Window) -> NDArray[np.float32]:
        # A double beyond float32's range becomes infinite: the input check counts those, so no warning.
        with np.errstate(over="ignore", invalid="ignore"):
            return super().read(window)

    def close(self) -> None:
        self._array = None


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


def positions(axis: Axis) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Where an axis's samples lie, in its unit."""
    return axis.origin + np.arange(axis.size) * float(axis.step)


def distinct_names(wanted: list[str]) -> list[str]:
    """Names fit for arrays of a store, all different; ``live`` is taken."""
    names = [LIVE]
    for name in wanted:
        plain = re.sub(r"[^\w.-]", "_", name).strip("._") or "axis"
        while plain in names:
            plain += "_"
        names.append(plain)
    return names[1:]
