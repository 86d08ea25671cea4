"""Undo the deformation of a field model: from where a sample lies now to where, and when, it was deposited."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .draws import Array, rescale, white
from .field_draws import Draws, Stage
from .field_faults import CurvedFault, reach_box, undo
from .recipes import Field
from .smoothing import smooth


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
    # The whole tilt may not carry layers past half the section.
    limit = 0.25 * shape[0]
    grid = [axis - (size - 1) / 2 for axis, size in zip(np.ogrid[*map(slice, lateral)], lateral, strict=True)]
    planes = [np.clip(axis * slope, -limit, limit) for axis, slope in zip(grid, folds.tilt, strict=True)]
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
    grid = np.ogrid[rows.start : rows.stop, *map(slice, model.shape[1:])]
    shape = (len(rows), *model.shape[1:])
    points = [np.broadcast_to(axis, shape).astype(np.float32) for axis in grid]
    return _restore(model, points, rows)


def distance_across(model: Structure, points: list[Array], wanted: Array) -> Array:
    """Return the signed distances of points, as they lie now, from the fault whose number is `wanted` for each."""
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
    number, margin = sum(len(stage.faults) for stage in model.draws.stages), 0.0
    for k, (stage, relief) in enumerate(zip(model.draws.stages, model.reliefs, strict=True)):
        for fault in stage.faults[::-1]:
            box = _box(fault, margin, rows, model.shape)
            if box is not None:
                _undo_fault(model, fault, number, points, result, (box, active, wanted))
            number, margin = number - 1, margin + abs(fault.displacement)
        margin += float(np.abs(relief.fold).max() + np.abs(relief.growth).max() * model.shape[0])
        active = _undo_stage(k, relief, stage.drape, points, active, result)
    return result


def _box(fault: CurvedFault, margin: float, rows: range | None, shape: Sequence[int]) -> tuple[slice, ...] | None:
    return (slice(None),) if rows is None else reach_box(fault, margin, rows, shape[1:])


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
    moved, away = np.abs(crossing.displacement), np.abs(crossing.distance)
    trace = (away <= model.thickness / 2) & (moved >= model.least_displacement) & (result.fault[box] == 0)
    result.fault[box][trace] = number
    if wanted is not None:
        chosen = wanted[0] == number
        wanted[1][chosen] = crossing.distance[chosen]
        return
    loss = np.float32(fault.washout) * np.minimum(moved / 2, 1)
    loss /= np.square(np.square(away * np.float32(1 / fault.washout_width)) + 1)
    result.amplitude[box] *= 1 - loss


def _undo_stage(
    number: int, relief: Relief, drape: float, points: Sequence[Array], active: Array | None, result: Restored
) -> Array | None:
    """Undo a stage's folds, settle which samples were deposited in it, and return where older rock lies (1, else 0)."""
    depth, lateral = points[0], points[1:]
    maps = [relief.fold, relief.growth, *([] if relief.surface is None else [relief.surface])]
    fold, growth, *surface = interpolated(maps, lateral)
    growth *= depth
    fold += growth
    depth -= fold if active is None else fold * active
    old = np.ones(depth.shape, bool) if active is None else active > 0
    result.deposit[old], result.stage[old] = depth[old], number
    if not surface or relief.surface is None:
        return active
    above = old & (depth < surface[0])
    result.deposit[above] *= 1 - drape + drape * relief.surface.mean() / surface[0][above]
    return (old & ~above).astype(np.float32)


def interpolated(maps: Sequence[Array], lateral: Sequence[Array]) -> list[Array]:
    """Interpolate maps over the lateral axes linearly at positions in samples; beyond their edges they are level."""
    parts = [_bracket(at, size) for at, size in zip(lateral, maps[0].shape, strict=True)]
    if len(parts) == 1:
        (index, step, part) = parts[0]
        return [_between(line, index, index + step, part) for line in maps]
    (index, step, part), (second, second_step, second_part) = parts
    width = maps[0].shape[1]
    corner, down = index * width + second, step * width
    results = []
    for flat in (values.ravel() for values in maps):
        first = _between(flat, corner, corner + second_step, second_part)
        last = _between(flat, corner + down, corner + down + second_step, second_part)
        last -= first
        last *= part
        first += last
        results.append(first)
    return results


def _bracket(at: Array, size: int) -> tuple[Array, int, Array]:
    """Return the sample before each position, the step to the one behind it, and how far between them it lies."""
    inside = np.clip(at, 0, size - 1)
    before = np.minimum(inside.astype(np.int32), max(size - 2, 0))
    inside -= before
    return before, min(size - 1, 1), inside


def _between(line: Array, before: Array, after: Array, part: Array) -> Array:
    low, high = line.take(before), line.take(after)
    high -= low
    high *= part
    high += low
    return high
