"""Sampling along depth: how many samples a period has in an image, and images of other sampling.

A network knows wavelets and layers of so many samples; data sampled more finely or coarsely are resampled for it, and
its fields sampled back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.plugin.interfaces import Items
from mtlcore.plugin.outputs import IMAGE, Output

Array = NDArray[np.float32]
TRACES = 512
"""Traces at most from which the spectrum is found."""
ITEMS = 32
"""Training items from which the periods of all are estimated."""
SLACK = 1.25
"""Periods so many times beyond those known are still close enough."""
FINEST, COARSEST = 2.0, 1 / 8
"""Bounds of the scale that is chosen by itself: what seems a short period may be noise, a long one decay."""
SHORTEST = 8
"""Samples along depth that are left by a scale that is chosen by itself."""


def dominant_period(image: Array) -> float:
    """Samples along depth of one period of an image (depth, ...): over its mean amplitude spectrum's centroid.

    Infinite for an image without variation.
    """
    traces = image.reshape(image.shape[0], -1)
    traces = traces[:, :: max(traces.shape[1] // TRACES, 1)].astype(np.float64)
    window = np.hanning(traces.shape[0] + 2)[1:-1, None]
    spectrum = np.abs(np.fft.rfft((traces - traces.mean(0)) * window, axis=0)).mean(1)
    frequency = np.fft.rfftfreq(traces.shape[0])
    power = spectrum**2
    centroid = float((frequency * power).sum() / power.sum()) if power.sum() > 0 else 0.0
    return 1 / centroid if centroid > 0 else np.inf


def typical_periods(items: Items) -> tuple[float, float] | None:
    """Periods that training items have, 5th and 95th percentile of a few of them; None where no item varies."""
    count = min(len(items), ITEMS)
    images = (items[index * len(items) // count][IMAGE.name] for index in range(count))
    periods = [dominant_period(np.nan_to_num(image, posinf=0, neginf=0)) for image in images]
    finite = [period for period in periods if np.isfinite(period)]
    return (float(np.quantile(finite, 0.05)), float(np.quantile(finite, 0.95))) if finite else None


def rows_to_see(image: Array, periods: tuple[float, float] | None, scale: float | None) -> int:
    """On how many rows a network should see an image: ``scale`` times as many, or as its periods ask for."""
    rows = int(image.shape[0])
    if scale is None:
        period = dominant_period(image) if periods else np.inf
        if periods is None or not np.isfinite(period) or periods[0] / SLACK <= period <= periods[1] * SLACK:
            return rows
        scale = min(max(float(np.sqrt(periods[0] * periods[1])) / period, COARSEST), FINEST)
        return max(round(rows * scale), min(SHORTEST, rows))
    return max(round(rows * scale), 2)


def resample(output: Output, values: Array, rows: int) -> Array:
    """An output's values (depth, ...) on so many rows."""
    factor = rows / values.shape[0]
    if factor == 1:
        return values
    if output.merge == "axial":
        values = resample_nearest(values, rows)
    elif output.amplitude and float(values.min()) < 0:
        values = resample_waves(values, rows)
    else:
        between = resample_smooth(values, rows)
        # Beyond the outermost samples a line may leave the values that there are; a rule of the output's sees to it.
        values = between if output.stretch else between.clip(values.min(), values.max())
    return values if output.stretch is None else np.asarray(output.stretch(values, factor), dtype=np.float32)


def resample_waves(values: Array, rows: int) -> Array:
    """Amplitudes (depth, ...) on so many rows, by their spectrum; mirrored at both ends, nothing wraps around."""
    count = values.shape[0]
    mirrored = np.concatenate([values, values[::-1]])
    spectrum = np.fft.rfft(mirrored, axis=0)
    # Samples are cells: their centres move by half the difference of the cells' sizes.
    frequency = np.arange(len(spectrum)) / (2 * count)
    shift = 0.5 * count / rows - 0.5
    phase = np.exp(2j * np.pi * frequency * shift).reshape(-1, *[1] * (values.ndim - 1))
    kept = np.zeros((rows + 1, *values.shape[1:]), dtype=complex)
    size = min(len(spectrum), rows + 1)
    kept[:size] = (spectrum * phase)[:size]
    return np.asarray(np.fft.irfft(kept, 2 * rows, axis=0)[:rows] * (rows / count), dtype=np.float32)


def resample_smooth(values: Array, rows: int) -> Array:
    """Fields without a sign, as probabilities and times, on so many rows: between samples, and on beyond, linearly."""
    if values.shape[0] == 1:
        return np.repeat(values, rows, axis=0)
    place = (np.arange(rows) + 0.5) * values.shape[0] / rows - 0.5
    upper = np.clip(np.floor(place), 0, values.shape[0] - 2).astype(np.intp)
    part = (place - upper).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((1 - part) * values[upper] + part * values[upper + 1], dtype=np.float32)


def resample_nearest(values: NDArray[Any], rows: int) -> NDArray[Any]:
    """Angles, or flags, on so many rows: of the nearest sample."""
    nearest = np.floor((np.arange(rows) + 0.5) * values.shape[0] / rows).astype(np.intp)
    return np.asarray(values[np.clip(nearest, 0, values.shape[0] - 1)])
