"""Backbones that begin with whole sections of a volume (see Backbone.section_axes): read in slabs, kept, then fused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mtlcore.inference.store import FieldSpec
from mtlcore.inference.tiles import multiple
from mtlcore.io.volume import Window
from mtlcore.model.model import Model

Array = NDArray[np.float32]


class Kept(NamedTuple):
    """A tensor over a window, channels first; how much coarser than the image it is, and whether it is float16."""

    values: Array
    ratios: tuple[int, ...]
    half: bool


Along = Mapping[str, Kept]
"""Tensors of the sections along one axis, by name."""
SLAB_BYTES = 120
"""Bytes a sample that a slab takes while it is read, and what is made of it."""


class Slab(NamedTuple):
    """Neighbouring sections along ``axis``: all of the image along that axis and depth, ``part`` of the other one."""

    axis: int
    part: slice

    def lateral(self, shape: tuple[int, ...]) -> Window:
        """Its window of the horizontal axes."""
        return (slice(0, shape[1]), self.part) if self.axis == 1 else (self.part, slice(0, shape[2]))


def slabs(model: Model, shape: tuple[int, ...], memory: int) -> list[Slab]:
    """Slabs of sections along every axis: multiples of what runs together, so that slabs change no answer."""
    found = []
    for axis in model.backbone.section_axes:
        depth, length = (multiple(size, model.net.stride) for size in (shape[0], shape[axis]))
        count = math.lcm(encoder_of(model).sections_at_once(depth, length), model.net.stride)
        thickness = max(memory // 4 // (depth * length * SLAB_BYTES) // count, 1) * count
        size = shape[3 - axis]
        found += [Slab(axis, slice(start, min(start + thickness, size))) for start in range(0, size, thickness)]
    return found


def padded_shape(model: Model, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape over which tensors of sections are kept."""
    return tuple(multiple(size, model.net.stride) for size in shape)


def run_slab(
    model: Model, slab: Slab, shape: tuple[int, ...], inputs: Mapping[str, torch.Tensor]
) -> dict[str, tuple[FieldSpec, Window, Array]]:
    """What the network makes of the padded inputs of a slab: arrays, channels first, with where they are kept."""
    found = {}
    sizes = next(iter(inputs.values())).shape[2:]
    across = 3 - slab.axis
    for name, values in encoder_of(model).along(inputs, slab.axis).items():
        ratios = tuple(full // have for full, have in zip(sizes, values.shape[2:], strict=True))
        start = slab.part.start // ratios[across]
        window = [slice(0, size) for size in values.shape[2:]]
        window[across] = slice(start, start + values.shape[2 + across])
        spec = FieldSpec(padded_shape(model, shape), values.shape[1], ratios, values.dtype == torch.float16)
        found[name] = spec, tuple(window), values[0].float().cpu().numpy()
    return found


def fused(model: Model, along: Sequence[Along], inputs: Mapping[str, torch.Tensor], depth: slice) -> Any:
    """What the encoder gives, from tensors of the sections along all axes over a tile's padded window, and its padded
    inputs."""
    tensors = [{name: _tensor(model, kept, depth) for name, kept in one.items()} for one in along]
    return encoder_of(model).fuse(tensors, inputs)


def padded(model: Model, part: slice) -> slice:
    """A part of an axis, up to where the padding of an image that ends there ends."""
    return slice(part.start, multiple(part.stop, model.net.stride))


def encoder_of(model: Model) -> Any:
    """The encoder of a backbone that begins with sections."""
    return model.net.encoder


def _tensor(model: Model, kept: Kept, depth: slice) -> torch.Tensor:
    ratio = kept.ratios[0]
    part = np.ascontiguousarray(kept.values[:, depth.start // ratio : depth.stop // ratio])
    tensor = torch.from_numpy(part)[None].to(model.device)
    return tensor.half() if kept.half else tensor
