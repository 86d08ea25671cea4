"""Undo the deformation of a field model: from where a sample lies now to where, and when, it was deposited."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtl_seismic.stochastic.draws import Array, rescale, white
from mtl_seismic.stochastic.smoothing import smooth
from mtl_seismic.synth.field_draws import Draws, Stage
from mtl_seismic.synth.field_faults import CurvedFault, reach_box, undo
from mtl_seismic.synth.recipes import Field


@dataclass(frozen=True)
class Relief:
    """Maps over the lateral axes of one stage: vertical displacement, its growth with depth, and the surface below."""

    fold: Array
    growth: Array
    surface: Array | None


@dataclass(frozen=True)
class Structure:
    """Everything that deforms an item of `shape`; numbers of faults run through all stages from 1."""

    draws: Draws
    shape: tuple[int, ...]
    reliefs: tuple[Relief, ...]
    thickness: float
    least_displacement: float


@dataclass
class Restored:
    """Samples before deformation: depositional coordinate (samples), lateral positions, and stage (0: youngest).

    `fault` is the number of the fault whose trace crosses a sample now (0: none), `amplitude` what wash-out leaves.
    """

    deposit: Array
    lateral: list[Array]
    stage: Array
    fault: Array
    amplitude: Array


def structure(draws: Draws, recipe: Field, rng: np.random.Generator) -> Structure:
    """Make the random surfaces of an item."""
    reliefs = tuple(_relief(stage, recipe.shape, rng) for stage in draws.stages)
    return Structure(draws, recipe.shape, reliefs, recipe.fault_thickness, recipe.least_displacement)


def _relief(stage: Stage, shape: tuple[int, ...], rng: np.random.Generator) -> Relief:
    lateral, folds = shape[1:], stage.folds
    grid = [axis - (size - 1) / 2 for axis, size in zip(np.ogrid[*map(slice, lateral)], lateral, strict=True)]
    planes = [axis * slope for axis, slope in zip(grid, folds.tilt, strict=True)]
    fold = _hills(lateral, folds.sigma, folds.height, rng) + sum(planes[1:], planes[0]).astype(np.float32)
    fold += _hills(lateral, folds.rugosity_sigma, folds.rugosity, rng)
    growth = _hills(lateral, folds.sigma, folds.growth, rng) / np.float32(shape[0])
    surface = None
    if stage.base is not None:
        surface = np.float32(stage.base) + _hills(lateral, stage.roughness, stage.relief, rng)
        surface = np.maximum(surface, np.float32(4))
    return Relief(fold, growth, surface)


def _hills(lateral: tuple[int, ...], sigma: float, height: float, rng: np.random.Generator) -> Array:
    return rescale(smooth(white(rng, lateral), sigma), -height / 2, height / 2).astype(np.float32)


def restore_rows(model: Structure, rows: range) -> Restored:
    """Restore all samples of some rows (which may lie outside the image)."""
    points = list(np.indices((len(rows), *model.shape[1:]), np.float32))
    points[0] += rows.start
    return _restore(model, points, rows)


def distance_across(model: Structure, points: list[Array], wanted: Array) -> Array:
    """Return the signed distances of points, as they lie now, from the fault whose number is `wanted` for each.

    Points must be sorted by that number: the faults that are older than a point's own are not undone for it.
    """
    found = np.zeros(points[0].shape, np.float32)
    _restore(model, points, None, (wanted, found))
    return found


def _restore(
    model: Structure, points: list[Array], rows: range | None, wanted: tuple[Array, Array] | None = None
) -> Restored:
    shape = points[0].shape
    blank = np.zeros(shape, np.float32)
    result = Restored(
        blank, points[1:], np.zeros(shape, np.int8), np.zeros(shape, np.int16), np.ones(shape, np.float32)
    )
    active: Array | None = None
    number = sum(len(stage.faults) for stage in model.draws.stages)
    down, aside = 0.0, 0.0  # how far samples can have been moved so far
    for k, (stage, relief) in enumerate(zip(model.draws.stages, model.reliefs, strict=True)):
        for fault in stage.faults[::-1]:
            box = reach_box(fault, (down, aside), rows, model.shape[1:]) if rows else _not_older(number, wanted)
            if box is not None:
                _undo_fault(model, fault, number, points, result, (box, active, wanted))
            number, down, aside = number - 1, down + abs(fault.displacement), aside + abs(fault.displacement)
        if rows:
            deepest = max(abs(rows.start), abs(rows.stop)) + down
            down += float(np.abs(relief.fold).max() + np.abs(relief.growth).max() * deepest)
        active = _undo_stage(k, relief, stage.drape, points, active, result)
    return result


def _not_older(number: int, wanted: tuple[Array, Array] | None) -> tuple[slice, ...] | None:
    """Return the points, sorted by the number of their fault, for which fault `number` is theirs or younger."""
    return (slice(int(np.searchsorted(wanted[0], number, side="right"))),) if wanted else None


def _undo_fault(
    model: Structure,
    fault: CurvedFault,
    number: int,
    points: Sequence[Array],
    result: Restored,
    state: tuple[tuple[slice, ...], Array | None, tuple[Array, Array] | None],
) -> None:
    box, active, wanted = state
    crossing = undo(fault, [axis[box] for axis in points], None if active is None else active[box])
    if wanted is not None:
        chosen = wanted[0][box] == number
        wanted[1][box][chosen] = crossing.distance[chosen]
        return
    away = np.abs(crossing.distance)
    close = away < max(4 * fault.washout_width, model.thickness)
    close &= crossing.displacement != 0
    flat = np.flatnonzero(close)
    away, moved = away.take(flat), np.abs(crossing.displacement.take(flat))
    near = np.unravel_index(flat, close.shape)
    labels, amplitude = result.fault[box], result.amplitude[box]
    trace = (away <= model.thickness / 2) & (moved >= model.least_displacement) & (labels[near] == 0)
    labels[tuple(axis[trace] for axis in near)] = number
    loss = np.float32(fault.washout) * np.minimum(moved / 2, 1)
    loss /= np.square(np.square(away * np.float32(1 / fault.washout_width)) + 1)
    amplitude[near] *= 1 - loss


def _undo_stage(
    number: int, relief: Relief, drape: float, points: Sequence[Array], active: Array | None, result: Restored
) -> Array | None:
    """Undo a stage's folds, settle which samples were deposited in it, and return where older rock lies (1, else 0)."""
    depth, lateral = points[0], points[1:]
    maps = [relief.fold, relief.growth, *([] if relief.surface is None else [relief.surface])]
    fold, growth, *surface = _read(maps, lateral)
    growth *= depth
    fold += growth
    depth -= fold if active is None else fold * active
    old = np.True_ if active is None else active > 0
    np.copyto(result.deposit, depth, where=old)
    np.copyto(result.stage, np.int8(number), where=old)
    if not surface or relief.surface is None:
        return active
    above = old & (depth < surface[0])
    result.deposit[above] *= 1 - drape + drape * relief.surface.mean() / surface[0][above]
    return (old & ~above).astype(np.float32)


def _read(maps: Sequence[Array], lateral: Sequence[Array]) -> list[Array]:
    """Return `interpolated` maps for samples most of which may still lie where they do in the image."""
    if lateral[0].shape[1:] != maps[0].shape:
        return interpolated(maps, lateral)
    moved = np.zeros(lateral[0].shape, bool)
    for at, here in zip(lateral, np.ogrid[*map(slice, maps[0].shape)], strict=True):
        moved |= at != here.astype(np.float32)
    where = np.flatnonzero(moved)
    results = [np.broadcast_to(values, moved.shape).copy() for values in maps]
    for result, values in zip(results, interpolated(maps, [at.take(where) for at in lateral]), strict=True):
        result.put(where, values)
    return results


def interpolated(maps: Sequence[Array], lateral: Sequence[Array]) -> list[Array]:
    """Interpolate maps over the lateral axes linearly at positions in samples; beyond their edges they are level."""
    brackets = [_bracket(at, size) for at, size in zip(lateral, maps[0].shape, strict=True)]
    if len(brackets) == 1:
        before, step, part = brackets[0]
        return [_between(line.take(before), line.take(before + step), part) for line in maps]
    (before, step, part), (second, second_step, second_part) = brackets
    before *= maps[0].shape[1]
    before += second
    weights = np.stack([np.ones_like(part), second_part, part, part * second_part], axis=-1)
    return [_weighted(_cells(values, step, second_step).take(before, axis=0), weights) for values in maps]


def _cells(values: Array, step: int, second_step: int) -> Array:
    """Return four numbers for each sample of a map, to be read at once: itself and differences to its neighbours."""
    padded = np.pad(values, ((0, step), (0, second_step)), mode="edge")
    rows, columns = values.shape
    aside, below = padded[:rows, second_step:] - values, padded[step:, :columns] - values
    across = padded[step:, second_step:] - values - aside - below
    return np.stack([values, aside, below, across], axis=-1).reshape(-1, 4)


def _weighted(values: Array, weights: Array) -> Array:
    values *= weights
    total: Array = values[..., 0] + values[..., 1]
    total += values[..., 2]
    total += values[..., 3]
    return total


def _bracket(at: Array, size: int) -> tuple[Array, int, Array]:
    """Return the sample before each position, the step to the one behind it, and how far between them it lies."""
    inside = np.clip(at, 0, size - 1)
    before = np.minimum(inside.astype(np.intp), max(size - 2, 0))
    inside -= before
    return before, min(size - 1, 1), inside


def _between(low: Array, high: Array, part: Array) -> Array:
    high -= low
    high *= part
    high += low
    return high
