"""The network: one encoder, per task a decoder (or one for all) and a head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtlcore.errors import MtlError
from mtlcore.plugin.interfaces import Backbone, Stage, Task

Raw = dict[str, dict[str, Tensor]]
"""Per task, its head's tensors by name."""


class MultiTaskNet(nn.Module):
    """From the stage's inputs, N x channels x ... by name, to every task's raw tensors.

    Inputs of any size: they are padded at their far ends (edge values) as the backbone's margin and stride ask,
    and the outputs are cut back.
    """

    def __init__(self, backbone: Backbone, tasks: Sequence[Task], inputs: Mapping[str, int], ndim: int) -> None:
        super().__init__()
        self.ndim = ndim
        self.stride, self.margin = backbone.stride, backbone.margin
        self.shared = backbone.shared_decoder
        self.input_names = tuple(inputs)
        names = ["shared"] if self.shared else [task.name for task in tasks]
        self.encoder = backbone.encoder(inputs, ndim)
        self.decoders = nn.ModuleDict({name: backbone.decoder(name, ndim) for name in names})
        necks = {task.name: backbone.neck(task.name, ndim) for task in tasks}
        self.necks = nn.ModuleDict({name: neck for name, neck in necks.items() if neck is not None})
        self.heads = nn.ModuleDict({task.name: backbone.head(task, ndim) for task in tasks})

    def forward(self, inputs: Mapping[str, Tensor], tasks: Iterable[str] | None = None) -> Raw:
        sizes = next(iter(inputs.values())).shape[2:]
        raw = self.body({name: self.pad(inputs[name]) for name in self.input_names}, tasks)
        return {
            task: {name: self._cut(value, sizes) for name, value in tensors.items()} for task, tensors in raw.items()
        }

    def body(self, inputs: Mapping[str, Tensor], tasks: Iterable[str] | None = None) -> Raw:
        """The network between ``pad`` and the cut: of padded inputs, raw tensors of their sizes, or coarser ones."""
        names = list(self.heads if tasks is None else tasks)
        return self.outputs(self.decode(inputs, names), names)

    def decode(self, inputs: Mapping[str, Tensor], tasks: Iterable[str] | None = None) -> dict[str, Tensor]:
        """What the decoders make of padded inputs, by their names: that of a task, or "shared"."""
        return self.decode_encoded(self.encoder({name: inputs[name] for name in self.input_names}), tasks)

    def decode_encoded(self, encoded: Any, tasks: Iterable[str] | None = None) -> dict[str, Tensor]:
        """The same of what the encoder gave."""
        names = ("shared",) if self.shared else self.heads if tasks is None else tasks
        return {name: self.decoders[name](encoded) for name in names}

    def outputs(self, decoded: Mapping[str, Tensor], tasks: Iterable[str] | None = None) -> Raw:
        """Each task's raw tensors from what the decoders made."""
        raw: Raw = {}
        for name in self.heads if tasks is None else tasks:
            features = decoded["shared" if self.shared else name]
            if name in self.necks:
                features = self.necks[name](features)
            raw[name] = self.heads[name](features)
        return raw

    def pad(self, values: Tensor) -> Tensor:
        """By the backbone's margin and up to a multiple of its stride on every axis, by repeating the far edge."""
        missing = [self._missing(size) for size in values.shape[2:]]
        if not any(missing):
            return values
        pads = [amount for size in reversed(missing) for amount in (0, size)]
        return nn.functional.pad(values, pads, mode="replicate")

    def _missing(self, size: int) -> int:
        return self.margin + -(size + self.margin) % self.stride

    def _cut(self, values: Tensor, sizes: torch.Size) -> Tensor:
        """Back to the inputs' sizes; a head at a coarser resolution keeps its whole last cell."""
        padded = [size + self._missing(size) for size in sizes]
        ratios = [full // have for full, have in zip(padded, values.shape[2:], strict=True)]
        window = tuple(slice(0, -(-size // ratio)) for size, ratio in zip(sizes, ratios, strict=True))
        return values[(slice(None), slice(None), *window)]


def flatten(raw: Raw) -> dict[str, Tensor]:
    """All tasks' raw tensors in one dict; two of one name are an error."""
    flat: dict[str, Tensor] = {}
    for task, tensors in raw.items():
        for name, value in tensors.items():
            if name in flat:
                raise MtlError(f"Two heads give a raw output '{name}', one of them task '{task}': rename one.")
            flat[name] = value
    return flat


def input_channels(stage: Stage, tasks: Sequence[Task], ndim: int) -> dict[str, int]:
    """How many channels a stage's network reads under each name, found by a trial on zeros."""
    zeros = torch.zeros((1, 1) + (2,) * ndim)
    fields = {output.name: zeros for task in tasks for output in task.outputs_in(ndim)}
    return {name: value.shape[1] for name, value in stage.inputs(tasks, zeros, fields).items()}


def parameter_count(net: nn.Module) -> int:
    """Trainable numbers."""
    return sum(parameter.numel() for parameter in net.parameters())
