"""Stratigraphic columns: log impedance of beds as a function of the depositional coordinate and of space."""

from collections.abc import Sequence

import numpy as np

from mtl_seismic.stochastic.draws import Array, white
from mtl_seismic.stochastic.smoothing import kernel, smooth
from mtl_seismic.synth.field_draws import Channel, Draws

FINENESS = 8  # entries of the column per sample
PATTERNS = 3  # independent ways in which beds vary laterally


def column(draws: Draws, size: int, rng: np.random.Generator) -> Array:
    """Return the log impedance of a column of `size` samples, float32 (1 + PATTERNS, size * FINENESS).

    The first row is what a bed is everywhere, the others how it follows each lateral pattern. Beds have random
    thickness and contrast, and packages of beds differ in contrast, which gives reflectivity a spectrum that
    rises with frequency up to the thickness of beds, and strong events among quiet intervals.
    """
    thickness = max(draws.bed_thickness, 2 / FINENESS)
    beds = int(size / thickness * 1.5) + 8
    tops = np.cumsum(rng.gamma(3, thickness / 3, beds))
    bed = np.searchsorted(tops, np.arange(size * FINENESS) / FINENESS).clip(0, beds - 1)
    # Uniform, not normal: a few extreme beds would outshine all others, which processing prevents in field data.
    values = rng.uniform(-1.7, 1.7, (1 + PATTERNS, beds)) * _package_contrast(draws, tops, rng)
    varying = draws.lateral_change
    values[0] *= np.sqrt(1 - varying**2)
    values[1:] *= varying / np.sqrt(PATTERNS)
    result = _without_aliases(values[:, bed])
    return result / float(np.sqrt(np.square(result).sum(axis=0).mean()))


def _package_contrast(draws: Draws, tops: Array, rng: np.random.Generator) -> Array:
    packages = int(tops[-1] / draws.package_thickness * 2) + 8
    bases = np.cumsum(rng.exponential(draws.package_thickness, packages))
    contrast = np.exp(draws.package_contrast * rng.standard_normal(packages))
    package: Array = contrast[np.searchsorted(bases, tops).clip(0, packages - 1)]
    return package


def _without_aliases(values: Array) -> Array:
    """Average the column over about a sample, so that reading it once per sample loses no bed."""
    weights = kernel(0.4 * FINENESS)
    half = len(weights) // 2
    padded = np.pad(values, ((0, 0), (half, half)), mode="edge")
    return np.array([np.convolve(row, weights, "valid") for row in padded], np.float32)


def lateral_patterns(draws: Draws, lateral: tuple[int, ...], rng: np.random.Generator) -> list[Array]:
    """Return smooth maps over the lateral axes, of about unit standard deviation and within 1.5 of 0."""
    maps = [smooth(white(rng, lateral), draws.lateral_sigma) for _ in range(PATTERNS)]
    return [np.clip(values / max(float(values.std()), 1e-6), -1.5, 1.5) for values in maps]


def impedance(columns: Array, patterns: Sequence[Array], deposit: Array, lateral: Sequence[Array]) -> Array:
    """Look up log impedance at depositional coordinates (samples) and lateral positions before deformation."""
    index = (deposit * np.float32(FINENESS)).astype(np.intp)
    np.clip(index, 0, columns.shape[1] - 1, out=index)
    # What belongs to one sample lies side by side, to be read at once.
    parts = np.ascontiguousarray(columns.T).take(index, axis=0)
    shares = np.stack([np.ones_like(patterns[0]), *patterns], axis=-1).reshape(-1, 1 + PATTERNS)
    parts *= shares.take(_nearest_column(patterns[0].shape, lateral), axis=0)
    values: Array = parts[..., 0] + parts[..., 1]
    for k in range(2, 1 + PATTERNS):
        values += parts[..., k]
    return values


def _nearest_column(sizes: Sequence[int], lateral: Sequence[Array]) -> Array:
    rounded = [(at + np.float32(0.5)).astype(np.intp) for at in lateral]
    parts = [np.clip(at, 0, size - 1) for at, size in zip(rounded, sizes, strict=True)]
    return parts[0] if len(parts) == 1 else parts[0] * sizes[1] + parts[1]


def add_channel(channel: Channel, values: Array, deposit: Array, lateral: Sequence[Array]) -> None:
    """Add a channel's contrast to log impedance, in place; all arrays of one shape, coordinates before deformation."""
    near = np.flatnonzero(np.abs(deposit - np.float32(channel.top + channel.depth / 2)) < channel.depth / 2 + 1)
    below = deposit.take(near) - np.float32(channel.top)
    aside = lateral[channel.across - 1].take(near) - np.float32(channel.at)
    if len(lateral) == 2:
        along = lateral[2 - channel.across].take(near) * np.float32(2 * np.pi / channel.wavelength)
        aside -= np.float32(channel.swing) * np.sin(along + np.float32(channel.phase))
    base = channel.depth * (1 - np.square(aside / np.float32(channel.half_width)))
    inside = np.clip(below + np.float32(0.5), 0, 1) * np.clip(base - below + np.float32(0.5), 0, 1)
    values.reshape(-1)[near] += np.float32(channel.contrast) * inside
