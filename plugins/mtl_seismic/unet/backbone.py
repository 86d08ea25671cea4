"""The default backbone: a U-Net (Ronneberger et al. 2015) between pixel shuffles, for 2D and 3D."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from mtl_seismic.unet.blocks import Block, Dilated, Down, Step, Up, convolution
from mtl_seismic.unet.shuffle import cells, shuffle, unshuffle
from mtlcore.errors import OptionError
from mtlcore.interfaces import Backbone


@dataclass(frozen=True)
class UNet(Backbone):
    """A U-Net whose first and last layers work on cells of ``stem`` samples along each axis.

    Convolving at full resolution is slow and gains little; moving the samples of a cell into channels
    keeps thin faults. ``widths`` are the channels of each level, ``dilations`` those of the deepest one.
    """

    name: ClassVar[str] = "unet"
    widths: tuple[int, ...] = (32, 48, 64, 96)
    dilations: tuple[int, ...] = (1, 2, 4)
    stem: int = 2
    features: int = 16
    decoders: Literal["shared", "private"] = "shared"

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths + self.dilations + (self.stem, self.features)) < 1:
            raise OptionError(f"backbone unet needs widths and numbers of at least 1, not {self}.")

    def encoder(self, inputs: Mapping[str, int], ndim: int) -> nn.Module:
        return Encoder(self, sum(inputs.values()), ndim)

    def decoder(self, task: str, ndim: int) -> nn.Module:
        return Decoder(self, ndim)

    @property
    def channels(self) -> int:
        return self.features

    @property
    def shared_decoder(self) -> bool:
        return self.decoders == "shared"

    @property
    def stride(self) -> int:
        return int(self.stem * 2 ** (len(self.widths) - 1))

    @property
    def halo(self) -> int:
        """The sum of every layer's reach in samples, rounded up to whole strides, and one for the heads."""
        cell = [self.stem * 2**level for level in range(len(self.widths))]
        # Blocks going down and coming up reach two cells each; interpolation and joining a coarser cell one more.
        reach: int = 4 * sum(cell[:-1]) + 2 * cell[-1] + 2 * sum(cell[1:])
        reach += sum(self.dilations) * cell[-1] + 2 * self.stem
        return -(-reach // self.stride) * self.stride + self.stride


class Encoder(nn.Module):
    """A dict of N x channels x size... to features of every level, finest first."""

    def __init__(self, options: UNet, channels: int, ndim: int) -> None:
        super().__init__()
        self.stem = options.stem
        widths = options.widths
        self.first = Block(channels * cells(options.stem, ndim), widths[0], ndim)
        self.downs = nn.ModuleList(Down(a, b, ndim) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(Block(width, width, ndim) for width in widths[1:])
        self.deepest = Dilated(widths[-1], ndim, options.dilations)

    def forward(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        levels = [self.first(unshuffle(torch.cat(list(inputs.values()), 1), self.stem))]
        for down, block in zip(self.downs, self.blocks, strict=True):
            levels.append(block(down(levels[-1])))
        levels[-1] = self.deepest(levels[-1])
        return levels


class Decoder(nn.Module):
    """The encoder's levels to N x features x size..., at full resolution."""

    def __init__(self, options: UNet, ndim: int) -> None:
        super().__init__()
        self.stem = options.stem
        widths = options.widths
        self.ups = nn.ModuleList(Up(b, a, a, ndim) for a, b in pairwise(widths))
        self.last = nn.Sequential(
            Step(widths[0], widths[0], ndim),
            convolution(widths[0], options.features * cells(options.stem, ndim), ndim, kernel=1, bias=True),
            nn.ReLU(inplace=True),
        )

    def forward(self, levels: list[Tensor]) -> Tensor:
        values = levels[-1]
        for up, skip in zip(reversed(self.ups), reversed(levels[:-1]), strict=True):
            values = up(values, skip)
        return shuffle(self.last(values), self.stem)
