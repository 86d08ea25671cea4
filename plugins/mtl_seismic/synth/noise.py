"""Random noise of RGM: a smoothed white field, scaled by its largest value."""

from collections.abc import Sequence

import numpy as np

from mtl_seismic.stochastic.draws import Array
from mtl_seismic.stochastic.smoothing import smooth

DISTRIBUTIONS = ("uniform", "normal", "exp")


def random_noise(rng: np.random.Generator, shape: tuple[int, ...], kind: str, smoothing: Sequence[float]) -> Array:
    """Return float32 noise of zero mean whose largest magnitude is 1; smoothing in samples per axis."""
    field = smooth(_white(rng, shape, kind), smoothing)
    field -= field.mean()
    field /= max(float(np.abs(field).max()), 1e-12)
    return field


def _white(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> Array:
    if kind == "uniform":
        return rng.random(shape, dtype=np.float32)
    if kind == "normal":
        return rng.standard_normal(shape, dtype=np.float32)
    return rng.standard_exponential(shape, dtype=np.float32)
