"""Building blocks of the default network, 2D and 3D."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from mtl_seismic.unet.normalisation import BatchNorm


def convolution(
    channels_in: int, channels_out: int, ndim: int, kernel: int = 3, dilation: int = 1, bias: bool = False
) -> nn.Module:
    """A convolution that keeps the size (explicit zero padding, which every export target understands)."""
    layer = nn.Conv2d if ndim == 2 else nn.Conv3d
    padding = dilation * (kernel // 2)
    return layer(channels_in, channels_out, kernel, padding=padding, dilation=dilation, bias=bias)


class Step(nn.Sequential):
    """Convolution, normalisation, rectifier."""

    def __init__(self, channels_in: int, channels_out: int, ndim: int, dilation: int = 1) -> None:
        super().__init__(
            convolution(channels_in, channels_out, ndim, dilation=dilation),
            BatchNorm(channels_out),
            nn.ReLU(inplace=True),
        )


class Block(nn.Module):
    """Two steps, the second one's result added to the first's."""

    def __init__(self, channels_in: int, channels_out: int, ndim: int) -> None:
        super().__init__()
        self.first = Step(channels_in, channels_out, ndim)
        self.second = Step(channels_out, channels_out, ndim)

    def forward(self, values: Tensor) -> Tensor:
        first = self.first(values)
        return torch.add(first, self.second(first))


class Dilated(nn.Module):
    """Steps of growing dilation, each added to what it reads: context without losing resolution."""

    def __init__(self, channels: int, ndim: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Step(channels, channels, ndim, dilation) for dilation in dilations)

    def forward(self, values: Tensor) -> Tensor:
        for step in self.steps:
            values = values + step(values)
        return values


class Down(nn.Sequential):
    """Half the resolution: a convolution of kernel and stride 2."""

    def __init__(self, channels_in: int, channels_out: int, ndim: int) -> None:
        layer = nn.Conv2d if ndim == 2 else nn.Conv3d
        super().__init__(
            layer(channels_in, channels_out, 2, stride=2, bias=False),
            BatchNorm(channels_out),
            nn.ReLU(inplace=True),
        )


class Up(nn.Module):
    """Twice the resolution by linear interpolation, joined with the encoder's features of that level."""

    def __init__(self, deep: int, skip: int, channels_out: int, ndim: int) -> None:
        super().__init__()
        self.mode: Literal["bilinear", "trilinear"] = "bilinear" if ndim == 2 else "trilinear"
        # Fewer channels before the interpolation: the same map, computed at the coarser resolution.
        self.narrow = convolution(deep, channels_out, ndim, kernel=1)
        self.block = Block(channels_out + skip, channels_out, ndim)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        raised = nn.functional.interpolate(self.narrow(deep), scale_factor=2, mode=self.mode, align_corners=False)
        joined: Tensor = self.block(torch.cat([raised, skip], 1))
        return joined
