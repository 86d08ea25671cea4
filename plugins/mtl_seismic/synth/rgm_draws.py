"""What is drawn for one item of RGM's recipes: every scalar, apart from the random fields."""

from dataclasses import dataclass, replace

import numpy as np

from mtl_seismic.stochastic.draws import Range, choice, count, happens, stream, uniform
from mtl_seismic.stochastic.faults import Fault
from mtl_seismic.synth.recipes import Rgm
from mtl_seismic.synth.reflectors import Bump, Folding


@dataclass(frozen=True)
class Unit:
    """One sedimentary unit: its folding and its faults, oldest first."""

    folding: Folding
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Boundary:
    """An unconformity: its least depth and its relief, in samples."""

    depth: float
    relief: float


@dataclass(frozen=True)
class Draws:
    """One item. `units` run from the shallowest down, one more than `boundaries`."""

    frequency: float
    layers: float
    normal_amplitudes: bool
    wavelet: str
    blur: float
    noise_level: float
    noise_kind: str
    noise_smoothing: tuple[float, ...]
    boundaries: tuple[Boundary, ...]
    units: tuple[Unit, ...]


def draw(recipe: Rgm, seed: int, index: int) -> Draws:
    """Draw item `index`; it depends on (recipe, seed, index) alone."""
    rng = stream(seed, index, "parameters")
    frequency = uniform(rng, recipe.frequency)
    boundaries = _boundaries(recipe, rng)
    lowest = Unit(_folding(recipe, rng), _faults(recipe, rng))
    upper = [Unit(_calmer(recipe, lowest.folding, rng), ()) for _ in boundaries]
    return Draws(
        frequency=frequency,
        layers=_layers(recipe, frequency),
        normal_amplitudes=happens(rng, recipe.normal_amplitude_probability),
        wavelet=choice(rng, recipe.wavelets),
        blur=uniform(rng, recipe.blur),
        noise_level=uniform(rng, recipe.noise_level),
        noise_kind=choice(rng, recipe.noise_kinds),
        noise_smoothing=tuple(_noise_smoothing(recipe.noise_smoothing, rng) for _ in recipe.shape),
        boundaries=boundaries,
        units=(*upper, lowest),
    )


def _layers(recipe: Rgm, frequency: float) -> float:
    """Return the number of layers in the image: finer where the wavelet can show it."""
    (low, high), (fewest, most) = recipe.frequency, recipe.layers
    along = (frequency - low) / (high - low) if high > low else 0.0
    return (fewest + (most - fewest) * along) * recipe.shape[0] / 360


def _noise_smoothing(bounds: Range, rng: np.random.Generator) -> float:
    sigma = uniform(rng, bounds)
    return sigma if sigma >= 0.5 else 0.0


def _boundaries(recipe: Rgm, rng: np.random.Generator) -> tuple[Boundary, ...]:
    if not happens(rng, recipe.unconformity_probability):
        return ()
    number, size = count(rng, recipe.unconformity_count), recipe.shape[0]
    depths = sorted(uniform(rng, recipe.unconformity_depth) * size for _ in range(number))
    return tuple(Boundary(depth, uniform(rng, recipe.unconformity_relief) * size) for depth in depths)


def _folding(recipe: Rgm, rng: np.random.Generator) -> Folding:
    gaussian = happens(rng, recipe.gaussian_probability)
    height = uniform(rng, recipe.gaussian_height if gaussian else recipe.random_height)
    bumps = count(rng, recipe.gaussian_count) if gaussian else 0
    return Folding(
        height=height,
        smoothing=uniform(rng, recipe.random_smoothing),
        bumps=tuple(_bump(recipe, height, rng) for _ in range(bumps)),
        slope=tuple(uniform(rng, recipe.slope) for _ in recipe.shape[1:]),
        secondary=uniform(rng, recipe.secondary_height),
        growth=uniform(rng, recipe.gaussian_growth if gaussian else recipe.random_growth),
    )


def _bump(recipe: Rgm, height: float, rng: np.random.Generator) -> Bump:
    lateral = recipe.shape[1:]
    return Bump(
        centre=tuple(uniform(rng, (0, size - 1)) for size in lateral),
        sigma=tuple(uniform(rng, recipe.gaussian_sigma) for _ in lateral),
        height=uniform(rng, (0, height)),
    )


def _calmer(recipe: Rgm, lowest: Folding, rng: np.random.Generator) -> Folding:
    """Return the folding of a unit above an unconformity: lower than the lowest unit's, and tilted the other way."""
    height = lowest.height / 2
    bumps = count(rng, recipe.gaussian_count) if lowest.bumps else 0
    return replace(
        lowest,
        height=height,
        bumps=tuple(_bump(recipe, height, rng) for _ in range(bumps)),
        slope=tuple(-rise / 4 for rise in lowest.slope),
        growth=lowest.growth / 2,
    )


def _faults(recipe: Rgm, rng: np.random.Generator) -> tuple[Fault, ...]:
    if happens(rng, recipe.regular_probability):
        return _regular_faults(recipe, count(rng, recipe.regular_faults), rng)
    return irregular_faults(recipe, rng)


def irregular_faults(recipe: Rgm, rng: np.random.Generator) -> tuple[Fault, ...]:
    """Draw faults anywhere in the image that move up and down in turn."""
    number = count(rng, recipe.faults)
    return tuple(_irregular_fault(recipe, -1.0 if k % 2 == 0 else 1.0, rng) for k in range(number))


def _irregular_fault(recipe: Rgm, sense: float, rng: np.random.Generator) -> Fault:
    depth, *lateral = recipe.shape
    margin = min(5.0, depth / 4)
    anchor = (
        uniform(rng, (margin, depth + 2 - margin)),
        *(uniform(rng, (0.05 * n, 0.95 * n + 2)) for n in lateral),
    )
    fault = Fault(uniform(rng, recipe.dip), sense * uniform(rng, recipe.displacement), anchor)
    if len(lateral) == 1:
        return fault
    return replace(fault, strike=uniform(rng, recipe.strike), rake=uniform(rng, recipe.rake))


def _regular_faults(recipe: Rgm, number: int, rng: np.random.Generator) -> tuple[Fault, ...]:
    """Draw a set that alternates between two families, each of nearly one dip and one displacement."""
    away, towards = 180 - uniform(rng, recipe.regular_dip), uniform(rng, recipe.regular_dip)
    slip = recipe.regular_displacement
    dips, slips = ((away, towards), (slip, -slip)) if happens(rng, 0.5) else ((towards, away), (-slip, slip))
    first = (number + 1) // 2
    spreads = (recipe.regular_dip_spread, recipe.regular_displacement_spread)
    jitter = [tuple(uniform(rng, spread) for spread in spreads) for _ in range(first)]
    faults = []
    for k, at in enumerate(_regular_positions(recipe, number, rng)):
        family, (of_dip, of_slip) = int(k >= first), jitter[k % first]
        anchor = (recipe.shape[0] / 2, at, *(size / 2 for size in recipe.shape[2:]))
        faults.append(Fault(dips[family] * of_dip, slips[family] * of_slip, anchor))
    return tuple(faults)


def _regular_positions(recipe: Rgm, number: int, rng: np.random.Generator) -> list[float]:
    gaps = np.sort(rng.uniform(*recipe.regular_gap, number))
    return [float(at) for at in rng.permutation(np.cumsum(gaps) * (recipe.shape[1] + 2) / gaps.sum())]
