"""Raw samples say nothing of themselves: are type, byte order and shape plausible, and which others would be?"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.io.file_array import FileArray
from mtlcore.io.files import shape_text

MIN_SAMPLES = 500
"""Below which nothing is concluded."""
MAX_SAMPLES, MAX_SEARCHED = 2**16, 2**20
"""Looked at when a file is opened, and where its shape is not known."""
HUGE, TINY = 1e20, 1e-20
MAX_ODD = 0.1
"""Share of samples of implausible sizes."""
ROUGH, SMOOTHER = 1.1, 0.7
"""Mean step from sample to sample in mean deviations (white noise: 1.4); and in that of the other byte order."""
ALIKE, UNLIKE = 0.5, 0.2
"""Correlation of neighbouring traces, and of traces of a wrong length."""
SEGY_HEADER, SEGY_TRACE = 3600, 240
KINDS = {1: "int8 or uint8", 2: "int16, uint16 or float16", 4: "float32 or int32", 8: "float64"}


def implausible_samples(array: FileArray, order: str) -> list[str]:
    """Warnings about the samples of a raw file, each with what is likely to be right instead.

    ``array``: as it is stored, depth last. ``order``: little or big.
    """
    samples = _some(array)
    if samples.size < MIN_SAMPLES:
        return []
    other = "big" if order == "little" else "little"
    swapped = samples.view(samples.dtype.newbyteorder())
    what = f"{array.path}: as {array.dtype.name} of {order} endian, "
    if samples.dtype.kind == "f" and _odd_share(samples) > MAX_ODD:
        hint = f" format.byte_order={other} is likely to be right." if _odd_share(swapped) < MAX_ODD / 10 else ""
        share = _odd_share(samples)
        return [
            f"{what}{share:.0%} of the samples are not finite or have implausible sizes: "
            f"check format.byte_order and format.dtype.{hint}"
        ]
    rough = _roughness(samples) if samples.dtype.itemsize > 1 else 0.0
    if rough > ROUGH and _odd_share(swapped) < MAX_ODD and _roughness(swapped) < SMOOTHER * rough:
        return [f"{what}samples look like noise, but not in the other byte order: is it format.byte_order={other}?"]
    return _wrong_shape(array, samples)


def fitting_options(size: int, shape: tuple[int, ...], kind: str) -> list[str]:
    """What would make a file of this size right: another type, another number of traces, another format."""
    item, count = np.dtype(kind).itemsize, prod(shape)
    found = []
    if size % count == 0 and size // count in KINDS:
        found.append(f"format.dtype={KINDS[size // count]}")
    column = prod(shape[:-1]) * item
    if size % column == 0:
        found.append(f"--shape {shape_text((*shape[:-1], size // column))}")
    traces = prod(shape[1:])
    if size == SEGY_HEADER + traces * (SEGY_TRACE + shape[0] * item):
        found.append("--format segy (it has the size of a SEG-Y file of this shape)")
    elif count * item + 16 <= size <= count * item + 2**16:
        found.append(f"a header of {size - count * item} bytes, which is to be removed")
    return found


def likely_shapes(path: Path) -> str:
    """A sentence with the shape that a file of float32 or int16 seems to have; empty where none stands out."""
    size = path.stat().st_size
    for kind in ("float32", "int16"):
        for order in "<>":
            dtype = np.dtype(kind).newbyteorder(order)  # type: ignore[arg-type]
            count = size // dtype.itemsize
            if count < 2 * MIN_SAMPLES or size % dtype.itemsize:
                continue
            samples = FileArray(path, dtype, (count,))[: min(count, MAX_SEARCHED)]
            length = _period(samples, count) if _odd_share(samples) < MAX_ODD else None
            if length:
                more = "" if kind == "float32" else f" --set format.dtype={kind}"
                more += " --set format.byte_order=big" if order == ">" else ""
                return f" Its samples repeat every {length}: --shape {length}x{count // length}{more} may be right."
    return ""


def _some(array: FileArray) -> NDArray[Any]:
    """Whole traces from the middle of the file, in the file's byte order, one after another."""
    depth, flat = array.shape[-1], prod(array.shape[:-1])
    count = min(flat, max(2, MAX_SAMPLES // depth))
    start = (flat - count) // 2
    traces = FileArray(array.path, array.dtype, (flat, depth))
    try:
        return traces[start : start + count].reshape(-1)[: 2 * MAX_SAMPLES]
    finally:
        traces.close()


def _odd_share(samples: NDArray[Any]) -> float:
    """Share of samples, other than 0, that no recording has."""
    if samples.dtype.kind != "f":
        return 0.0
    with np.errstate(all="ignore"):
        size = np.abs(samples[samples != 0].astype(np.float64))
        large = ~np.isfinite(size) | (size > HUGE)
        odd = large | (size < TINY)
    # Probabilities may be tiny; in a wrong byte order there are large ones too.
    return float(odd.mean()) if size.size >= MIN_SAMPLES and large.mean() > MAX_ODD / 10 else 0.0


def _roughness(samples: NDArray[Any]) -> float:
    """Mean size of steps from sample to sample over the mean deviation from the mean."""
    values = _clean(samples)
    deviation = np.abs(values).mean()
    return float(np.abs(np.diff(values)).mean() / deviation) if deviation > 0 else 0.0


def _wrong_shape(array: FileArray, samples: NDArray[Any]) -> list[str]:
    """Where traces of the given length do not look alike, and those of another of the shape's sizes do."""
    depth = array.shape[-1]
    if samples.size < 2 * depth or _similarity(samples, depth) > UNLIKE:
        return []
    others = {size for size in array.shape[:-1] if size != depth and samples.size >= 2 * size}
    alike = {size: _similarity(samples, size) for size in others}
    best = max(alike, key=lambda size: alike[size], default=0)
    if not best or alike[best] < ALIKE:
        return []
    given = array.shape[::-1]
    return [
        f"{array.path}: samples repeat every {best}, not every {depth} as the shape {shape_text(given)} says: "
        f"is depth {best}, or is it the slowest axis in the file? The shape is DEPTHxTRACES, depth fastest."
    ]


def _similarity(samples: NDArray[Any], length: int) -> float:
    """Correlation of each trace of a length with the next one."""
    values = _clean(samples)
    one, other = values[:-length], values[length:]
    norm = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / norm) if norm > 0 else 0.0


def _period(samples: NDArray[Any], count: int) -> int | None:
    """The trace length at which the samples repeat most clearly, among those that divide the file."""
    values = _clean(samples)
    size = 2 ** int(np.ceil(np.log2(2 * len(values))))
    power = np.abs(np.fft.rfft(values, size)) ** 2
    correlation = np.fft.irfft(power)[: len(values) // 2]
    if correlation[0] <= 0:
        return None
    correlation = correlation / correlation[0] / (1 - np.arange(len(correlation)) / len(values))
    lengths = [length for length in range(16, len(correlation) - 1) if count % length == 0]
    peaks = [
        length
        for length in lengths
        if correlation[length] > ALIKE and correlation[length] >= correlation[length - 1 : length + 2].max()
    ]
    # Twice the length of a trace repeats nearly as clearly.
    return min(peaks, default=None)


def _clean(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Finite numbers around 0, the largest cut."""
    values = samples.astype(np.float64)
    values = np.where(np.isfinite(values) & (np.abs(values) < HUGE), values, 0.0)
    values -= values.mean()
    limit = 10 * np.abs(values).mean()
    return np.clip(values, -limit, limit)
