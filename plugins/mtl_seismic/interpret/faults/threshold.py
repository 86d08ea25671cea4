"""From which probability on thinned samples are faults: a number, or one that the probabilities themselves give."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.thinning import Points, checked, slab_window, slabs
from mtlcore.io.volume import Volume

BINS = 1000
LEAST = 0.01
"""No threshold below it: ridges of so low a probability are of the ground everywhere."""
DEFAULT = 0.5
"""Where there is nothing to go by."""
PROBABILITIES = (0.005, 0.015, 0.035, 0.075, 0.15, 0.25, 0.4, 0.55, 0.65, 0.75, 0.85, 0.935, 0.985)
SHARES = (0.17, 0.25, 0.30, 0.34, 0.44, 0.50, 0.60, 0.61, 0.69, 0.73, 0.81, 0.87, 0.987)
"""Of ridges of such probabilities, the share that lies within 2 samples of a fault: the packaged 2D model on items of
rgm2d and of field2d with traces one and three rows apart, in about equal parts (tests/benchmarks/thresholds.py). Away
from what it was trained on a network is less sure of more faults, and a ridge of low probability is as often right."""
Counts = NDArray[np.int64]


def count(probability: Volume) -> Counts:
    """How many samples have a probability of k / BINS to (k + 1) / BINS, read slab by slab; dead ones (0) left out."""
    counts = np.zeros(BINS, np.int64)
    for start, stop in slabs(probability.shape):
        values = checked(probability.read(slab_window(probability.shape, start, stop)))
        counts += _histogram(values[values > 0])
    return counts


def count_ridges(parts: Iterable[Points]) -> Counts:
    """How many thinned samples have such a probability."""
    counts = np.zeros(BINS, np.int64)
    for part in parts:
        counts += _histogram(part.probability)
    return counts


def automatic(ridges: Counts) -> float:
    """The threshold of the greatest F1 to expect of thinned samples, from how many have which probability.

    With SHARES as those of true ones, ridges from a threshold on have an expected F1 of twice the sum of their shares
    over their number plus the sum of the shares of all (Lipton, Elkan and Naryanaswamy 2014, arXiv:1402.1892).
    """
    share = np.interp((np.arange(BINS) + 0.5) / BINS, PROBABILITIES, SHARES)
    found, number = (np.cumsum(values[::-1])[::-1] for values in (ridges * share, ridges))
    if not number[0]:
        return DEFAULT
    expected = 2 * found / np.maximum(number + found[0], 1e-12)
    return max(float(np.argmax(expected)) / BINS, LEAST)


def of_density(counts: Counts, density: float) -> float:
    """The threshold from which on a share ``density`` of the samples are faults."""
    number = np.cumsum(counts[::-1])[::-1]
    reached = number >= density * max(int(number[0]), 1)
    return float(max(int(np.flatnonzero(reached)[-1]), 1) / BINS) if reached.any() else DEFAULT


def _histogram(values: NDArray[np.floating]) -> Counts:
    return np.bincount(np.clip(values * BINS, 0, BINS - 1).astype(np.intp), minlength=BINS).astype(np.int64)
