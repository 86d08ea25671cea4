"""Amplitudes in and out: what is dead in an image, and the scale that normalises it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtlcore.inference.dead_traces import fill_traces
from mtlcore.inference.undefined import Undefined, find_undefined

Array = NDArray[np.float32]

SPIKE = 10.0
"""Samples beyond so many times the root mean square are left out of it."""
GREATEST = 100.0
"""Samples beyond so many times the root mean square are cut down to that before the network reads them."""
EVEN = 3.0
"""Loudest over quietest row that is left as it is: synthetic items with gain have up to so much."""
WINDOW = 60
"""Rows on each side over which amplitudes along depth are averaged: several periods."""
QUIETEST = 0.03
"""Of the loudest row: what is quieter is not made louder any more."""
MOST_SORTED = 2**20
"""Samples at most of which a median is found."""
CHUNK = 2**22
"""Samples worked on at once in double precision, so that a large volume needs no second copy of it."""


@dataclass(frozen=True)
class Prepared:
    """An image made fit for a network.

    ``image``: normalised, finite; dead traces are filled from their neighbours (a hole looks like
    faults), dead samples of others are 0. ``scale``: multiply by it to return to the input's amplitudes.
    ``dead``: boolean, where nothing was recorded: undefined samples (see undefined.py), and the whole
    ``dead_traces``: those that are constant (apart from such samples) or do not exist. ``report``: how many of each
    were found. ``gain``: multiply by it as well, row by row, where amplitudes were balanced along depth (see balance);
    else 1. ``offset``: add it at last, where amplitudes were not around 0, as in images of 8 bits; else 0.
    """

    image: Array
    scale: float
    dead: NDArray[np.bool_]
    dead_traces: NDArray[np.bool_]
    report: dict[str, int]
    gain: Array | float = 1.0
    offset: float = 0.0


def prepare(
    image: Array, level: float = 1.0, live: NDArray[np.bool_] | None = None, rule: Undefined | None = None
) -> Prepared:
    """Normalise an image (depth, ...) to a root mean square of ``level``; ``live`` are the traces that exist.

    ``rule``: which values mean undefined, if that is known already.
    """
    values = np.asarray(image)
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    finite = ~(rule or find_undefined([values])).mask(values)
    dead_traces = constant_traces(values, finite)
    if live is not None:
        dead_traces |= ~live
    dead = ~finite | dead_traces[None]
    offset = _offset(values, ~dead)
    size = root_mean_square(values, ~dead, offset)
    scale = size / level if size > 0 else 1.0
    report = {
        "traces": int(dead_traces.size),
        "dead_traces": int(dead_traces.sum()),
        "not_finite_samples": int(finite.size - finite.sum()),
    }
    scaled = normalised(values, dead, scale, offset, GREATEST * level)
    return Prepared(fill_traces(scaled, dead_traces), scale, dead, dead_traces, report, offset=offset)


def _offset(values: NDArray[np.floating], live: NDArray[np.bool_]) -> float:
    """The median of an image's live samples where it is larger than what they vary around it; else 0."""
    rows = max(1, MOST_SORTED // max(int(np.prod(values.shape[1:])), 1))
    step = -(-values.shape[0] // rows)
    some = values[::step][live[::step]].ravel()
    some = some[:: max(some.size // MOST_SORTED, 1)].astype(np.float64)
    middle = float(np.median(some)) if some.size else 0.0
    with np.errstate(all="ignore"):  # of any magnitude: what is infinite in units of the median varies enough
        return middle if middle and np.sqrt(np.mean((some / middle - 1) ** 2)) < 1 else 0.0


def balance(prepared: Prepared) -> Prepared:
    """The image with even amplitudes along depth, where they differ by more than EVEN (see row_gains)."""
    gains = row_gains(prepared)
    if gains is None:
        return prepared
    gain, level = gains
    return replace(prepared, image=balanced(prepared.image, gain, level), gain=gain / np.float32(level))


def row_gains(prepared: Prepared) -> tuple[Array, float] | None:
    """What each row is divided by, (rows, 1, ...), and what the image is multiplied by then; None: nothing to even out.

    Decay that nobody corrected hides what is deep: rows are divided by their root mean square, smoothed over WINDOW
    rows to each side, but never made more than 1/QUIETEST times as strong as the loudest: quiet may be empty.
    """
    rows = prepared.image.shape[0]
    others = tuple(range(1, prepared.image.ndim))
    sums = [(prepared.image[part].astype(np.float64) ** 2).sum(others) for part in _rows(prepared.image.shape)]
    power = np.concatenate(sums) / np.maximum((~prepared.dead).sum(others), 1)
    reach = min(WINDOW, rows - 1)
    weights = np.hanning(2 * reach + 3)[1:-1]
    profile = np.sqrt(np.convolve(np.pad(power, reach, mode="reflect"), weights / weights.sum(), "valid"))
    if profile.max() <= EVEN * profile.min() or profile.max() == 0:
        return None
    profile = np.maximum(profile, QUIETEST * profile.max())
    gain = (profile / np.sqrt(np.mean(profile**2))).reshape(-1, *[1] * (prepared.image.ndim - 1)).astype(np.float32)
    return gain, float(np.sqrt((power.mean() or 1.0) / np.mean(power / gain.reshape(-1) ** 2)))


def balanced(image: Array, gain: Array, level: float) -> Array:
    """An image, or whole traces of it, with its rows evened out."""
    return np.asarray(image / gain * np.float64(level), np.float32)


def root_mean_square(values: NDArray[np.floating], live: NDArray[np.bool_], offset: float = 0.0) -> float:
    """Root mean square of the live samples less an offset, without spikes, of any magnitude; 0 for none or zeros."""
    peak = max((float(part.max(initial=0.0)) for part in _sizes(values, live, offset)), default=0.0)
    if peak == 0.0:
        return 0.0
    size = _size_below(values, live, offset, peak, np.inf)
    for _ in range(20):
        smaller = _size_below(values, live, offset, peak, SPIKE * size)
        if smaller == 0.0 or smaller >= size * 0.999:
            break
        size = smaller
    return size * peak


def _size_below(
    values: NDArray[np.floating], live: NDArray[np.bool_], offset: float, peak: float, limit: float
) -> float:
    """Root mean square, in units of the peak, of the samples up to a limit."""
    total, count = 0.0, 0
    for part in _sizes(values, live, offset):
        # Divided by the peak first: squares of 1e200 or 1e-200 leave the range of numbers.
        relative = part / peak
        kept = relative[relative <= limit]
        total, count = total + float(np.sum(kept**2)), count + kept.size
    return float(np.sqrt(total / count)) if count else 0.0


def _sizes(values: NDArray[np.floating], live: NDArray[np.bool_], offset: float) -> Iterator[NDArray[np.float64]]:
    for rows in _rows(values.shape):
        yield np.abs(values[rows][live[rows]].astype(np.float64) - offset)


def normalised(
    values: NDArray[np.floating], dead: NDArray[np.bool_], scale: float, offset: float, greatest: float
) -> Array:
    """Live samples less the offset, over the scale, cut down to ``greatest``; 0 where dead."""
    result = np.zeros(values.shape, dtype=np.float32)
    for rows in _rows(values.shape):
        part = np.where(dead[rows], 0.0, values[rows].astype(np.float64) - offset)
        # A spike divided by a very small scale may be infinite, and is cut down like any other.
        with np.errstate(over="ignore"):
            result[rows] = np.clip(part / scale, -greatest, greatest)
    return result


def constant_traces(values: NDArray[np.floating], finite: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The traces whose finite samples are all the same, or that have none."""
    low = np.minimum.reduce(values, axis=0, where=finite, initial=np.inf)
    high = np.maximum.reduce(values, axis=0, where=finite, initial=-np.inf)
    return np.asarray(low >= high)


def _rows(shape: tuple[int, ...]) -> Iterator[slice]:
    """Runs of the depth axis that hold about CHUNK samples each."""
    step = max(1, CHUNK // max(int(np.prod(shape[1:])), 1))
    return (slice(start, start + step) for start in range(0, shape[0], step))
