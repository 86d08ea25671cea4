"""Running a model over a volume: tile by tile through the network, then the tasks' last steps on the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mtlcore.device import Precision, autocast
from mtlcore.errors import MtlError, OptionError
from mtlcore.inference.averaging import spread_output
from mtlcore.inference.tiles import Tile, tile_size, tiles
from mtlcore.model.model import Model
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.outputs import IMAGE

Array = NDArray[np.float32]


@dataclass(frozen=True)
class InferOptions:
    """``tile``: edge of a tile in samples (None: as large as is reasonable). ``halo``: samples read around a
    tile (None: as many as the backbone needs to make tiles exact). ``mirrored_average``: average over mirrored
    copies of the image along its horizontal axes. ``uncertainty``: also give the spread of every output over these
    copies, and over copies of opposite polarity. ``scale``: how many times more finely the network sees depth sampled,
    or each axis, depth first (None: as is found from the image, see sampling.py). ``precision``: of the
    network's arithmetic; fields are float32 in any case. ``balance``: even out amplitudes along depth for the network,
    where they differ much (see amplitude.py)."""

    tile: int | None = None
    halo: int | None = None
    mirrored_average: bool = False
    uncertainty: bool = False
    scale: float | tuple[float, ...] | None = None
    precision: Precision = "float32"
    balance: bool = True

    def __post_init__(self) -> None:
        if self.tile is not None and self.tile < 1:
            raise OptionError(f"tile is {self.tile}: expected an edge of at least 1 sample.")
        if self.halo is not None and self.halo < 0:
            raise OptionError(f"halo is {self.halo}: expected 0 samples or more.")
        factors = self.scale if isinstance(self.scale, tuple) else () if self.scale is None else (self.scale,)
        if not all(1 / 16 <= factor <= 16 for factor in factors):
            raise OptionError(f"scale is {','.join(map(str, factors))}: expected factors from 1/16 to 16, or auto.")


def infer(
    model: Model,
    image: Array,
    fields: Mapping[str, Array],
    tasks: Sequence[Task],
    options: InferOptions,
    tile_done: Callable[[], None] = lambda: None,
) -> dict[str, Array]:
    """Fields of the tasks, from a normalised image (depth, ...) and the fields that the stage reads.

    With ``options.uncertainty`` also the spread of each, under the names of ``spread_output``.
    """
    every = _with_helpers(model, tasks)
    variants: list[dict[str, Array]] = []
    for variant in _variants(image.ndim, options):
        read = {name: variant.applied(model, name, values) for name, values in fields.items()}
        seen = variant.applied(model, IMAGE.name, image)
        result = _solve(_decode_all(model, seen, read, every, options, tile_done), every, seen, read)
        variants.append({name: variant.applied(model, name, values) for name, values in result.items()})
    averaged = variants[: image.ndim] if options.mirrored_average else variants[:1]
    found = {output.name: averaged[0][output.name] for task in tasks for output in task.outputs_in(image.ndim)}
    for task in tasks:
        if options.mirrored_average:
            found.update(task.merge(averaged))
        if options.uncertainty:
            spread = task.spread(variants)
            found.update({spread_output(o).name: spread[o.name] for o in task.outputs_in(image.ndim)})
    return found


class Variant(NamedTuple):
    """A copy that says the same: mirrored along a horizontal axis, of opposite polarity. Its own inverse."""

    axis: int | None = None
    opposite: bool = False

    def applied(self, model: Model, name: str, values: Array) -> Array:
        """The array of an output, or of the image, in the copy."""
        if self.axis is not None:
            values = mirror(model, name, values, self.axis)
        amplitude = name == IMAGE.name or any(output.name == name and output.amplitude for output in model.outputs)
        return -values if self.opposite and amplitude else values


def _variants(ndim: int, options: InferOptions) -> list[Variant]:
    """The volume as it is, mirrored copies where they are averaged, and more to see how much they differ."""
    axes: list[int | None] = [None, *range(1, ndim)]
    if options.uncertainty:
        return [Variant(axis, opposite) for opposite in (False, True) for axis in axes]
    return [Variant(axis) for axis in axes] if options.mirrored_average else [Variant()]


def count_steps(model: Model, shape: tuple[int, ...], options: InferOptions) -> int:
    """How often ``infer`` will say that a tile is done."""
    return len(_variants(len(shape), options)) * len(plan_tiles(model, shape, options))


def mirror(model: Model, name: str, values: Array, axis: int) -> Array:
    """An output's array of the mirrored volume."""
    flipped = np.ascontiguousarray(np.flip(values, axis))
    rule = next((output.mirror for output in model.outputs if output.name == name), None)
    return flipped if rule is None else np.asarray(rule(flipped, axis, model.ndim), dtype=np.float32)


def _with_helpers(model: Model, tasks: Sequence[Task]) -> list[Task]:
    """The tasks, after those of the model whose outputs some of them solve with: whatever is asked for, solutions
    are the same."""
    read = {name for task in tasks for name in task.solves_with}
    helpers = [task for task in model.given if any(output.name in read for output in task.outputs)]
    return [*helpers, *(task for task in tasks if task not in helpers)]


def _solve(
    decoded: Mapping[str, dict[str, Array]], tasks: Sequence[Task], image: Array, given: Mapping[str, Array]
) -> dict[str, Array]:
    """Every task's last step; only declared outputs remain, each checked. ``given``: fields that the stage reads."""
    fields: dict[str, Array] = {}
    for task in tasks:
        others = {name: {**given, **fields}.get(name) for name in task.solves_with}
        read = {name: values for name, values in others.items() if values is not None}
        solved = task.solve(decoded[task.name] | read, image)
        for output in task.outputs_in(image.ndim):
            if output.name not in solved:
                raise MtlError(f"Task '{task.name}' gave no '{output.name}': its decode or solve leaves it out.")
            values = np.asarray(solved[output.name], dtype=np.float32)
            if values.shape != image.shape:
                raise MtlError(
                    f"Task '{task.name}' gave '{output.name}' of shape {values.shape}, expected {image.shape}."
                )
            fields[output.name] = values
    return fields


@torch.inference_mode()
def _decode_all(
    model: Model,
    image: Array,
    fields: Mapping[str, Array],
    tasks: Sequence[Task],
    options: InferOptions,
    tile_done: Callable[[], None],
) -> dict[str, dict[str, Array]]:
    """Per task, its decoded arrays over the whole volume."""
    decoded: dict[str, dict[str, Array]] = {task.name: {} for task in tasks}
    for tile in plan_tiles(model, image.shape, options):
        inputs = _read(model, image, fields, tile)
        with autocast(model.device, options.precision):
            raw = model.net.body(inputs, [task.name for task in tasks])
        padded = next(iter(inputs.values())).shape[2:]
        for task in tasks:
            for name, value in task.decode(raw[task.name]).items():
                ratios = tuple(full // have for full, have in zip(padded, value.shape[2:], strict=True))
                _store(decoded[task.name], name, value, tile, image.shape, ratios)
        tile_done()
    return {
        task: {name: values[0] if values.shape[0] == 1 else values for name, values in arrays.items()}
        for task, arrays in decoded.items()
    }


def plan_tiles(model: Model, shape: tuple[int, ...], options: InferOptions) -> list[Tile]:
    """The tiles in which a model runs over a volume: one, where a part of it must see the whole."""
    reach = model.backbone.halo
    tasks = [f"Task '{task.name}'" for task in model.tasks if task.sees_whole]
    if reach is None or tasks:
        who = tasks[0] if tasks else f"Backbone '{model.backbone.name}'"
        if options.tile is not None and options.tile < max(shape):
            raise OptionError(
                f"{who} must see the whole volume: tiles of {options.tile} would change its answer. "
                "Leave the tile size out, or use another model."
            )
        return list(tiles(shape, shape, 0, model.net.stride))
    if model.stage.needs_fields:
        reach += max(task.reach for task in model.tasks)
    halo = reach if options.halo is None else options.halo
    return list(tiles(shape, tile_size(shape, halo, options.tile), halo, model.net.stride))


def _read(model: Model, image: Array, fields: Mapping[str, Array], tile: Tile) -> dict[str, torch.Tensor]:
    def tensor(values: Array) -> torch.Tensor:
        window = torch.from_numpy(np.ascontiguousarray(values[tile.read], dtype=np.float32))
        # Padded here, the network's outputs tell exactly how much coarser than the inputs they are.
        return model.net.pad(window[None, None].to(model.device))

    here = {name: tensor(values) for name, values in fields.items()}
    return model.stage.inputs(model.tasks, tensor(image), here)


def _store(
    arrays: dict[str, Array],
    name: str,
    value: torch.Tensor,
    tile: Tile,
    shape: tuple[int, ...],
    ratios: tuple[int, ...],
) -> None:
    """Put a tile's core into the whole array, which is ``ratios`` times coarser than the image."""
    if name not in arrays:
        coarse = [-(-length // ratio) for length, ratio in zip(shape, ratios, strict=True)]
        arrays[name] = np.zeros((value.shape[1], *coarse), dtype=np.float32)
    keep = tuple(slice(s.start // r, -(-s.stop // r)) for s, r in zip(tile.keep, ratios, strict=True))
    core = tuple(slice(s.start // r, -(-s.stop // r)) for s, r in zip(tile.core, ratios, strict=True))
    arrays[name][(slice(None), *core)] = value[0][(slice(None), *keep)].float().cpu().numpy()
