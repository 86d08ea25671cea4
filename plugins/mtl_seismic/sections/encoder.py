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
AXES = (3, 4)
"""The lateral axes of N x channels x depth x inline x crossline."""
BATCH = 2**18
"""Samples of the sections that run through the network together."""
FEATURES, SAMPLES = "features", "samples"
"""Names of what a 3D network reads."""

Along = dict[str, dict[str, Tensor]]
"""Per task, its 2D raw tensors by name, put together to volumes: of the sections along one axis."""


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
        found = [self._along(inputs, axis) for axis in AXES]
        encoded: dict[str, Tensor] = {}
        for task in self.tasks:
            raw = task.fuse_sections([along[task.name] for along, _ in found])
            encoded |= {f"{task.name}/{name}": values for name, values in raw.items()}
        if self.with_features:
            encoded[FEATURES] = torch.cat([features for _, features in found], 1)
        if self.with_samples:
            sizes = _any(inputs).shape[2:]
            samples = [
                values
                for along, _ in found
                for task, raw in along.items()
                for name, values in raw.items()
                if values.shape[1:] == (1, *sizes) and f"{task}/{name}" in encoded
            ]
            encoded[SAMPLES] = torch.cat([*inputs.values(), *samples], 1).half()
        return encoded

    def _along(self, inputs: Mapping[str, Tensor], axis: int) -> tuple[Along, Tensor]:
        """What the network says of the sections along an axis, as volumes, and its features (empty without)."""
        across = sum(AXES) - axis
        first = _any(inputs)
        items, _, depth, *_ = first.shape
        count = max(BATCH // (items * depth * first.shape[axis]) // self.net.stride, 1) * self.net.stride
        volumes: dict[tuple[str, str], Tensor] = {}
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
        features = volumes.pop((FEATURES, ""), first.new_empty(0))
        along: Along = {task.name: {} for task in self.tasks}
        for (task, name), values in volumes.items():
            along[task][name] = values
        return along, features

    def _sections(self, sections: Mapping[str, Tensor]) -> dict[tuple[str, str], tuple[Tensor, int]]:
        """Raw tensors of sections, and features, each with how many times coarser than the sections it is."""
        padded = {name: self.net.pad(values) for name, values in sections.items()}
        decoded = self.net.decode(padded)
        raw = self.net.outputs(decoded)
        read = {task.name: task.section_tensors for task in self.tasks}
        found = {
            (task, name): values
            for task, tensors in raw.items()
            for name, values in tensors.items()
            if (names := read[task]) is None or name in names
        }
        if self.with_features:
            found[FEATURES, ""] = torch.cat(list(decoded.values()), 1)
        length, sizes = _any(padded).shape[2], _any(sections).shape[2:]
        return {key: _cut(values, length // values.shape[2], sizes) for key, values in found.items()}


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
