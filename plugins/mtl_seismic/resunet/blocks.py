"""Blocks of the reference network, in 2D and 3D. Source: Gao 2024, GJI, doi 10.1093/gji/ggad424.

Names of attributes are those of the keys in its checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

LINEAR = {2: "bilinear", 3: "trilinear"}


def convolution(ndim: int, inputs: int, outputs: int, size: int = 3, dilation: int = 1) -> nn.Module:
    """A convolution with a bias and an odd kernel; zeros around the borders keep the size."""
    kind: Callable[..., nn.Module] = {2: nn.Conv2d, 3: nn.Conv3d}[ndim]
    # Not padding="same": with a dilation that does not export to ONNX Runtime.
    return kind(inputs, outputs, size, padding=dilation * (size // 2), dilation=dilation)


def instance_norm(ndim: int, channels: int) -> nn.Module:
    """Every channel of every item to mean 0 and variance 1 over the whole volume, without parameters."""
    kind: Callable[..., nn.Module] = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}[ndim]
    return kind(channels)


def pool(features: Tensor) -> Tensor:
    """Half the size on every axis, by the maximum; the last sample of an odd axis is left out."""
    pooling = {2: functional.max_pool2d, 3: functional.max_pool3d}[features.ndim - 2]
    return pooling(features, 2)


def double(features: Tensor, size: Sequence[int]) -> Tensor:
    """Back to the size before ``pool``: linear interpolation, and a zero at the end of an odd axis."""
    mode = LINEAR[features.ndim - 2]
    doubled = functional.interpolate(features, scale_factor=2, mode=mode, align_corners=False)
    missing = [wanted - present for wanted, present in zip(size, doubled.shape[2:], strict=True)]
    if not any(missing):
        return doubled
    # torch pads from the last axis to the first, each before and after.
    return functional.pad(doubled, [amount for axis in reversed(missing) for amount in (0, axis)])


def resize(features: Tensor, size: Sequence[int]) -> Tensor:
    """Another size by linear interpolation; first and last samples keep their places (align_corners)."""
    mode = LINEAR[features.ndim - 2]
    return functional.interpolate(features, size=tuple(size), mode=mode, align_corners=True)


class ConvBlock(nn.Module):
    """Convolution, InstanceNorm (or none) and an activation: N x inputs x ... to N x outputs x ..."""

    def __init__(
        self,
        ndim: int,
        inputs: int,
        outputs: int,
        dilation: int = 1,
        norm: bool = True,
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        # The bias has no effect before a norm, but checkpoints hold one.
        layers = [convolution(ndim, inputs, outputs, dilation=dilation)]
        if norm:
            layers.append(instance_norm(ndim, outputs))
        self.c = nn.Sequential(*layers, activation())

    def forward(self, features: Tensor) -> Tensor:
        """Features to features of the same size."""
        result: Tensor = self.c(features)
        return result


@dataclass(frozen=True)
class Form:
    """What tells the U-shaped blocks apart.

    ``multiples``: channels at levels 1, 2, ... and at the bottom, in units of the block's width;
    ``dilations``: of the convolutions there; ``pooled``: whether each level is half the size of the last.
    """

    multiples: tuple[int, ...]
    dilations: tuple[int, ...]
    pooled: bool = True


U1 = Form(multiples=(1, 2, 4, 16), dilations=(1, 1, 1, 2))
U2 = Form(multiples=(1, 2, 8), dilations=(1, 1, 2))
U3 = Form(multiples=(1, 2, 2, 4), dilations=(1, 2, 4, 8), pooled=False)


class UBlock(nn.ModuleDict):
    """A small U-Net around which its first convolution is added: N x inputs x ... to N x width x ...

    ``conv0`` ... and ``convd`` go down to the bottom, ``up3`` ... ``up0`` come back up, each joined by
    what ``conv`` of its level has made.
    """

    def __init__(self, form: Form, ndim: int, inputs: int, width: int) -> None:
        super().__init__()
        *channels, bottom = (multiple * width for multiple in form.multiples)
        *dilations, deepest = form.dilations
        self.pooled = form.pooled
        self.levels = range(1, len(channels) + 1)
        self["conv0"] = ConvBlock(ndim, inputs, width)
        above = [width, *channels]
        for level, outputs, dilation in zip(self.levels, channels, dilations, strict=True):
            self[f"conv{level}"] = ConvBlock(ndim, above[level - 1], outputs, dilation)
        self["convd"] = ConvBlock(ndim, channels[-1], bottom, deepest)
        below = [*channels[1:], bottom]
        for level in reversed(self.levels):
            joined, outputs = below[level - 1] + channels[level - 1], channels[level - 1]
            self[f"up{level}"] = ConvBlock(ndim, joined, outputs, dilations[level - 1])
        self["up0"] = ConvBlock(ndim, channels[0], width)

    def forward(self, features: Tensor) -> Tensor:
        """Features to features of the same size."""
        first = self["conv0"](features)
        skips = [self["conv1"](first)]
        for level in self.levels[1:]:
            skips.append(self[f"conv{level}"](self._down(skips[-1])))
        features = self["convd"](self._down(skips[-1]))
        for level in reversed(self.levels):
            skip = skips.pop()
            features = self[f"up{level}"](torch.cat([self._up(features, skip), skip], dim=1))
        result: Tensor = self["up0"](features) + first
        return result

    def _down(self, features: Tensor) -> Tensor:
        return pool(features) if self.pooled else features

    def _up(self, features: Tensor, skip: Tensor) -> Tensor:
        return double(features, skip.shape[2:]) if self.pooled else features
