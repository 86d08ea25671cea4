"""Gaussian smoothing and other separable operators, applied as one matrix per axis.

On the axis lengths of training items a matrix product is several times faster than a convolution, treats the
boundary exactly, and gives the same bits whatever the number of threads.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from mtl_seismic.stochastic.draws import Array, nearest, white


def kernel(sigma: float) -> Array:
    """Return RGM's smoothing weights: a Gaussian of `sigma` samples cut at three sigma, of sum 1."""
    half = nearest(3 * sigma + (0.3 if sigma < 4 else 0.5))
    phi = 2 * np.pi / (2 * half + 1)
    lag = np.arange(-half, half + 1)
    terms = [np.exp(-((m * sigma * phi) ** 2) / 2) * np.cos(m * phi * lag) for m in (1, 2)]
    weights: Array = (1 + 2 * (terms[0] + terms[1])) / (2 * half + 1)
    return weights


def mirrored(position: Array, size: int) -> Array:
    """Fold integer positions into 0..size-1, mirroring without repeating the edge sample."""
    period = max(2 * (size - 1), 1)
    folded = np.abs(position) % period
    return np.minimum(folded, period - folded) if size > 1 else np.zeros_like(position)


@lru_cache(maxsize=32)
def smoothing_matrix(size: int, sigma: float) -> Array:
    """Return the (size, size) float32 matrix that smooths one axis, with mirrored boundaries (read-only)."""
    weights = kernel(sigma)
    half = len(weights) // 2
    rows = np.arange(size)[:, None]
    columns = mirrored(rows + np.arange(-half, half + 1), size)
    flat = (rows * size + columns).ravel()
    matrix = np.bincount(flat, np.tile(weights, size), size * size)
    result: Array = matrix.reshape(size, size).astype(np.float32)
    result.flags.writeable = False
    return result


def along_axis(matrix: Array, values: Array, axis: int) -> Array:
    """Multiply `values` by a (new, old) matrix along one axis."""
    if axis == values.ndim - 1:
        return values @ matrix.T
    before = int(np.prod(values.shape[:axis]))
    product = matrix @ values.reshape(before, values.shape[axis], -1)
    return product.reshape(*values.shape[:axis], len(matrix), *values.shape[axis + 1 :])


def smooth(values: Array, sigma: float | Sequence[float]) -> Array:
    """Smooth a field of any dimension by a Gaussian; `sigma` in samples, one or one per axis (0: none)."""
    if values.ndim == 1:
        return _smooth_line(values, float(np.max(sigma)))
    sigmas = [sigma] * values.ndim if isinstance(sigma, int | float) else sigma
    for axis, width in enumerate(sigmas):
        if width > 0:
            values = along_axis(smoothing_matrix(values.shape[axis], width), values, axis)
    return values


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Array:
    """Return normal noise of two or three dimensions smoothed by `sigma` samples, of no particular scale.

    It is drawn on a grid of a step of at most sigma: away from edges its variance is even within 0.04 %, as good as
    if every sample were drawn, in a fraction of the time.
    """
    operators = [_interpolating_matrix(size, sigma) for size in shape]
    values = white(rng, tuple(operator.shape[1] for operator in operators))
    for axis, operator in enumerate(operators):
        values = along_axis(operator, values, axis)
    return values


@lru_cache(maxsize=32)
def _interpolating_matrix(size: int, sigma: float) -> Array:
    """Return the columns of the smoothing matrix that belong to the samples of a coarse grid (read-only)."""
    result: Array = np.ascontiguousarray(smoothing_matrix(size, sigma)[:, :: max(1, int(sigma))])
    result.flags.writeable = False
    return result


def _smooth_line(values: Array, sigma: float) -> Array:
    if sigma <= 0:
        return values
    weights = kernel(sigma)
    half = len(weights) // 2
    padded = values[mirrored(np.arange(-half, len(values) + half), len(values))]
    return np.convolve(padded, weights, "valid").astype(values.dtype)
