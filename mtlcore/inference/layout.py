"""How the models of a chain cut one image: into the same columns, each with the halo that its network needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mtlcore.errors import MtlError, OptionError
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.memory import tile_bytes
from mtlcore.inference.planning import Budget, bytes_needed, plan
from mtlcore.inference.tiles import Tiling
from mtlcore.model.model import Model

TILE_SHARE = 0.75
"""Of the memory, for the largest tile and its column; fields that are kept in memory have the rest."""
GENEROUS_BYTES = 2000
"""Bytes a sample that no network takes: an image that fits so is never cut, and nothing need be measured."""


def choose_edges(
    models: Sequence[Model], shape: tuple[int, ...], options: InferOptions, memory: int, columns: int = 1
) -> tuple[int, ...]:
    """Edges of tiles and columns that suit all models and fit into ``memory`` bytes; at least ``columns`` of them.

    MtlError where a network must see the whole and that does not fit.
    """
    halos = [halo_of(model, options, max(shape)) for model in models]
    if options.tile is not None and None not in halos:
        return tuple(min(options.tile, length) for length in shape)
    if columns == 1 and math.prod(shape) * GENEROUS_BYTES <= memory:
        return shape
    bytes_per_sample = max(tile_bytes(model, options.precision) for model in models)
    if None in halos:
        _check_fits(models, shape, bytes_per_sample, memory)
        return shape
    widest = max(halo for halo in halos if halo is not None)
    return plan(shape, widest, _stride(models), Budget(int(memory * TILE_SHARE), bytes_per_sample), columns).edges


def tilings_of(
    models: Sequence[Model], shape: tuple[int, ...], edges: tuple[int, ...], options: InferOptions
) -> tuple[Tiling, ...]:
    """How each model cuts the image into the same columns, with its own halo."""
    stride = _stride(models)
    return tuple(Tiling(shape, edges, halo_of(model, options, max(shape)) or 0, stride) for model in models)


def cut(models: Sequence[Model], shape: tuple[int, ...], options: InferOptions, memory: int) -> tuple[Tiling, ...]:
    """Both of the above."""
    return tilings_of(models, shape, choose_edges(models, shape, options, memory), options)


def _stride(models: Sequence[Model]) -> int:
    return math.lcm(*(model.net.stride for model in models))


def halo_of(model: Model, options: InferOptions, longest: int) -> int | None:
    """Samples that a model reads around a tile; None: it must see the whole volume."""
    reach = model.backbone.halo
    tasks = [f"Task '{task.name}'" for task in model.tasks if task.needs_whole_volume]
    if reach is None or tasks:
        who = tasks[0] if tasks else f"Backbone '{model.backbone.name}'"
        if options.tile is not None and options.tile < longest:
            raise OptionError(
                f"{who} must see the whole volume: tiles of {options.tile} would change its answer. "
                "Leave the tile size out, or use another model."
            )
        return None
    if model.backbone.section_axes:
        reach = model.backbone.fusing_halo
    if model.stage.refines:
        reach += max(task.reach for task in model.tasks)
    return reach if options.halo is None else options.halo


def _check_fits(models: Sequence[Model], shape: tuple[int, ...], bytes_per_sample: float, memory: int) -> None:
    needed = bytes_needed(shape, shape, 0, 1, bytes_per_sample)
    if needed > memory:
        name = models[0].backbone.name
        raise MtlError(
            f"A model with backbone '{name}' must see the whole volume at once, which needs about "
            f"{needed / 1e9:.1f} GB, more than the {memory / 1e9:.1f} GB allowed: raise --memory, take a part of the "
            "volume, or use another model."
        )
