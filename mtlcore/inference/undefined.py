"""Undefined samples: the numbers that other programs write where nothing was recorded or computed.

Sources: 1e30 and 1e33 (OpendTect, Petrel, GXF, IRAP), 1.70141e38 (Surfer), 9.96921e36 and 1e20 (NetCDF, CF),
-999.25 (LAS, SEG-Y exports), -999, -9999, -99999 (GIS grids), the largest float32 (several).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

NULL_VALUES = (-999.25, -999.0, -9999.0, -9999.25, -99999.0, -999999.0)
"""Numbers that mean undefined where they stand in runs; single samples may have them by chance."""
HUGE_VALUES = (1e20, 1e30, 1e31, 1e32, 1e33, 1e35, 1e36, 9.96921e36, 1e37, 1e38, 1.70141e38, 3.4028235e38)
"""Numbers of either sign that mean undefined where everything else is far smaller."""
FAR = 1e6
"""How many times larger than the other samples' median a huge value is."""
MIN_REPEATS = 8
"""A value that occurs fewer times is a spike or an accident."""
MIN_DIFFERENT = 16
"""An image of fewer different values proves nothing about one of them."""
CHUNK = 2**22
"""Samples compared at once."""
MAX_MEASURED = 2**20
"""Samples of which a median is found."""


@dataclass(frozen=True)
class Undefined:
    """What is undefined in an image besides numbers that are not finite: samples equal to one of ``values``, and
    those of ``limit`` or larger in magnitude. The rule is sample by sample, so windows of an image agree."""

    values: tuple[float, ...] = ()
    limit: float = np.inf

    def mask(self, array: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Boolean, of the array's shape."""
        array = _of_float32(array)
        with np.errstate(invalid="ignore"):
            undefined = ~np.isfinite(array)
            for value in self.values:
                undefined |= array == array.dtype.type(value)
            if self.limit < np.inf:
                undefined |= np.abs(array) >= self.limit
        return np.asarray(undefined)


def undefined_values(array: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which samples of an image (depth, ...) are undefined: not finite, or a constant that stands for nothing."""
    return find_undefined([array]).mask(array)


def find_undefined(parts: Sequence[Floats]) -> Undefined:
    """The constants that mean undefined in an image, from parts of it (each depth, ...: whole columns).

    A huge value must be far from all else and repeat; a null value must stand in runs along depth, or repeat
    outside of the other samples' range; any other value must be the extreme, stand in runs and be further from the
    rest than the rest is wide. Amplitudes of any scale pass, and so do spikes.
    """
    with np.errstate(all="ignore"):  # whatever there is
        return _find([_of_float32(part) for part in parts])


def _find(parts: Sequence[Floats]) -> Undefined:
    sample = _sample(parts)
    limit = _huge_limit(parts, sample)
    rest = sample[np.abs(sample) < limit]
    values = [value for value in NULL_VALUES if _is_null(parts, value, rest)]
    rest = rest[~np.isin(rest, values)]
    values += [value for value in _extremes(parts, limit, values) if _is_padding(parts, value, rest)]
    return Undefined(tuple(values), limit)


def _huge_limit(parts: Sequence[Floats], sample: Floats) -> float:
    """A thousandth of the smallest huge value that occurs, below which everything else lies; else infinity."""
    top = max((float(np.abs(part[np.isfinite(part)]).max(initial=0)) for part in _chunks(parts)), default=0.0)
    for value in (value for value in HUGE_VALUES if value <= top * 1.01):
        found = sum(int((np.abs(np.abs(part) / value - 1) < 1e-5).sum()) for part in _chunks(parts))
        others = np.abs(sample[(np.abs(sample) < value * 0.99) & (sample != 0)])
        if found >= MIN_REPEATS and others.size and float(np.median(others)) < value / FAR:
            return value / 1e3
    return np.inf


def _is_null(parts: Sequence[Floats], value: float, sample: Floats) -> bool:
    count, pairs = _count(parts, value)
    others = sample[sample != value]
    if count < MIN_REPEATS or others.size == 0:
        return False
    return 2 * pairs >= count or value < 2 * float(others.min(initial=0))


def _extremes(parts: Sequence[Floats], limit: float, known: Sequence[float]) -> list[float]:
    """The smallest and the largest value that are not undefined already; not 0, which is quiet."""
    low, high = np.inf, -np.inf
    for part in _chunks(parts):
        kept = part[np.isfinite(part) & (np.abs(part) < limit) & ~np.isin(part, known)]
        low, high = min(low, float(kept.min(initial=np.inf))), max(high, float(kept.max(initial=-np.inf)))
    return [value for value in (low, high) if np.isfinite(value) and value]


def _is_padding(parts: Sequence[Floats], value: float, sample: Floats) -> bool:
    count, pairs = _count(parts, value)
    rest = sample[sample != value]
    if count < MIN_REPEATS or 2 * pairs < count or len(np.unique(rest[:4096])) < MIN_DIFFERENT:
        return False
    low, high = float(rest.min()), float(rest.max())
    return max(low - value, value - high) > high - low


def _count(parts: Sequence[Floats], value: float) -> tuple[int, int]:
    """How often a value occurs, and how often twice in a row along depth."""
    count = pairs = 0
    for part in _chunks(parts):
        equal = part == part.dtype.type(value)
        found = int(equal.sum())
        count, pairs = count + found, pairs + (int((equal[1:] & equal[:-1]).sum()) if found else 0)
    return count, pairs


def _of_float32(array: Floats) -> Floats:
    """Half precision as float32, which holds every value that is looked for."""
    return array.astype(np.float32) if array.dtype.itemsize < 4 else array


def _sample(parts: Sequence[Floats]) -> Floats:
    """Finite samples, at most MAX_MEASURED of them, evenly spread."""
    total = sum(part.size for part in parts)
    step = max(1, -(-total // MAX_MEASURED))
    # A step that divides no axis, so that one row or trace is not all that is seen.
    step += step > 1 and step % 2 == 0
    some = [part.reshape(-1)[::step] for part in parts]
    sample = np.concatenate(some) if some else np.zeros(0)
    return np.asarray(sample[np.isfinite(sample)])


def _chunks(parts: Sequence[Floats]) -> Iterator[Floats]:
    """The parts in pieces of about CHUNK samples, each as flat columns (depth, traces)."""
    for part in parts:
        columns = part.reshape(len(part), -1)
        step = max(1, CHUNK // max(len(part), 1))
        for start in range(0, columns.shape[1], step):
            yield columns[:, start : start + step]
