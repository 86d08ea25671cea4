"""What is read: points with coordinates, line numbers, or both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError

Floats = NDArray[np.float64]
LARGEST_Z = 1e10
"""Depths and times beyond it are nulls (1e30, the largest float32, ...)."""


@dataclass(frozen=True, eq=False)
class Points:
    """N points. ``xy``: coordinates, N x 2. ``lines``: inline and crossline numbers, N x 2; on a 2D line the position
    along it, N x 1. One of the two may be None. ``z``: depth or time as it stands in the file, N."""

    xy: Floats | None
    lines: Floats | None
    z: Floats

    def __len__(self) -> int:
        return len(self.z)

    def take(self, kept: NDArray[np.bool_] | slice) -> Points:
        """Some of the points."""
        xy, lines = (None if array is None else array[kept] for array in (self.xy, self.lines))
        return Points(xy, lines, self.z[kept])

    def defined(self, undefined: float | None = None) -> Points:
        """The points without those whose z is no number, a null of the usual kinds, or ``undefined``."""
        with np.errstate(invalid="ignore"):
            kept = np.isfinite(self.z) & (np.abs(self.z) < LARGEST_Z)
        if undefined is not None:
            kept &= self.z != undefined
        return self.take(kept)


@dataclass(frozen=True, eq=False)
class HorizonPoints:
    """Picks of one horizon."""

    name: str
    points: Points


@dataclass(frozen=True, eq=False)
class Sticks:
    """The sticks of one fault, each of two points or more."""

    name: str
    sticks: tuple[Points, ...]


@dataclass(frozen=True)
class WellTop:
    """A horizon's depth in a well."""

    name: str
    x: float
    y: float
    z: float
    well: str = ""


def read_text(path: Path) -> list[str]:
    """The lines of a text file, in UTF-8 or, where it is not that, Latin-1."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MtlError(f"{path} cannot be read: {error.strerror}.") from None
    if b"\0" in content[:4096]:
        raise MtlError(f"{path} is not a text file: expected horizons, fault sticks or well tops as text.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.splitlines()


def number(text: str, path: Path, line: int, what: str) -> float:
    """A number, NaN for blanks; MtlError names the place."""
    if not text.strip():
        return float("nan")
    try:
        return float(text)
    except ValueError:
        raise MtlError(f"{path} line {line}: the {what} is '{text.strip()}', expected a number.") from None
