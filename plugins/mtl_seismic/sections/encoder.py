"""A 2D network over the sections of a volume, along both lateral axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_seismic.sections.kept import kept
from mtlcore.model.net import MultiTaskNet
from mtlcore.plugin.interfaces import Backbone, Task

CELL = 2
"""Samples along each axis of the cells on which the 3D network works."""
LATERAL = (1, 2)
"""The lateral axes of depth x inline x crossline."""
AXES = (3, 4)
"""The same of N x channels x depth x inline x crossline."""
BATCH = 2**18
"""Samples of the sections that run through the network together."""
FEATURES, SAMPLES = "features", "samples"
"""Names of what a 3D network reads."""


class SectionEncoder(nn.Module):
    """A volume's inputs to each task's raw tensors, by "task/name", and what a 3D network after it reads.

    Raw tensors have their task's resolution. ``with_features``: the features of the decoders along both axes, on cells,
    N x channels x size/2... ; ``with_samples``: the inputs, and what was found along each axis of every sample. All but
    raw tensors of samples are half precision: they are most of the memory.
    """

    def __init__(
        self,
        plane: Backbone,
        tasks: Sequence[Task],
        inputs: Mapping[str, int],
        with_features: bool = False,
        with_samples: bool = False,
        cache: bool = False,
    ) -> None:
        super().__init__()
        self.net = MultiTaskNet(plane, tasks, inputs, ndim=2)
        self.tasks = tuple(tasks)
        self.with_features, self.with_samples, self.cache = with_features, with_samples, cache

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if not self._may_keep():
            return self._encode(inputs)
        items = [{name: values[i : i + 1] for name, values in inputs.items()} for i in range(len(_any(inputs)))]
        encoded = [kept(item, self._encode) for item in items]
        return {name: torch.cat([item[name] for item in encoded]) for name in encoded[0]}

    def _may_keep(self) -> bool:
        """While something is trained, but not this: then every epoch asks for the same."""
        frozen = not (self.training or any(weight.requires_grad for weight in self.parameters()))
        return self.cache and frozen and not torch.is_inference_mode_enabled()

    def _encode(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self.fuse([self.along(inputs, axis) for axis in LATERAL], inputs)

    def fuse(self, found: Sequence[Mapping[str, Tensor]], inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the network said of the sections along each axis of one window of a volume, as the encoder gives it."""
        encoded: dict[str, Tensor] = {}
        for task in self.tasks:
            raw = task.fuse_sections([_of_task(along, task.name) for along in found])
            encoded |= {f"{task.name}/{name}": values for name, values in raw.items()}
        if self.with_features:
            encoded[FEATURES] = torch.cat([along[FEATURES] for along in found], 1)
        if self.with_samples:
            sizes = _any(inputs).shape[2:]
            samples = [
                values
                for along in found
                for name, values in along.items()
                if values.shape[1:] == (1, *sizes) and name in encoded
            ]
            encoded[SAMPLES] = torch.cat([*inputs.values(), *samples], 1).half()
        return encoded

    def sections_at_once(self, depth: int, length: int) -> int:
        """How many sections of these sizes run through the network together: whole cells of them."""
        return max(BATCH // (depth * length) // CELL, 1) * CELL

    def along(self, inputs: Mapping[str, Tensor], axis: int) -> dict[str, Tensor]:
        """What the network says of the sections along a lateral axis (1 or 2), as volumes: raw tensors by "task/name",
        and its features, if they are wanted."""
        inside, across = axis + 2, sum(AXES) - axis - 2
        first = _any(inputs)
        items, _, depth, *_ = first.shape
        count = self.sections_at_once(items * depth, first.shape[inside])
        volumes: dict[str, Tensor] = {}
        for start in range(0, first.shape[across], count):
            window = {name: values[_part(across, start, count)] for name, values in inputs.items()}
            sections = {name: values.movedim(across, 1).flatten(0, 1) for name, values in window.items()}
            for key, (values, ratio) in self._sections(sections).items():
                block = _stacked(values, items, ratio, across)
                if key not in volumes:
                    shape = list(block.shape)
                    shape[across] = first.shape[across] // ratio
                    volumes[key] = block.new_empty(shape)
                volumes[key][_part(across, start // ratio, count // ratio)] = block
        return volumes

    def _sections(self, sections: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, int]]:
        """Raw tensors of sections, and features, each with how many times coarser than the sections it is."""
        padded = {name: self.net.pad(values) for name, values in sections.items()}
        decoded = self.net.decode(padded)
        raw = self.net.outputs(decoded)
        read = {task.name: task.section_tensors for task in self.tasks}
        found = {
            f"{task}/{name}": values
            for task, tensors in raw.items()
            for name, values in tensors.items()
            if (names := read[task]) is None or name in names
        }
        if self.with_features:
            found[FEATURES] = torch.cat(list(decoded.values()), 1)
        length, sizes = _any(padded).shape[2], _any(sections).shape[2:]
        return {key: _cut(values, length // values.shape[2], sizes) for key, values in found.items()}


def _of_task(found: Mapping[str, Tensor], task: str) -> dict[str, Tensor]:
    """A task's own tensors by name."""
    return {name.partition("/")[2]: values for name, values in found.items() if name.partition("/")[0] == task}


def _any(tensors: Mapping[str, Tensor]) -> Tensor:
    return next(iter(tensors.values()))


def _part(axis: int, start: int, count: int) -> tuple[slice, ...]:
    return (*[slice(None)] * axis, slice(start, start + count))


def _cut(values: Tensor, ratio: int, sizes: torch.Size) -> tuple[Tensor, int]:
    """Without the padding; ``sizes`` are multiples of the network's stride, and so of the ratio."""
    return values[..., : sizes[0] // ratio, : sizes[1] // ratio], ratio


def _stacked(values: Tensor, items: int, ratio: int, across: int) -> Tensor:
    """Tensors of sections, (items * sections) x channels x ..., as a block of a volume, equally coarse on all axes."""
    values = values.reshape(items, -1, *values.shape[1:])
    if ratio > 1:
        values = values.reshape(items, -1, ratio, *values.shape[2:]).mean(2).half()
    return values.movedim(1, across)
