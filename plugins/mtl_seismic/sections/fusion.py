"""The 3D network that corrects what a 2D one says of a volume's sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn

from mtl_seismic.sections.encoder import CELL, FEATURES
from mtl_seismic.unet.backbone import Decoder, Encoder, UNet
from mtl_seismic.unet.blocks import convolution
from mtl_seismic.unet.normalisation import BatchNorm
from mtl_seismic.unet.shuffle import cells, shuffle
from mtlcore.errors import OptionError

FUSED = "fused"


class RawTensor(NamedTuple):
    """A raw tensor's channels, and how many times coarser than samples it is."""

    channels: int
    ratio: int


class Fusion(nn.Module):
    """A U-Net on cells: the section encoder's tensors, with features for the heads beside them."""

    def __init__(self, options: UNet, features: int) -> None:
        super().__init__()
        width = options.widths[0]
        self.narrow = nn.Sequential(convolution(features, width, 3, kernel=1), BatchNorm(width), nn.ReLU(inplace=True))
        self.encoder, self.decoder = Encoder(options, width, 3), Decoder(options, 3)

    def forward(self, encoded: dict[str, Tensor]) -> dict[str, Tensor]:
        narrow = self.narrow(encoded[FEATURES].float())
        return encoded | {FUSED: self.decoder(self.encoder({FEATURES: narrow}))}


class FusedHead(nn.Module):
    """A task's raw tensors: those of the sections, corrected where there are features of a 3D network.

    Untrained it corrects nothing: its weights are 0.
    """

    def __init__(self, task: str, raw: Mapping[str, RawTensor], width: int = 0) -> None:
        super().__init__()
        self.task, self.raw = task, dict(raw)
        corrections = {name: _correction(name, tensor, width) for name, tensor in raw.items() if width}
        self.corrections = nn.ModuleDict(corrections)

    def forward(self, encoded: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found = {name: encoded[f"{self.task}/{name}"] for name in self.raw}
        for name, layer in self.corrections.items():
            factor = CELL // self.raw[name].ratio
            correction = layer(encoded[FUSED])
            found[name] = found[name].float() + (correction if factor == 1 else shuffle(correction, factor))
        return found


def _correction(name: str, tensor: RawTensor, width: int) -> nn.Module:
    if CELL % tensor.ratio:
        raise OptionError(
            f"backbone sections cannot correct '{name}', which has one value in {tensor.ratio} samples: its 3D network "
            f"works on cells of {CELL}. Leave widths out, or use another 2D network."
        )
    layer = convolution(width, tensor.channels * cells(CELL // tensor.ratio, 3), 3, kernel=1, bias=True)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
