"""Imperfect labels, as the refinement (MTR) stage is fed in training: RGM's rules, for 2D and 3D."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mtl_seismic.stochastic.draws import Array, Range, count, rescale, uniform
from mtl_seismic.stochastic.faults import Fault, trace_points
from mtl_seismic.stochastic.smoothing import smooth_noise

_KEPT_ERASED: Range = (0.05, 0.45)  # fraction of the area where true faults are erased
_FALSE_ERASED: Range = (0.85, 0.95)  # fraction of the area where false faults are erased
_THICKNESS = 3.0  # samples


def corrupted(labels: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """Return corrupted copies of an item's labels: dhr, rgt and those of faults."""
    strike = labels.get("fault_strike")
    faults = corrupt_fault(labels["fault_probability"], labels["fault_dip"], strike, rng)
    names = ("fault_probability", "fault_dip", "fault_strike")
    return {
        "dhr": corrupt_dhr(labels["dhr"], rng),
        "rgt": corrupt_rgt(labels["rgt"], rng),
        **{name: values for name, values in zip(names, faults, strict=True) if values is not None},
    }


def corrupt_rgt(rgt: Array, rng: np.random.Generator) -> Array:
    """Multiply RGT (0..1, any shape) by smooth noise of up to 10 % about 1, and clip to 0..1."""
    noise = smooth_noise(rng, rgt.shape, 5)
    noise *= np.float32(uniform(rng, (0, 0.1)) / max(float(np.abs(noise).max()), 1e-12))
    noise += 1 - noise.mean()
    noise *= rgt
    return np.clip(noise, 0, 1, out=noise)


def corrupt_dhr(dhr: Array, rng: np.random.Generator) -> Array:
    """Add noise of 5 % of the largest amplitude to an image, then fade parts of it out."""
    gate = rescale(smooth_noise(rng, dhr.shape, 5), 0, 1)
    gate[gate < 0.2] = 0
    gate[gate > 0.5] = 1
    noise = smooth_noise(rng, dhr.shape, 2)
    noise -= noise.mean()
    noise *= np.float32(0.05 * float(np.abs(dhr).max()) / max(float(np.abs(noise).max()), 1e-12))
    noise += dhr
    noise *= gate
    return noise


def corrupt_fault(
    probability: Array, dip: Array, strike: Array | None, rng: np.random.Generator
) -> tuple[Array, Array, Array | None]:
    """Erase blobs of faults and add pieces of false ones. Degrees; `strike` is None in 2D.

    About 75 % of the true fault samples stay, and about one in nine of those returned is false.
    """
    kept = erasing_mask(rng, probability.shape, uniform(rng, _KEPT_ERASED))
    added = erasing_mask(rng, probability.shape, uniform(rng, _FALSE_ERASED))
    added &= ~(kept & (probability == 1))
    where, false_dip, false_strike = _false_faults(added, rng)
    found, dips = probability * kept, dip * kept
    found[where] = 1
    dips[where] = false_dip
    if strike is None:
        return found, dips, None
    strikes = strike * kept
    strikes[where] = false_strike
    return found, dips, strikes


def erasing_mask(rng: np.random.Generator, shape: tuple[int, ...], fraction: float) -> Array:
    """Return a mask of blobs of a few samples: False on at most `fraction` of the area."""
    field = rescale(smooth_noise(rng, shape, 4), 0, 1)
    step = np.minimum((field * np.float32(1000)).astype(np.int16), 999)
    below = np.cumsum(np.bincount(step.ravel(), minlength=1000))
    return step >= np.searchsorted(below, fraction * field.size, side="right")


def _false_faults(shown: Array, rng: np.random.Generator) -> tuple[tuple[Array, ...], Array, Array]:
    """Draw false faults: return the indices of their samples among those shown, and dip and strike there."""
    faults = _drawn_2d(shown.shape, rng) if shown.ndim == 2 else _drawn_3d(shown.shape, rng)
    # Few samples are shown, so only they are traced.
    where = np.unravel_index(np.flatnonzero(shown), shown.shape)
    number = trace_points(faults, _THICKNESS, [axis.astype(np.float32) for axis in where]).number
    crossed = np.flatnonzero(number)
    angles = np.array([(fault.dip, fault.strike) for fault in faults], np.float32).take(number[crossed] - 1, axis=0)
    return tuple(axis[crossed] for axis in where), angles[:, 0], angles[:, 1]


def _drawn_2d(shape: tuple[int, ...], rng: np.random.Generator) -> Sequence[Fault]:
    return _drawn(shape, count(rng, (1, 12)), (70, 110), (5, 30), rng)


def _drawn_3d(shape: tuple[int, ...], rng: np.random.Generator) -> Sequence[Fault]:
    faults = _drawn(shape, count(rng, (6, 16)), (40, 130), (2, 20), rng)
    return [replace(fault, strike=uniform(rng, (0, 180)), rake=uniform(rng, (0, 180))) for fault in faults]


def _drawn(shape: tuple[int, ...], number: int, dip: Range, slip: Range, rng: np.random.Generator) -> list[Fault]:
    def drawn(sense: float) -> Fault:
        anchor = tuple(uniform(rng, (0.05 * size, 0.95 * size)) for size in shape)
        return Fault(uniform(rng, dip), sense * uniform(rng, slip), anchor)

    return [drawn(-1.0 if k % 2 == 0 else 1.0) for k in range(number)]
