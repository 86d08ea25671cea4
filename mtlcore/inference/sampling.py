"""Sampling along depth: how many samples a period has in an image, and images of other sampling.

A network knows wavelets and layers of so many samples; data sampled more finely or coarsely are resampled for it, and
its fields sampled back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import OptionError
from mtlcore.plugin.interfaces import Items
from mtlcore.plugin.outputs import IMAGE

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


def shape_to_see(
    image: Array,
    periods: tuple[float, float] | None,
    scale: float | tuple[float, ...] | None,
    shape: tuple[int, ...] | None = None,
) -> tuple[int, ...]:
    """On how many samples of each axis a network should see an image, or one of ``shape`` of which it is a part.

    ``scale``: times as many, of depth alone or of each axis; None: as its periods ask for.
    """
    shape = shape or image.shape
    if scale is None:
        return (rows_by_period(image, periods), *shape[1:])
    factors = scale if isinstance(scale, tuple) else (scale, *[1.0] * (image.ndim - 1))
    if len(factors) != image.ndim:
        raise OptionError(
            f"scale is {','.join(map(str, factors))}, and the image has {image.ndim} axes: expected a factor for each, "
            "depth first, or one for depth alone."
        )
    return tuple(
        size if factor == 1 else max(round(size * factor), 2) for size, factor in zip(shape, factors, strict=True)
    )


def rows_by_period(image: Array, periods: tuple[float, float] | None) -> int:
    """On how many rows an image's periods are as long as those that a network knows; its own where they are."""
    rows = int(image.shape[0])
    period = dominant_period(image) if periods else np.inf
    if periods is None or not np.isfinite(period) or periods[0] / SLACK <= period <= periods[1] * SLACK:
        return rows
    scale = min(max(float(np.sqrt(periods[0] * periods[1])) / period, COARSEST), FINEST)
    return max(round(rows * scale), min(SHORTEST, rows))
