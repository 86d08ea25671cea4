"""A model over one column of a volume: tile by tile through the network, over mirrored copies where asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mtlcore.device import Precision, autocast
from mtlcore.errors import MtlError, OptionError
from mtlcore.inference.averaging import spread_output
from mtlcore.inference.sections import Along, Slab, fused, padded, run_slab
from mtlcore.inference.store import FieldSpec
from mtlcore.inference.tiles import Span, Tile, Tiling
from mtlcore.inference.variants import PLAIN, Variant, variants
from mtlcore.io.volume import Window
from mtlcore.model.model import Model
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.outputs import IMAGE

Array = NDArray[np.float32]


class Cells(NamedTuple):
    """A decoded array over a column's core, channels first, and how much coarser than the image it is."""

    values: Array
    ratios: tuple[int, ...]


Decoded = dict[str, dict[str, Cells]]
"""Per task, its decoded arrays."""


Read = tuple[Array, dict[str, Array], list[Along]]
"""Over a column and its halo: image, fields, and what was kept of the sections along each axis."""


class ColumnFields(NamedTuple):
    """``decoded``: arrays of the tasks that solve afterwards; ``outputs``: those of all others, averaged over mirrored
    copies and with their spread where that is asked for; ``plain``: the same of the image as it is."""

    decoded: Decoded
    outputs: dict[str, Array]
    plain: dict[str, Array]


@dataclass(frozen=True)
class InferOptions:
    """``tile``: edge of a tile in samples (None: as large as memory allows). ``halo``: samples read around a
    tile (None: as many as the backbone needs to make tiles exact). ``mirrored_average``: average over mirrored
    copies of the image along its horizontal axes. ``uncertainty``: also give the spread of every output over these
    copies, and over copies of opposite polarity. ``scale``: how many times more finely the network sees depth sampled,
    or each axis, depth first (None: as is found from the image, see sampling.py). ``precision``: of the
    network's arithmetic; fields are float32 in any case. ``balance``: even out amplitudes along depth for the network,
    where they differ much (see amplitude.py). ``memory``: bytes that may be used at once (None: half of what is
    free)."""

    tile: int | None = None
    halo: int | None = None
    mirrored_average: bool = False
    uncertainty: bool = False
    scale: float | tuple[float, ...] | None = None
    precision: Precision = "float32"
    balance: bool = True
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.tile is not None and self.tile < 1:
            raise OptionError(f"tile is {self.tile}: expected an edge of at least 1 sample.")
        if self.halo is not None and self.halo < 0:
            raise OptionError(f"halo is {self.halo}: expected 0 samples or more.")
        factors = self.scale if isinstance(self.scale, tuple) else () if self.scale is None else (self.scale,)
        if not all(1 / 16 <= factor <= 16 for factor in factors):
            raise OptionError(f"scale is {','.join(map(str, factors))}: expected factors from 1/16 to 16, or auto.")
        if self.memory is not None and self.memory < 1:
            raise OptionError(f"memory is {self.memory} bytes: expected more, as in --memory 4G.")


@dataclass(frozen=True)
class Reader:
    """What a network reads over any window of the horizontal axes: whole traces of the image, of fields, and, for one
    that begins with sections, what was kept of these, of a copy of the volume, along an axis."""

    image: Callable[[Window], Array]
    fields: Mapping[str, Callable[[Window], Array]]
    along: Callable[[Variant, int, Window], Along] | None = None

    def of(self, model: Model, variant: Variant, shape: tuple[int, ...]) -> Reader:
        """The same for a copy of the volume, whose windows are those of the copy."""

        def seen(name: str, read: Callable[[Window], Array]) -> Callable[[Window], Array]:
            return lambda lateral: variant.applied(model, name, read(_lateral_of(variant, lateral, shape)))

        fields = {name: seen(name, read) for name, read in self.fields.items()}
        if self.along is None:
            return Reader(seen(IMAGE.name, self.image), fields)
        return Reader(seen(IMAGE.name, self.image), fields, partial(_of_copy, self.along, variant))


def _of_copy(
    along: Callable[[Variant, int, Window], Along], copy: Variant, asked: Variant, axis: int, window: Window
) -> Along:
    """The volume as it is has its copies; of a copy only itself is ever read."""
    return along(asked if copy == PLAIN else copy, axis, window)


def _lateral_of(variant: Variant, lateral: Window, shape: tuple[int, ...]) -> Window:
    return variant.window((slice(0, shape[0]), *lateral), shape)[1:]


@torch.inference_mode()
def infer_column(
    model: Model,
    tiling: Tiling,
    column: Tile,
    reader: Reader,
    tasks: Sequence[Task],
    options: InferOptions,
    tile_done: Callable[[], None] = lambda: None,
) -> ColumnFields:
    """What the network gives over a column's core."""
    copies = variants(model.ndim, options.mirrored_average, options.uncertainty)
    by_sample = [task for task in tasks if not solves(task)]
    found: list[dict[str, Array]] = []
    decoded: Decoded = {}
    for variant in copies if by_sample else [PLAIN]:
        wanted = tasks if variant == PLAIN else by_sample
        arrays = _run(model, tiling, column, variant, reader, wanted, options, tile_done)
        decoded |= {task.name: arrays[task.name] for task in wanted if solves(task)}
        given = {task.name: {name: cells.values for name, cells in arrays[task.name].items()} for task in by_sample}
        outputs = checked_outputs(by_sample, given, _core_shape(column))
        found.append({name: variant.applied(model, name, values) for name, values in outputs.items()})
    return ColumnFields(decoded, combined(by_sample, found, model.ndim, options), found[0])


def combined(
    tasks: Sequence[Task], found: Sequence[Mapping[str, Array]], ndim: int, options: InferOptions
) -> dict[str, Array]:
    """The outputs of tasks from those of all copies: as they are or averaged, and their spread."""
    result = {output.name: found[0][output.name] for task in tasks for output in task.outputs_in(ndim)}
    for task in tasks:
        if options.mirrored_average:
            result.update(task.merge(found[:ndim]))
        if options.uncertainty:
            spread = task.spread(found)
            result.update({spread_output(o).name: spread[o.name] for o in task.outputs_in(ndim)})
    return result


def solves(task: Task) -> bool:
    """Whether a task has a last step that sees more than the network did."""
    return type(task).solve is not Task.solve or type(task).solve_columns is not Task.solve_columns


def checked_outputs(
    tasks: Sequence[Task], arrays: Mapping[str, Mapping[str, Array]], shape: tuple[int, ...]
) -> dict[str, Array]:
    """The declared outputs of tasks; MtlError where one is missing or of another shape than the volume's."""
    fields: dict[str, Array] = {}
    for task in tasks:
        for output in task.outputs_in(len(shape)):
            if output.name not in arrays[task.name]:
                raise MtlError(
                    f"Task '{task.name}' did not return output '{output.name}': its decode or solve leaves it out."
                )
            values = np.asarray(arrays[task.name][output.name], dtype=np.float32)
            values = values[0] if values.ndim == len(shape) + 1 and values.shape[0] == 1 else values
            if values.shape != shape:
                raise MtlError(
                    f"Task '{task.name}' returned '{output.name}' of shape {values.shape}, expected {shape}."
                )
            fields[output.name] = values
    return fields


def _core_shape(column: Tile) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in column.core)


def _run(
    model: Model,
    tiling: Tiling,
    column: Tile,
    variant: Variant,
    reader: Reader,
    tasks: Sequence[Task],
    options: InferOptions,
    tile_done: Callable[[], None],
) -> Decoded:
    """One copy of a column through the network; smaller tiles where memory is not enough after all."""
    part = column if variant.axis is None else tiling.mirrored(column, variant.axis)
    lateral = part.read[1:]
    image = variant.applied(model, IMAGE.name, reader.image(lateral))
    fields = {name: variant.applied(model, name, field(lateral)) for name, field in reader.fields.items()}
    along: list[Along] = []
    if reader.along is not None:
        seen = tuple(padded(model, side) for side in variant.window(part.read, tiling.shape)[1:])
        along = [reader.along(variant, axis, seen) for axis in model.backbone.section_axes]
    read = image, fields, along
    while True:
        try:
            return _tiles(model, tiling, part, read, tasks, options, tile_done)
        except (MemoryError, torch.OutOfMemoryError):
            smaller = max(tiling.edges[0] // 2, tiling.stride)
            if smaller == tiling.edges[0]:
                raise MtlError(
                    "There is not enough memory for the smallest tile: lower --memory, or close other programs."
                ) from None
            tiling = replace(tiling, edges=(smaller, *tiling.edges[1:]))


def _tiles(
    model: Model,
    tiling: Tiling,
    column: Tile,
    read: Read,
    tasks: Sequence[Task],
    options: InferOptions,
    tile_done: Callable[[], None],
) -> Decoded:
    decoded: Decoded = {task.name: {} for task in tasks}
    for span in tiling.depths:
        sizes, features = _features(model, read, column, span, [task.name for task in tasks], options)
        for task in tasks:
            # One task after another: the tensors of all would need as much memory again as the network.
            with autocast(model.device, options.precision):
                raw = model.net.outputs(features, [task.name])[task.name]
            for name, value in task.decode(raw).items():
                ratios = tuple(full // have for full, have in zip(sizes, value.shape[2:], strict=True))
                _put(decoded[task.name], name, value, column, span, ratios)
            del raw
        tile_done()
    return decoded


def _features(
    model: Model, read: Read, column: Tile, span: Span, names: list[str], options: InferOptions
) -> tuple[tuple[int, ...], dict[str, torch.Tensor]]:
    """The padded sizes of a tile, and what the decoders make of it."""
    image, fields, along = read
    inputs = _inputs(model, image[span.read], {name: values[span.read] for name, values in fields.items()})
    sizes = tuple(next(iter(inputs.values())).shape[2:])
    with autocast(model.device, options.precision):
        if not along:
            return sizes, model.net.decode(inputs, names)
        return sizes, model.net.decode_encoded(fused(model, along, inputs, padded(model, span.read)), names)


@torch.inference_mode()
def infer_slab(
    model: Model, slab: Slab, shape: tuple[int, ...], reader: Reader, options: InferOptions
) -> dict[str, tuple[FieldSpec, Window, Array]]:
    """What the network makes of a slab of sections, with where it is kept."""
    lateral = slab.lateral(shape)
    inputs = _inputs(model, reader.image(lateral), {name: read(lateral) for name, read in reader.fields.items()})
    with autocast(model.device, options.precision):
        return run_slab(model, slab, shape, inputs)


def _inputs(model: Model, image: Array, fields: Mapping[str, Array]) -> dict[str, torch.Tensor]:
    def tensor(values: Array) -> torch.Tensor:
        window = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        # Padded here, the network's outputs tell exactly how much coarser than the inputs they are.
        return model.net.pad(window[None, None].to(model.device))

    here = {name: tensor(values) for name, values in fields.items()}
    return model.stage.inputs(model.tasks, tensor(image), here)


def _put(
    arrays: dict[str, Cells], name: str, value: torch.Tensor, column: Tile, span: Span, ratios: tuple[int, ...]
) -> None:
    """Put a tile's core into the column's array, which is ``ratios`` times coarser than the image."""
    if name not in arrays:
        sizes = [-(-part.stop // r) - part.start // r for part, r in zip(column.core, ratios, strict=True)]
        arrays[name] = Cells(np.zeros((value.shape[1], *sizes), dtype=np.float32), ratios)
    kept = [span.keep, *column.keep[1:]]
    keep = tuple(slice(s.start // r, -(-s.stop // r)) for s, r in zip(kept, ratios, strict=True))
    core = slice(span.core.start // ratios[0], -(-span.core.stop // ratios[0]))
    arrays[name].values[:, core] = value[0][(slice(None), *keep)].float().cpu().numpy()
