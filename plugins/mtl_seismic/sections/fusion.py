"""The 3D networks that correct what a 2D one says of a volume's sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mtl_seismic.sections.encoder import CELL, FEATURES, SAMPLES
from mtl_seismic.unet.backbone import Decoder, Encoder, UNet
from mtl_seismic.unet.blocks import Step, convolution
from mtl_seismic.unet.normalisation import BatchNorm
from mtl_seismic.unet.shuffle import cells, shuffle, unshuffle
from mtlcore.errors import OptionError

ON_CELLS, ON_SAMPLES = "fused cells", "fused samples"
"""Names of the 3D networks' features."""
FINE_STEPS = 2
"""Convolutions of the network on samples: it sees as many cells to each side."""


class RawTensor(NamedTuple):
    """A raw tensor's channels, and how many times coarser than samples it is."""

    channels: int
    ratio: int


class Fusion(nn.Module):
    """The section encoder's tensors, with features of 3D networks: of a U-Net, and of convolutions that read samples.

    ``options`` are the U-Net's (None: none), ``fine`` the channels of the other (0: none). ``features`` and
    ``samples``: channels that the encoder gives. Both work on cells, with samples as channels.
    """

    def __init__(self, options: UNet | None, fine: int, features: int, samples: int) -> None:
        super().__init__()
        samples *= cells(CELL, 3)
        self.fine = nn.Sequential(*(Step(fine if i else samples, fine, 3) for i in range(FINE_STEPS if fine else 0)))
        self.coarse = OnCells(options, features + samples) if options else None

    def forward(self, encoded: dict[str, Tensor]) -> dict[str, Tensor]:
        found = dict(encoded)
        samples = unshuffle(found.pop(SAMPLES).float(), CELL)
        if self.coarse is not None:
            found[ON_CELLS] = self.coarse(torch.cat([found.pop(FEATURES).float(), samples], 1))
        if len(self.fine):
            found[ON_SAMPLES] = torch.cat([samples, self.fine(samples)], 1)
        return found


class OnCells(nn.Module):
    """A U-Net on cells, after a convolution of kernel 1 to its first width."""

    def __init__(self, options: UNet, channels: int) -> None:
        super().__init__()
        width = options.widths[0]
        self.narrow = nn.Sequential(convolution(channels, width, 3, kernel=1), BatchNorm(width), nn.ReLU(inplace=True))
        self.encoder, self.decoder = Encoder(options, width, 3), Decoder(options, 3)

    def forward(self, values: Tensor) -> Tensor:
        features: Tensor = self.decoder(self.encoder({FEATURES: self.narrow(values)}))
        return features


class FusedHead(nn.Module):
    """A task's raw tensors: those of the sections, corrected by what the 3D networks found.

    Untrained it corrects nothing: its weights are 0. ``width``, ``fine``: channels of the U-Net's features and, with
    the samples themselves, of the other network's, which corrects what has a value for each sample.
    """

    def __init__(self, task: str, raw: Mapping[str, RawTensor], width: int = 0, fine: int = 0) -> None:
        super().__init__()
        self.task, self.raw = task, dict(raw)
        coarse = {name: _zeros(width, _channels(name, tensor)) for name, tensor in raw.items() if width}
        on_samples = {name: _zeros(fine, _channels(name, t)) for name, t in raw.items() if fine and t.ratio == 1}
        self.corrections = nn.ModuleDict(coarse)
        self.fine_corrections = nn.ModuleDict(on_samples)

    def forward(self, encoded: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found = {name: encoded[f"{self.task}/{name}"] for name in self.raw}
        for name, layer in self.corrections.items():
            correction = layer(encoded[ON_CELLS])
            factor = CELL // self.raw[name].ratio
            found[name] = found[name].float() + (correction if factor == 1 else shuffle(correction, factor))
        for name, layer in self.fine_corrections.items():
            found[name] = found[name] + shuffle(layer(encoded[ON_SAMPLES]), CELL)
        return found


def _channels(name: str, tensor: RawTensor) -> int:
    """Numbers that a raw tensor has in a cell."""
    if CELL % tensor.ratio:
        raise OptionError(
            f"backbone sections cannot correct '{name}', which has one value in {tensor.ratio} samples: its 3D network "
            f"works on cells of {CELL}. Leave widths out, or use another 2D network."
        )
    return tensor.channels * cells(CELL // tensor.ratio, 3)


def _zeros(channels_in: int, channels_out: int) -> nn.Module:
    layer = convolution(channels_in, channels_out, 3, kernel=1, bias=True)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
