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
from mtlcore.plugin.interfaces import Backbone

HEAD_REACH = 4
"""Samples that a task's head may see to each side without making tiles inexact."""
BLOCK = 2
"""Cells that a block, two convolutions of kernel 3, sees to each side."""


@dataclass(frozen=True)
class UNet(Backbone):
    """A U-Net whose first and last layers work on cells of ``stem`` samples along each axis.

    Convolving at full resolution is slow and gains little; moving the samples of a cell into channels
    keeps thin faults. ``widths`` are the channels of each level, ``dilations`` those of the deepest one.
    ``edge``: samples by which inputs are padded at their far ends at least: a multiple of the stride or not, their
    edges then look alike.
    """

    name: ClassVar[str] = "unet"
    widths: tuple[int, ...] = (32, 48, 64, 96)
    dilations: tuple[int, ...] = (1, 2, 4)
    stem: int = 2
    features: int = 16
    edge: int = 8
    decoders: Literal["shared", "private"] = "shared"

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths + self.dilations + (self.stem, self.features)) < 1:
            raise OptionError(f"backbone unet needs widths and numbers of at least 1, not {self}.")

    def encoder(self, inputs: Mapping[str, int], ndim: int) -> nn.Module:
        return Encoder(self, sum(inputs.values()), ndim)

    def decoder(self, task: str, ndim: int) -> nn.Module:
        return Decoder(self, ndim)

    def neck(self, task: str, ndim: int) -> nn.Module:
        return Neck(self, ndim)

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
    def margin(self) -> int:
        return self.edge

    @property
    def halo(self) -> int:
        """How far the network sees from the edge of a tile, in samples, rounded up to whole strides.

        Counted back from the output in cells of each level. Heads may see HEAD_REACH samples further.
        """
        reach = -(-HEAD_REACH // self.stem) + 1  # cells of the finest level: the heads, and the last step
        for _ in self.widths[1:]:
            reach += BLOCK
            # Interpolation reads the coarser cell around a cell and the neighbour that is nearer.
            reach = reach // 2 + 1
        reach += sum(self.dilations) + BLOCK
        for _ in self.widths[1:]:
            reach = 2 * reach + BLOCK
        return -(-reach * self.stem // self.stride) * self.stride


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
    """The encoder's levels to N x widths[0] x size/stem... ."""

    def __init__(self, options: UNet, ndim: int) -> None:
        super().__init__()
        widths = options.widths
        self.ups = nn.ModuleList(Up(b, a, a, ndim) for a, b in pairwise(widths))

    def forward(self, levels: list[Tensor]) -> Tensor:
        values = levels[-1]
        for up, skip in zip(reversed(self.ups), reversed(levels[:-1]), strict=True):
            values = up(values, skip)
        return values


class Neck(nn.Module):
    """A task's own last layers, from cells back to samples: N x features x size... ."""

    def __init__(self, options: UNet, ndim: int) -> None:
        super().__init__()
        self.stem = options.stem
        self.layers = nn.Sequential(
            Step(options.widths[0], options.widths[0], ndim),
            convolution(options.widths[0], options.features * cells(options.stem, ndim), ndim, kernel=1, bias=True),
            nn.ReLU(inplace=True),
        )

    def forward(self, values: Tensor) -> Tensor:
        return shuffle(self.layers(values), self.stem)
