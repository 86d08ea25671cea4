"""How several predictions of one sample become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.plugin.outputs import Display, Output


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


def spread_of(output: Output, variants: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Standard deviation over variants, in the output's unit; of axial angles the circular one, in degrees.

    The circular one is that of doubled angles, halved (Mardia 1972); at most 90 degrees.
    """
    if output.merge != "axial":
        return np.asarray(np.std(variants, axis=0), dtype=np.float32)
    doubled = np.deg2rad(np.asarray(variants, dtype=np.float64)) * 2
    length = np.hypot(np.sin(doubled).mean(0), np.cos(doubled).mean(0)).clip(1e-12, 1)
    return np.asarray(np.minimum(np.rad2deg(np.sqrt(-2 * np.log(length))) / 2, 90), dtype=np.float32)


def _deeper(spread: NDArray[np.float32], factors: Sequence[float], fields: Mapping[str, Any]) -> NDArray[np.float32]:
    """A spread in samples of depth where there are so many times more; lines drawn beyond the ends may fall below 0."""
    return np.maximum(spread, 0) * np.float32(factors[0])


def spread_output(output: Output) -> Output:
    """What the spread of an output is as an output of its own."""
    return replace(
        output,
        name=f"{output.name}_uncertainty",
        description=f"spread of {output.name} over mirrored copies and copies of opposite polarity",
        unit=output.spread_unit or output.unit,
        range=None,
        mirror=None,
        stretch=_deeper if output.spread_unit == "sample" else None,
        merge="mean",
        alias=None,
        display=Display("image", "magma"),
    )
