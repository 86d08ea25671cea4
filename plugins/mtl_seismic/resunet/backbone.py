"""The reference network's body. Source: Gao 2024, GJI, doi 10.1093/gji/ggad424."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtl_seismic.resunet.blocks import U1, U2, U3, ConvBlock, UBlock, pool, resize
from mtlcore.errors import MtlError
from mtlcore.plugin.interfaces import Backbone

STEM_CHANNELS = 4
SMALLEST = 16
"""Samples on an axis below which the deepest level, of an eighth of the size, has one sample or none."""

Features = tuple[Tensor, Tensor, Tensor]
"""Of 16, 32 and 64 channels at the full, half and quarter size."""


@dataclass(frozen=True)
class ResUNet(Backbone):
    """The reference network, exact to its numbers, for its checkpoints: U-shaped blocks within a U-Net.

    It normalises over the whole volume (InstanceNorm), so that a tile of it disagrees with the whole.
    """

    name = "resunet"

    def encoder(self, inputs: Mapping[str, int], ndim: int) -> nn.Module:
        """The encoder of MTI where the only input is an image of one channel, else that of MTR."""
        return Encoder(inputs, ndim)

    def decoder(self, task: str, ndim: int) -> nn.Module:
        """The same for every task."""
        return Decoder(ndim)

    @property
    def channels(self) -> int:
        return 16

    @property
    def halo(self) -> None:
        """The network must see the whole volume, because of InstanceNorm."""


class Encoder(nn.Module):
    """A dict of tensors, N x channels x ..., to features at three sizes.

    The image alone goes straight in (MTI); any other inputs pass through a stem each and are joined in
    their order (MTR).
    """

    def __init__(self, inputs: Mapping[str, int], ndim: int) -> None:
        super().__init__()
        self.names = tuple(inputs)
        self.stems = nn.ModuleDict()
        if dict(inputs) != {"image": 1}:
            self.stems.update({name: stem(count, ndim) for name, count in inputs.items()})
        self.encoder1 = UBlock(U1, ndim, STEM_CHANNELS * len(self.stems) or 1, 16)
        self.encoder2 = UBlock(U2, ndim, 16, 32)
        self.encoder3 = UBlock(U3, ndim, 32, 64)

    def forward(self, inputs: Mapping[str, Tensor]) -> Features:
        """Inputs by name to features; MtlError where an axis is too short for the network."""
        tensors = [inputs[name] for name in self.names]
        size = tuple(tensors[0].shape[2:])
        if min(size) < SMALLEST:
            raise MtlError(f"The backbone 'resunet' needs {SMALLEST} samples on every axis: the image has {size}.")
        if self.stems:
            tensors = [self.stems[name](tensor) for name, tensor in zip(self.names, tensors, strict=True)]
        e1 = self.encoder1(torch.cat(tensors, dim=1))
        e2 = self.encoder2(pool(e1))
        return e1, e2, self.encoder3(pool(e2))


def stem(channels: int, ndim: int) -> nn.Module:
    """What one input of MTR passes through: N x channels x ... to N x 4 x ..."""
    blocks = [ConvBlock(ndim, channels, STEM_CHANNELS), ConvBlock(ndim, STEM_CHANNELS, STEM_CHANNELS)]
    return nn.Sequential(*blocks)


class Decoder(nn.Module):
    """Features at three sizes to N x 16 x ... at the full size."""

    def __init__(self, ndim: int) -> None:
        super().__init__()
        self.decoder2 = UBlock(U2, ndim, 64 + 32, 32)
        self.decoder1 = UBlock(U1, ndim, 32 + 16, 16)

    def forward(self, features: Features) -> Tensor:
        """The encoder's features to one task's."""
        e1, e2, e3 = features
        d2 = self.decoder2(join(e3, e2))
        d1: Tensor = self.decoder1(join(d2, e1))
        return d1


def join(deeper: Tensor, skip: Tensor) -> Tensor:
    """Deeper features at the size of the shallower ones, then these."""
    return torch.cat([resize(deeper, skip.shape[2:]), skip], dim=1)
