"""Random draws that depend on (seed, index, purpose) alone, so that items can be made in any order."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Range = tuple[float, float]


def stream(seed: int, index: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose within item (seed, index).

    Every purpose has a stream of its own: drawing more for one of them, or leaving it out, changes no other.
    """
    return np.random.default_rng([seed, index, zlib.crc32(purpose.encode())])


def uniform(rng: np.random.Generator, bounds: Range) -> float:
    """Draw a float from U(low, high)."""
    return float(rng.uniform(*bounds))


def log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    """Draw a float whose logarithm is uniform between those of the bounds."""
    return float(np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]))))


def nearest(value: float) -> int:
    """Round half away from zero, as Fortran's nint does."""
    return int(np.copysign(np.floor(abs(value) + 0.5), value))


def count(rng: np.random.Generator, bounds: Range) -> int:
    """Draw nint(U(low, high)): the two end values have half the probability of the inner ones, as in RGM."""
    return nearest(rng.uniform(*bounds))


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Draw True with the given probability."""
    return bool(rng.random() < probability)


def choice(rng: np.random.Generator, names: Sequence[str]) -> str:
    """Draw one of the names, each equally likely."""
    return names[int(rng.integers(len(names)))]


def white(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return a float32 field of standard normal values."""
    return rng.standard_normal(shape, dtype=np.float32)


def raw_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return white float32 noise within -0.5..0.5, for fields that are smoothed over many samples.

    Their law is then normal anyhow, and uniform values are drawn several times faster than normal ones.
    """
    noise = rng.random(shape, dtype=np.float32)
    noise -= np.float32(0.5)
    return noise


def rescale(values: Array, low: float, high: float) -> Array:
    """Map values affinely so that the smallest becomes `low`, the largest `high` (all `low` if constant)."""
    smallest = values.min()
    span = float(values.max() - smallest)
    relative: Array = (values - smallest) / (span if span > 0 else 1.0)
    return relative if (low, high) == (0, 1) else relative * (high - low) + low
