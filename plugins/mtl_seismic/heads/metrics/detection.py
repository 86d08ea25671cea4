"""How well a probability finds a class of samples, such as faults."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Mask = NDArray[np.bool_]


def precision_recall(
    probability: Array, truth: Array, tolerance: float, threshold: float = 0.5
) -> tuple[float, float, float]:
    """Precision, recall and F1 with a tolerance for faults that are drawn a little off.

    A sample is detected where `probability` reaches `threshold`, true where `truth` exceeds 0.5. Precision is
    the share of detected samples within the Euclidean distance `tolerance` (in samples) of a true one, recall
    the share of true samples within it of a detected one. Arrays of one shape. Precision is NaN where nothing
    is detected; recall and F1 are NaN where nothing is true; F1 is 0 where something is true and nothing is
    detected.
    """
    labelled = ~np.isnan(truth)
    if np.isnan(probability[labelled]).any():
        return math.nan, math.nan, math.nan
    detected, true = labelled & (probability >= threshold), labelled & (truth > 0.5)
    precision = _share(_dilate(true, tolerance)[detected])
    recall = _share(_dilate(detected, tolerance)[true])
    return precision, recall, _f1(precision, recall)


def thinned_precision_recall(
    detected: Mask, truth: Array, ridges: Mask, tolerance: float
) -> tuple[float, float, float]:
    """Precision, recall and F1 of faults one sample thick: detected ones, and the ``ridges`` of the true ones.

    As in `precision_recall`; what lies where `truth` is unlabelled is left out.
    """
    labelled = ~np.isnan(truth)
    detected, ridges = detected & labelled, ridges & labelled
    precision = _share(_dilate(ridges, tolerance)[detected])
    recall = _share(_dilate(detected, tolerance)[ridges])
    return precision, recall, _f1(precision, recall)


def everything_f1(truth: Array, tolerance: float) -> float:
    """The F1 of calling every sample a fault: what a network that knows nothing reaches. NaN where nothing is true."""
    return precision_recall(np.ones(truth.shape, np.float32), truth, tolerance)[2]


def average_precision(probability: Array, truth: Array) -> float:
    """Area under the precision-recall curve as a step function: exact, with ties counted together.

    The sum over thresholds of precision times gain in recall, as in scikit-learn. Arrays of one shape; truth
    above 0.5 is true. NaN where nothing is true.
    """
    probability, true = _labelled(probability, truth)
    if not true.any() or np.isnan(probability).any():
        return math.nan
    # Recall grows only at the probability of a true sample, so these are all the thresholds that count.
    thresholds, ordered = np.sort(probability[true]), np.sort(probability)
    hits = thresholds.size - np.searchsorted(thresholds, thresholds)
    detected = ordered.size - np.searchsorted(ordered, thresholds)
    return float((hits / detected).mean())


def calibration_error(probability: Array, truth: Array, bins: int = 15) -> float:
    """Expected calibration error: the mean over samples of |mean probability - true share| in a sample's bin.

    `bins` equal bins over 0..1, each with its lower edge. Arrays of one shape; truth above 0.5 is true. 0 is
    best. Source: Naeini et al. 2015; Guo et al. 2017 ("On calibration of modern neural networks").
    """
    probability, true = _labelled(probability, truth)
    if true.size == 0 or np.isnan(probability).any():
        return math.nan
    probability = probability.astype(np.float64)
    index = np.clip(probability * bins, 0, bins - 1).astype(np.intp)
    excess = np.bincount(index, weights=probability - true)
    return float(np.abs(excess).sum() / true.size)


def _labelled(probability: Array, truth: Array) -> tuple[Array, Mask]:
    labelled = ~np.isnan(truth)
    return probability[labelled], truth[labelled] > 0.5


def _share(hits: Mask) -> float:
    return float(hits.mean()) if hits.size else math.nan


def _f1(precision: float, recall: float) -> float:
    if math.isnan(recall):
        return math.nan
    # Finding nothing (precision NaN) must not count as "undefined": a mean over items would then reward it.
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _dilate(mask: Mask, radius: float) -> Mask:
    """True within `radius` samples of a true sample."""
    reach = int(radius)
    padded = np.pad(mask, reach)
    near = np.zeros_like(mask)
    for offset in _ball(mask.ndim, radius):
        starts = (reach + shift for shift in offset)
        near |= padded[tuple(slice(s, s + size) for s, size in zip(starts, mask.shape, strict=True))]
    return near


def _ball(ndim: int, radius: float) -> Iterator[tuple[int, ...]]:
    reach = range(-int(radius), int(radius) + 1)
    return (o for o in itertools.product(reach, repeat=ndim) if sum(x * x for x in o) <= radius * radius)
