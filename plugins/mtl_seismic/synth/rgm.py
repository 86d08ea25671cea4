"""Items of RGM's recipes, rule by rule (see recipes.py for what is drawn)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtl_seismic.stochastic.draws import Array, nearest, rescale, stream
from mtl_seismic.stochastic.faults import padding, trace_back
from mtl_seismic.stochastic.smoothing import smooth
from mtl_seismic.synth.imaging import image, normalised
from mtl_seismic.synth.labels import fault_labels, row_chunks
from mtl_seismic.synth.noise import random_noise
from mtl_seismic.synth.recipes import Rgm
from mtl_seismic.synth.reflectors import columns, log_position, reflectivity_log, sample_log, shape_of
from mtl_seismic.synth.rgm_draws import Draws, Unit, draw


@dataclass
class Rock:
    """The geology of one unit over the image: reflectivity, geologic age and fault number (0: none)."""

    reflectivity: Array
    age: Array
    number: Array


def generate_rgm(recipe: Rgm, seed: int, index: int) -> dict[str, Array]:
    """Return image and labels of one item; see `mtl_seismic.synth.generate`."""
    draws = draw(recipe, seed, index)
    rocks = [_rock(recipe, draws, unit, stream(seed, index, f"rock {k}")) for k, unit in enumerate(draws.units)]
    surfaces = [_surface(recipe, draws, k, seed, index) for k in range(len(draws.boundaries))]
    clean = [_image(recipe, draws, rock, draws.frequency * recipe.resolution_gain, 0.0) for rock in rocks]
    noisy = [_noisy(recipe, draws, rock, stream(seed, index, f"noise {k}")) for k, rock in enumerate(rocks)]
    faults = draws.units[-1].faults
    number = _below(surfaces, rocks[-1].number)
    return {
        "image": normalised(_merged(noisy, surfaces), recipe.rms),
        "dhr": normalised(_merged(clean, surfaces), recipe.rms),
        "rgt": rescale(_merged_ages([rescale(rock.age, 0, 1) for rock in rocks], surfaces), 0, 1),
        **fault_labels(number, faults),
    }


def _rock(recipe: Rgm, draws: Draws, unit: Unit, rng: np.random.Generator) -> Rock:
    shape, fold = recipe.shape, unit.folding
    origin = _origin(unit, len(shape))
    padded = [size + 2 * margin + 2 for size, margin in zip(shape, origin, strict=True)]
    layers = nearest(draws.layers * (1 + 2 * origin[0] / (padded[0] - 2 * origin[0])))
    log = reflectivity_log(padded[0], layers, draws.normal_amplitudes, rng)
    form = columns(shape_of(fold, tuple(padded[1:]), origin[1:], shape[1:], rng), fold.growth, origin)
    rock = Rock(np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.int16))
    for rows in row_chunks(shape):
        traced = trace_back(unit.faults, recipe.fault_thickness, rows, shape[1:], recipe.centred_faults)
        here = slice(rows.start, rows.stop)
        rock.age[here] = log_position(form, traced, rows, padded[1:])
        rock.reflectivity[here] = sample_log(log, rock.age[here])
        rock.number[here] = traced.number
    return rock


def _origin(unit: Unit, ndim: int) -> list[int]:
    """Return how far the grid of the layers reaches beyond the image, in samples, per axis."""
    depth, *lateral = padding(unit.faults, ndim)
    fold = unit.folding
    depth = max(depth, int(np.ceil(sum(abs(rise) for rise in fold.slope))))
    return [int(depth + fold.height * (1 + fold.secondary)), *lateral]


def _image(recipe: Rgm, draws: Draws, rock: Rock, frequency: float, blur: float) -> Array:
    blurs = [blur] * (len(recipe.shape) - 1)
    return image(rock.reflectivity, draws.wavelet, frequency, blurs, recipe.half_sample_shift)


def _noisy(recipe: Rgm, draws: Draws, rock: Rock, rng: np.random.Generator) -> Array:
    signal = _image(recipe, draws, rock, draws.frequency, draws.blur)
    noise = random_noise(rng, recipe.shape, draws.noise_kind, draws.noise_smoothing)
    noise *= np.float32(draws.noise_level * float(np.abs(signal).max()))
    noise += signal
    return noise


def _surface(recipe: Rgm, draws: Draws, number: int, seed: int, index: int) -> Array:
    """Return the depth of an unconformity in samples, over the lateral axes."""
    lateral, boundary = recipe.shape[1:], draws.boundaries[number]
    field = stream(seed, index, f"surface {number}").random(lateral)
    return boundary.depth + rescale(smooth(field, [0.2 * size for size in lateral]), 0, boundary.relief)


def _below(surfaces: Sequence[Array], values: Array) -> Array:
    """Set values above the lowest unconformity to zero: its faults end there."""
    for surface in surfaces[-1:]:
        values = np.where(_depth_below(surface, len(values)) >= 0, values, 0)
    return values


def _depth_below(surface: Array, size: int) -> Array:
    rows = np.arange(size).reshape(-1, *[1] * surface.ndim)
    depth: Array = rows - np.floor(surface + 0.5).astype(int)
    return depth


def _merged(images: Sequence[Array], surfaces: Sequence[Array]) -> Array:
    """Join the images of all units, each of unit energy, by short ramps at the unconformities."""
    if not surfaces:
        return images[0]
    merged = normalised(images[-1], 1.0)
    for upper, surface in zip(images[-2::-1], surfaces[::-1], strict=True):
        depth = _depth_below(surface, len(merged))
        into_lower, out_of_upper = _ramp(depth + 5), _ramp(3 - depth)
        merged = merged * into_lower + normalised(upper, 1.0) * out_of_upper
    return merged


def _ramp(step: Array) -> Array:
    """Return the rising half of a Hann window of ten samples, from 0 at step 0 to 1 at step 9."""
    rising: Array = (1 - np.cos(np.pi * np.clip(step / 9, 0, 1))) / 2
    return rising.astype(np.float32)


def _merged_ages(ages: Sequence[Array], surfaces: Sequence[Array]) -> Array:
    """Stack the units' ages so that those above an unconformity end where those below it begin."""
    merged = ages[-1]
    for upper, surface in zip(ages[-2::-1], surfaces[::-1], strict=True):
        below = _depth_below(surface, len(merged)) >= 0
        jump = merged[below].min() - upper[~below].max() if not below.all() else np.float32(0)
        merged = np.where(below, merged, upper + jump)
    return merged
