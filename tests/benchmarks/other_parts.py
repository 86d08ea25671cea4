"""Other parts for the default network, that candidates.py compares with its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from mtl_seismic.heads.common import PointwiseHead
from mtl_seismic.heads.fault import DIP, PROBABILITY, Fault
from mtl_seismic.unet.backbone import UNet
from mtl_seismic.unet.blocks import Block, Step, convolution
from mtl_seismic.unet.normalisation import BatchNorm
from mtlcore.losses import fill_unknown, masked_mean
from mtlcore.plugin.plugins import current

GROUPS = 8


@dataclass(frozen=True)
class OtherParts(UNet):
    """The default network with one part exchanged.

    ``normalisation``: group (Wu and He 2018) has no statistics of a batch. ``blocks``: plain ones have no addition.
    ``dhr_raised``: how DHR comes back to full resolution: by interpolation, and a convolution there.
    """

    name: ClassVar[str] = "other-parts"
    normalisation: Literal["batch", "group", "none"] = "batch"
    blocks: Literal["residual", "plain"] = "residual"
    dhr_raised: Literal["shuffle", "interpolation"] = "shuffle"

    def encoder(self, inputs: Mapping[str, int], ndim: int) -> nn.Module:
        return self._exchange(super().encoder(inputs, ndim))

    def decoder(self, task: str, ndim: int) -> nn.Module:
        return self._exchange(super().decoder(task, ndim))

    def neck(self, task: str, ndim: int) -> nn.Module:
        interpolated = task == "dhr" and self.dhr_raised == "interpolation"
        return self._exchange(InterpolatedNeck(self, ndim) if interpolated else super().neck(task, ndim))

    def _exchange(self, net: nn.Module) -> nn.Module:
        if self.normalisation != "batch":
            exchange(net, BatchNorm, self._norm)
        if self.blocks == "plain":
            exchange(net, Block, lambda block: nn.Sequential(block.first, block.second))
        return net

    def _norm(self, batch: BatchNorm) -> nn.Module:
        channels = len(batch.weight)
        return nn.GroupNorm(GROUPS, channels) if self.normalisation == "group" else Bias(channels)


class Bias(nn.Module):
    """One number for each channel, added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, values: Tensor) -> Tensor:
        return values + self.bias.view(-1, *[1] * (values.ndim - 2))


class InterpolatedNeck(nn.Module):
    """From cells back to samples by interpolation: N x features x size... ."""

    def __init__(self, options: UNet, ndim: int) -> None:
        super().__init__()
        width = options.widths[0]
        self.stem = options.stem
        self.before = Step(width, width, ndim)
        self.narrow = convolution(width, options.features, ndim, kernel=1)
        self.after = Step(options.features, options.features, ndim)

    def forward(self, values: Tensor) -> Tensor:
        narrow = self.narrow(self.before(values))
        raised: Tensor = self.after(nn.functional.interpolate(narrow, scale_factor=self.stem, mode="bilinear"))
        return raised


@dataclass(frozen=True)
class AngleFault(Fault):
    """Task fault in 2D whose dip is learned as one number in radians, which jumps where planes turn past level."""

    name: ClassVar[str] = "fault-angle"

    def head(self, channels: int, ndim: int) -> nn.Module:
        return PointwiseHead(channels, {"fault_logit": 1, "fault_angle": 1}, ndim)

    def _orientation_loss(self, predicted: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        dip, labelled = fill_unknown(target[DIP])
        on_fault = labelled & (target[PROBABILITY] > 0.5)
        return masked_mean((predicted["fault_angle"].float() - torch.deg2rad(dip)).abs(), on_fault)

    def decode(self, raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
        probability = torch.sigmoid(raw["fault_logit"].float())
        return {PROBABILITY: probability, DIP: torch.rad2deg(raw["fault_angle"].float()) % 180}


def exchange(net: nn.Module, old: type[nn.Module], make: Callable[..., nn.Module]) -> None:
    """Put another module in the place of each one of a class inside a network."""
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, old):
                setattr(parent, name, make(child))


current().backbones.add(OtherParts)
current().tasks.add(AngleFault)
