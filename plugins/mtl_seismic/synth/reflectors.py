"""Layers of one sedimentary unit: the shape that its reflectors share, and the reflectivity across them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtl_seismic.stochastic.draws import Array, nearest, rescale, white
from mtl_seismic.stochastic.faults import Traced
from mtl_seismic.stochastic.smoothing import smooth


@dataclass(frozen=True)
class Bump:
    """A Gaussian anticline; centre and sigma in samples along each lateral axis, height in samples."""

    centre: tuple[float, ...]
    sigma: tuple[float, ...]
    height: float


@dataclass(frozen=True)
class Folding:
    """The reflectors' shape. Lengths in samples; `slope` is the rise across the image, per lateral axis.

    Without bumps the shape is smoothed noise of the given height and `smoothing`. `secondary` is the relative
    height of small undulations, `growth` the thickening of layers where the reflectors are deepest.
    """

    height: float
    smoothing: float
    bumps: tuple[Bump, ...]
    slope: tuple[float, ...]
    secondary: float
    growth: float


@dataclass(frozen=True)
class Columns:
    """Lookup of layers: the log position at row z of the image in column c is `stretch[c] * z + start[c]`."""

    stretch: Array
    start: Array
    origin: tuple[int, ...]


def shape_of(
    folding: Folding,
    lateral: tuple[int, ...],
    origin: Sequence[int],
    image: Sequence[int],
    rng: np.random.Generator,
) -> Array:
    """Return the depth of a reflector relative to its mean, in samples, over a padded lateral grid.

    `origin` is where the image of lateral size `image` begins in that grid.
    """
    grid = [axis - start for axis, start in zip(np.ogrid[*map(slice, lateral)], origin, strict=True)]
    if folding.bumps:
        shape = -sum((_bump(bump, grid) for bump in folding.bumps), np.zeros(lateral))
    else:
        shape = rescale(smooth(white(rng, lateral), folding.smoothing), 0, folding.height)
    secondary = smooth(white(rng, lateral), folding.smoothing / 5)
    shape = shape + rescale(secondary, folding.secondary * shape.min(), folding.secondary * shape.max())
    slopes = [axis * (rise / size) for axis, rise, size in zip(grid, folding.slope, image, strict=True)]
    shape = sum(slopes, shape)
    centred: Array = shape - shape.mean()
    return centred


def _bump(bump: Bump, grid: Sequence[Array]) -> Array:
    parts = [((axis - at) / width) ** 2 / 2 for axis, at, width in zip(grid, bump.centre, bump.sigma, strict=True)]
    return rescale(np.exp(-sum(parts[1:], parts[0])), 0, bump.height)


def columns(shape: Array, growth: float, origin: Sequence[int]) -> Columns:
    """Return where the log lies in each column; `origin` gives the image's first sample in the padded grid.

    The log hangs from the top of the padded grid, so layers thicken downwards from there.
    """
    thickness = rescale(shape, 1, 1 + growth).ravel()
    depth = shape.ravel()
    top = np.floor(np.abs(depth) + 0.5) * np.sign(depth)
    stretch = 1 / thickness
    start = top - depth + (origin[0] - top) * stretch
    return Columns(stretch.astype(np.float32), start.astype(np.float32), tuple(origin))


def log_position(layers: Columns, traced: Traced, rows: range, padded: Sequence[int]) -> Array:
    """Return the log position of every sample of `rows`, in samples; `padded` is the padded lateral shape."""
    shape = traced.block.shape
    lateral = np.ravel_multi_index(
        [axis + start for axis, start in zip(np.ogrid[*map(slice, shape[1:])], layers.origin[1:], strict=True)],
        tuple(padded),
    )
    strides = np.cumprod([1, *padded[:0:-1]])[::-1]
    column = lateral - (traced.shifts[:, 1:] @ strides).take(traced.block)
    depth = np.arange(rows.start, rows.stop, dtype=np.float32).reshape(-1, *[1] * (len(shape) - 1))
    depth = depth - traced.shifts[:, 0].astype(np.float32).take(traced.block)
    depth *= layers.stretch.take(column)
    depth += layers.start.take(column)
    return depth


def reflectivity_log(size: int, layers: int, normal: bool, rng: np.random.Generator) -> Array:
    """Return a float32 log of `size` samples: quasi-regular interfaces of amplitude 0.1..1, half negative.

    Magnitudes are uniform, or normal and rescaled so that they span the range.
    """
    layers = max(layers, 1)
    thickness = (size - 1) / layers
    positions = np.linspace(1, size - 2 * thickness / 3, layers) + rng.uniform(0, 2 * thickness / 3, layers)
    magnitudes = rescale(rng.standard_normal(layers), 0.1, 1) if normal else rng.uniform(0.1, 1, layers)
    magnitudes[nearest(layers / 2) :] *= -1
    log = np.zeros(size, np.float32)
    log[np.clip(np.floor(positions + 0.5).astype(int) - 1, 0, size - 1)] = rng.permutation(magnitudes)
    return log


def sample_log(log: Array, position: Array) -> Array:
    """Interpolate a log linearly at positions given in samples; beyond its ends there is nothing."""
    padded = np.concatenate([[0], log, [0, 0]], dtype=np.float32)
    position = np.clip(position, -1, len(log)) + np.float32(1)
    index = position.astype(np.intp)
    position -= index
    position *= np.diff(padded).take(index)
    position += padded.take(index)
    return position
