"""How far a horizon can be trusted, pick by pick: 0..1, the least of what the evidence says.

- Steadiness: how the step of time across the horizon compares with its surroundings, r or 1/r, whichever is
  below 1. Where time hurries a fault or hiatus is near; where it stands still the depth is ill-defined.
- No fault: 1 - fault probability, where the result has one.
- Agreement with the image: the correlation of the image around the horizon, ``HALF_WINDOW`` samples up and
  down, with the mean of its neighbours' along the horizon (up to ``REACH`` traces on each horizontal axis),
  0 where it is negative. A horizon that slips to another phase loses it; so does one in plain noise.

What there is no evidence on is left out. All of it is local: a horizon that is carried to a wrong reflector
across a fault looks as good on both sides of it. It is no probability, and ranks picks only weakly: on the one
synthetic section looked at, with a half-trained network (35 % of picks within 2 samples of the truth), that was
26 % in the worst quarter and 39 % in the best. Nearly all of this came from the fault probability; agreement
with the image alone gave 30 and 38 %, steadiness nothing (34 and 34 %).
"""

from __future__ import annotations

import numpy as np

from mtl_seismic.interpret.horizons.crossing import Floats, Traces, sample

HALF_WINDOW = 6
REACH = 2


def assess(
    depth: Floats, steps: Floats, image: Traces | None, fault: Traces | None, lateral: tuple[int, ...]
) -> Floats:
    """Quality (value, trace) of depths (value, trace), NaN where they are; ``lateral``: the traces' arrangement."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quality = np.minimum(steps, 1 / steps)
    if fault is not None:
        quality = np.fmin(quality, 1 - sample(fault, depth))
    if image is not None:
        for horizon, at in enumerate(depth):
            quality[horizon] = np.fmin(quality[horizon], agreement(at, image, lateral))
    return np.where(np.isnan(depth), np.nan, np.clip(np.nan_to_num(quality), 0, 1))


def agreement(depth: Floats, image: Traces, lateral: tuple[int, ...]) -> Floats:
    """Correlation (trace) of each trace's image around one horizon with its neighbours'; NaN without any."""
    offsets = np.arange(-HALF_WINDOW, HALF_WINDOW + 1)[:, None]
    waveforms = sample(image, depth + offsets)
    # Beyond the volume's ends there is nothing to compare; the rest of the window still counts.
    outside = np.isnan(waveforms)
    waveforms[outside] = 0
    waveforms = _unit(waveforms).reshape(-1, *lateral)
    mean = _neighbours(waveforms)
    product = (waveforms * _unit(mean)).sum(axis=0).reshape(-1)
    alone = ~mean.any(axis=0).reshape(-1) | outside.all(axis=0)
    return np.where(alone, np.nan, np.clip(product, 0, 1))


def _neighbours(waveforms: Floats) -> Floats:
    """Sum over the traces around each one."""
    total = np.zeros_like(waveforms)
    for axis in range(1, waveforms.ndim):
        size = waveforms.shape[axis]
        for distance in range(1, min(REACH, size - 1) + 1):
            first = (slice(None),) * axis + (slice(0, size - distance),)
            second = (slice(None),) * axis + (slice(distance, size),)
            total[first] += waveforms[second]
            total[second] += waveforms[first]
    return total


def _unit(vectors: Floats) -> Floats:
    """Vectors along axis 0 of length 1, those of 0 as they are."""
    length = np.sqrt((vectors**2).sum(axis=0))
    return np.asarray(vectors / np.where(length > 0, length, 1))
