"""Items of the field recipes: every sample is traced back to where and when it was deposited, so labels are exact."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtl_seismic.stochastic.draws import Array, rescale, stream
from mtl_seismic.stochastic.smoothing import along_axis, smooth
from mtl_seismic.synth.field_draws import Draws
from mtl_seismic.synth.field_faults import angles
from mtl_seismic.synth.imaging import normalised
from mtl_seismic.synth.labels import row_chunks
from mtl_seismic.synth.recipes import Field
from mtl_seismic.synth.recording import halo, imaging_matrix, processed, with_noise
from mtl_seismic.synth.restore import Restored, Structure, distance_across, restore_rows, structure
from mtl_seismic.synth.spacing import draw
from mtl_seismic.synth.stratigraphy import FINENESS, add_channel, column, impedance, lateral_patterns

_STEP = 0.5  # samples: half the distance over which the orientation of a fault is measured


@dataclass
class Rock:
    """Arrays over the image's rows and a halo: log impedance, deposit, stage, fault number, amplitude left."""

    impedance: Array
    deposit: Array
    stage: Array
    fault: Array
    amplitude: Array


def generate_field(recipe: Field, seed: int, index: int) -> dict[str, Array]:
    """Return image and labels of one item; see `mtl_seismic.synth.generate`."""
    draws = draw(recipe, seed, index)
    model = structure(draws, recipe, stream(seed, index, "relief"))
    beyond = halo(draws.acquisition)
    rock = _rock(model, draws, beyond, stream(seed, index, "rock"))
    inner = slice(beyond, beyond + recipe.shape[0])
    noise = stream(seed, index, "noise")
    return {
        "image": normalised(_noisy(recipe, draws, rock, noise), recipe.rms),
        "dhr": normalised(_clean(recipe, draws, rock), recipe.rms),
        "rgt": rescale(stacked_ages(rock.deposit[inner], rock.stage[inner]), 0, 1),
        **_fault_labels(model, rock.fault[inner]),
    }


def _rock(model: Structure, draws: Draws, beyond: int, rng: np.random.Generator) -> Rock:
    shape = (model.shape[0] + 2 * beyond, *model.shape[1:])
    columns = [column(draws, 2 * shape[0], rng) for _ in draws.stages]
    patterns = lateral_patterns(draws, model.shape[1:], rng)
    floats = [np.empty(shape, np.float32) for _ in range(3)]
    rock = Rock(floats[0], floats[1], np.empty(shape, np.int8), np.empty(shape, np.int16), floats[2])
    for rows in row_chunks(shape):
        here = slice(rows.start, rows.stop)
        restored = restore_rows(model, range(rows.start - beyond, rows.stop - beyond))
        rock.impedance[here] = _impedance(draws, columns, patterns, restored)
        rock.deposit[here], rock.stage[here] = restored.deposit, restored.stage
        rock.fault[here], rock.amplitude[here] = restored.fault, restored.amplitude
    return rock


def _impedance(draws: Draws, columns: Sequence[Array], patterns: Sequence[Array], restored: Restored) -> Array:
    # Columns are twice as long as the section, which leaves room for what deformation brings in from above and below.
    size = columns[0].shape[1] / FINENESS
    offset = np.array([(k + 0.25) * size for k in range(len(columns))], np.float32)
    position = restored.deposit + offset.take(restored.stage)
    values = impedance(np.concatenate(columns, axis=1), patterns, position, restored.lateral)
    for k, stage in enumerate(draws.stages):
        for channel in stage.channels:
            deposit = np.where(restored.stage == k, restored.deposit, np.float32(-1e6)) if k else restored.deposit
            add_channel(channel, values, deposit, restored.lateral)
    return values


def _noisy(recipe: Field, draws: Draws, rock: Rock, rng: np.random.Generator) -> Array:
    acquisition = draws.acquisition
    matrix = imaging_matrix(acquisition, recipe.shape[0], 1.0, acquisition.phase)
    reflectivity = np.diff(rock.impedance, axis=0)
    reflectivity *= rock.amplitude[1:]
    blur = [0.0, *[acquisition.blur] * (len(recipe.shape) - 1)]
    signal = smooth(along_axis(matrix, reflectivity, 0), blur)
    return processed(acquisition, with_noise(acquisition, signal, matrix, rng), rng)


def _clean(recipe: Field, draws: Draws, rock: Rock) -> Array:
    phase = 0.0 if recipe.zero_phase_dhr else draws.acquisition.phase
    matrix = imaging_matrix(draws.acquisition, recipe.shape[0], recipe.resolution_gain, phase)
    return along_axis(matrix, np.diff(rock.impedance, axis=0), 0)


def stacked_ages(deposit: Array, stage: Array) -> Array:
    """Return ages that rise from each stage to the next older one without overlap, in samples of deposit."""
    ages = deposit.copy()
    bottom = None
    for k in range(int(stage.max()) + 1):
        here = stage == k
        if not here.any():
            continue
        part = deposit[here]
        jump = np.float32(0) if bottom is None else bottom - part.min()
        ages[here] = part + jump
        bottom = part.max() + jump
    return ages


def _fault_labels(model: Structure, number: Array) -> dict[str, Array]:
    """Return probability, dip and in 3D strike; angles are those of the fault's surface as it lies now."""
    where = np.nonzero(number)
    order = np.argsort(number[where], kind="stable")
    where = tuple(axis[order] for axis in where)
    dip, strike = (np.zeros(number.shape, np.float32) for _ in range(2))
    dip[where], strike[where] = angles(_gradient(model, where, number[where]))
    labels = {"fault_probability": (number > 0).astype(np.float32), "fault_dip": dip}
    return labels if number.ndim == 2 else labels | {"fault_strike": strike}


def _gradient(model: Structure, where: Sequence[Array], number: Array) -> list[Array]:
    """Return the gradient of the distance across each sample's fault, per axis; samples sorted by fault."""
    ndim = len(where)
    steps = np.concatenate([np.eye(ndim), -np.eye(ndim)]).astype(np.float32) * _STEP
    points = np.array(where, np.float32)[:, :, None] + steps.T[:, None, :]
    flat = list(points.reshape(ndim, -1))
    distance = distance_across(model, flat, np.repeat(number, len(steps))).reshape(-1, 2, ndim)
    return list((distance[:, 0] - distance[:, 1]).T)
