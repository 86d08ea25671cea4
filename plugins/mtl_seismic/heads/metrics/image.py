"""How close a predicted image or field is to the true one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]

RADIUS = 5  # 11 taps, as in Wang et al. 2004
_offsets = np.arange(-RADIUS, RADIUS + 1)
WINDOW: Floats = np.exp(-0.5 * (_offsets / 1.5) ** 2)
WINDOW /= WINDOW.sum()


def signal_to_noise(estimate: Array, truth: Array) -> float:
    """Signal-to-noise ratio in dB after the best scalar, for fields whose amplitude is arbitrary.

    The estimate is first multiplied by the least-squares scale onto the truth; the result is therefore never
    below 0 and blind to a reversed polarity. Arrays of one shape. Infinite for a perfect estimate, NaN where
    the truth is zero.
    """
    estimate, truth = _labelled(estimate, truth)
    energy = float(estimate @ estimate)
    scale = float(estimate @ truth) / energy if energy != 0 else 0.0
    residual = truth - scale * estimate
    return _decibels(float(truth @ truth), float(residual @ residual))


def peak_signal_to_noise(estimate: Array, truth: Array) -> float:
    """Peak signal-to-noise ratio in dB: peak squared over the mean squared error, without any rescaling.

    The peak is max|truth| over the labelled samples: 1 for RGT, and half the peak-to-peak range (6 dB below
    tools that take the full range) for a symmetric reflectivity. Arrays of one shape. Infinite for a perfect
    estimate.
    """
    estimate, truth = _labelled(estimate, truth)
    if truth.size == 0:
        return math.nan
    return _decibels(float(np.abs(truth).max()) ** 2, float(np.square(estimate - truth).mean()))


def structural_similarity(estimate: Array, truth: Array, data_range: float) -> float:
    """Mean structural similarity (SSIM), 1 for a perfect estimate.

    Gaussian window with sigma 1.5 and 11 taps along every axis, K1 = 0.01, K2 = 0.03, population covariance.
    Only windows wholly inside the array count ("valid" borders), which is the mean that scikit-image reports.
    Inside a window the unlabelled samples have no weight, and windows centred on one are skipped.
    `data_range` is the span of possible values, e.g. 1 for RGT. NaN where an axis is shorter than the window.
    Source: Wang et al. 2004, IEEE TIP 13(4).
    """
    inside = (slice(RADIUS, -RADIUS),) * truth.ndim
    labelled = ~np.isnan(truth)
    centres = labelled[inside]
    if not centres.any() or not data_range > 0:
        return math.nan
    similarity = _similarity_map(estimate, truth, labelled, data_range)
    return float(similarity.mean() if centres.all() else similarity[centres].mean())


def _similarity_map(estimate: Array, truth: Array, labelled: Array, data_range: float) -> Floats:
    """SSIM of every window inside the array; meaningless where the centre is unlabelled."""
    complete = bool(labelled.all())
    a, b = (np.asarray(x if complete else np.where(labelled, x, 0), np.float64) for x in (estimate, truth))
    means = [_blur(x) for x in (a, b, a * a + b * b, a * b)]
    if not complete:
        # A labelled centre weighs 0.01 or more even in 3D: the floor touches only windows that are skipped.
        weight = np.maximum(_blur(labelled.astype(np.float64)), 1e-6)
        means = [mean / weight for mean in means]
    mean_a, mean_b, mean_squares, mean_product = means
    squares, product = mean_a**2 + mean_b**2, mean_a * mean_b
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (2 * product + c1) * (2 * (mean_product - product) + c2)
    return np.asarray(similarity / ((squares + c1) * (mean_squares - squares + c2)), np.float64)


def _blur(field: Floats) -> Floats:
    """Gaussian-weighted mean of every window inside the array: each axis loses 10 samples."""
    for axis in range(field.ndim):
        lines = np.moveaxis(field, axis, 0)
        size = len(lines) - 2 * RADIUS
        blurred = WINDOW[RADIUS] * lines[RADIUS : RADIUS + size]
        for near in range(RADIUS):  # the window is symmetric: one product serves two taps
            far = 2 * RADIUS - near
            pair = lines[near : near + size] + lines[far : far + size]
            pair *= WINDOW[near]
            blurred += pair
        field = np.moveaxis(blurred, 0, axis)
    return field


def _labelled(estimate: Array, truth: Array) -> tuple[Floats, Floats]:
    labelled = ~np.isnan(truth)
    return estimate[labelled].astype(np.float64), truth[labelled].astype(np.float64)


def _decibels(signal: float, noise: float) -> float:
    if signal == 0:
        return math.nan
    return 10 * (math.log10(signal) - math.log10(noise)) if noise != 0 else math.inf
