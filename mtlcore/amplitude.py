"""Amplitudes in and out: what is dead in an image, and the scale that normalises it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SPIKE = 10.0
"""Samples beyond so many times the root mean square are left out of it."""


@dataclass(frozen=True)
class Prepared:
    """An image made fit for a network.

    ``image``: normalised, finite, 0 where dead. ``scale``: multiply by it to return to the input's amplitudes.
    ``dead``: boolean, where nothing was recorded: samples that are not finite, and whole traces that are
    constant. ``report``: how many of each were found.
    """

    image: Array
    scale: float
    dead: NDArray[np.bool_]
    report: dict[str, int]


def prepare(image: Array, level: float = 1.0, live: NDArray[np.bool_] | None = None) -> Prepared:
    """Normalise an image (depth, ...) to a root mean square of ``level``; ``live`` are the traces that exist."""
    values = np.asarray(image)
    finite = np.isfinite(values)
    filled = np.where(finite, values, 0.0).astype(np.float64)
    dead_traces = np.ptp(filled, axis=0) == 0
    if live is not None:
        dead_traces |= ~live
    dead = ~finite | dead_traces[None]
    size = root_mean_square(filled[~dead])
    scale = size / level if size > 0 else 1.0
    normalised = np.where(dead, 0.0, filled / scale).astype(np.float32)
    report = {
        "traces": int(dead_traces.size),
        "dead_traces": int(dead_traces.sum()),
        "not_finite_samples": int((~finite).sum()),
    }
    return Prepared(normalised, scale, dead, report)


def root_mean_square(values: NDArray[np.float64]) -> float:
    """Root mean square without spikes, of any magnitude; 0 for nothing or for zeros alone."""
    peak = float(np.abs(values).max(initial=0.0))
    if peak == 0.0:
        return 0.0
    # Divided by the peak first: squares of 1e200 or 1e-200 leave the range of numbers.
    relative = np.abs(values / peak)
    size = float(np.sqrt(np.mean(relative**2)))
    for _ in range(20):
        kept = relative[relative <= SPIKE * size]
        smaller = float(np.sqrt(np.mean(kept**2))) if kept.size else 0.0
        if smaller == 0.0 or smaller >= size * 0.999:
            break
        size = smaller
    return size * peak
