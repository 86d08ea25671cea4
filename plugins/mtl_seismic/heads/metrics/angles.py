"""Errors of angles that are axes (0° is 180°) and of planes given by strike and dip, all in degrees."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def axial_difference(a: ArrayLike, b: ArrayLike) -> Floats:
    """Smallest angle between the axes `a` and `b`, 0 to 90 degrees; shapes broadcast."""
    turn = np.mod(np.subtract(a, b, dtype=np.float64), 180)
    return np.asarray(np.minimum(turn, 180 - turn), np.float64)


def axial_error(estimate: ArrayLike, truth: ArrayLike, mask: ArrayLike) -> dict[str, float]:
    """Axial difference of two fields of angles where `mask` is positive, e.g. of dip on the true faults.

    Arrays of one shape. `mean` is in degrees, `within_5` is the share of samples at most 5 degrees off.
    """
    estimate, truth = np.asarray(estimate), np.asarray(truth)
    counted = (np.asarray(mask) > 0) & ~np.isnan(truth)
    difference = axial_difference(estimate[counted], truth[counted])
    if difference.size == 0 or np.isnan(difference).any():
        return {"mean": math.nan, "within_5": math.nan}
    return {"mean": float(difference.mean()), "within_5": float((difference <= 5).mean())}


def plane_normal(strike: ArrayLike, dip: ArrayLike) -> Floats:
    """Unit normals, shape (3, ...): the components on (depth, x2, x3) come first.

    Strike is measured from +x3 towards +x2, dip from the horizontal, as in RGM (github.com/lanl/rgm). The
    same plane described as (strike ± 180, 180 - dip) has the opposite normal.
    """
    strike, dip = np.broadcast_arrays(np.radians(strike), np.radians(dip))
    across = np.sin(dip)
    return np.stack([-np.cos(dip), across * np.cos(strike), -across * np.sin(strike)]).astype(np.float64)


def plane_angle(strike_a: ArrayLike, dip_a: ArrayLike, strike_b: ArrayLike, dip_b: ArrayLike) -> Floats:
    """Angle between two planes, 0 to 90 degrees, whichever way each is described; shapes broadcast."""
    a, b = plane_normal(strike_a, dip_a), plane_normal(strike_b, dip_b)
    # Half the angle, from sum and difference: an arc cosine loses half the digits near 0.
    difference, total = np.linalg.norm(a - b, axis=0), np.linalg.norm(a + b, axis=0)
    half = np.arctan2(np.minimum(difference, total), np.maximum(difference, total))
    return np.asarray(np.degrees(2 * half), np.float64)
