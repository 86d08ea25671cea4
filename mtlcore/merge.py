"""How several predictions of one sample become one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtlcore.interfaces import Output


def merge_output(output: Output, variants: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of several arrays of one output: plain, or axial (degrees that are the same at 0 and 180)."""
    if output.merge == "axial":
        return axial_mean(variants)
    return np.asarray(np.mean(variants, axis=0), dtype=np.float32)


def axial_mean(
    variants: Sequence[NDArray[np.float32]], weights: Sequence[NDArray[np.float32]] | None = None
) -> NDArray[np.float32]:
    """Mean direction in degrees, 0..180, of axes (directions without a sign): by doubled angles (Mardia 1972)."""
    doubled = np.deg2rad(np.asarray(variants, dtype=np.float64)) * 2
    weight = np.ones(1) if weights is None else np.asarray(weights, dtype=np.float64)
    sine, cosine = (np.sin(doubled) * weight).sum(0), (np.cos(doubled) * weight).sum(0)
    return np.asarray(np.rad2deg(np.arctan2(sine, cosine)) / 2 % 180, dtype=np.float32)
