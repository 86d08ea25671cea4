"""The reference's heads and losses, for its checkpoints. Source: Gao 2024, GJI, doi 10.1093/gji/ggad424.

Raw tensors are the reference's own numbers: angles in units of 180 degrees, times the fault probability.
Labels are this package's: angles in degrees. A label that is NaN counts as equal to the prediction.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtl_seismic.resunet.blocks import ConvBlock, convolution
from mtl_seismic.resunet.ssim import ssim

HALF_TURN = 180.0
ANGLES = ("fault_dip", "fault_strike")


class ReferenceHead(nn.Module):
    """N x channels x ... features to one output, N x 1 x ...: three convolutions in a row."""

    def __init__(self, channels: int, ndim: int, name: str, activation: Literal["none", "sigmoid"] = "none") -> None:
        super().__init__()
        self.name = name
        self.bounded = activation == "sigmoid"
        self.out = final_convolutions(ndim, channels, outputs=1, size=1)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """The raw output by its name."""
        values: Tensor = self.out(features)
        return {self.name: values.sigmoid() if self.bounded else values}


class ReferenceFaultHead(nn.Module):
    """N x channels x ... features to fault probability, dip and in 3D strike, each N x 1 x ..."""

    def __init__(self, channels: int, ndim: int) -> None:
        super().__init__()
        self.out = final_convolutions(ndim, channels, outputs=channels, size=3)
        self.semantic = Subdecoder(ndim, channels, norm=False)
        self.dip = Subdecoder(ndim, channels)
        self.strike = Subdecoder(ndim, channels) if ndim == 3 else None

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Raw outputs by name; the angles are fractions of 180 degrees, times the probability."""
        faults = self.out(features)
        probability: Tensor = self.semantic(faults)
        raw = {"fault_probability": probability, "fault_dip": self.dip(faults) * probability}
        if self.strike is not None:
            raw["fault_strike"] = self.strike(faults) * probability
        return raw


class Subdecoder(nn.Module):
    """One of the fault outputs, 0..1: N x channels x ... to N x 1 x ..."""

    def __init__(self, ndim: int, channels: int, norm: bool = True) -> None:
        super().__init__()
        widths = (channels, 2 * channels, 2 * channels, 2 * channels, channels)
        blocks = [ConvBlock(ndim, inputs, outputs, norm=norm) for inputs, outputs in pairwise(widths)]
        self.conv = nn.Sequential(*blocks)
        self.out = nn.Sequential(ConvBlock(ndim, channels, 1, norm=False, activation=nn.Sigmoid))

    def forward(self, features: Tensor) -> Tensor:
        """Features to values between 0 and 1."""
        values: Tensor = self.out(self.conv(features) + features)
        return values


def final_convolutions(ndim: int, channels: int, outputs: int, size: int) -> nn.Module:
    """Three convolutions, nothing between them; ``outputs`` and kernel ``size`` are the last one's."""
    inner = [convolution(ndim, channels, channels) for _ in range(2)]
    return nn.Sequential(*inner, convolution(ndim, channels, outputs, size))


def reference_rgt_loss(predicted: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
    """5 (1 - SSIM + L1) of RGT, 0..1."""
    values = predicted["rgt"]
    labels = known(target["rgt"], values)
    return 5 * (1 - ssim(values, labels, data_range=1) + functional.l1_loss(values, labels))


def reference_dhr_loss(predicted: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
    """10 times the mean squared error of the denoised image."""
    return 10 * functional.mse_loss(predicted["dhr"], known(target["dhr"], predicted["dhr"]))


def reference_fault_loss(predicted: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
    """Dice loss of the probability + 10 L1 of dip (+ 10 L1 of strike in 3D), where they are labelled.

    The Dice loss takes its sums over the whole batch, as the reference does: several ranks with a part
    of the batch each do not have exactly the loss of one with all of it.
    """
    loss = dice_loss(predicted["fault_probability"], target["fault_probability"])
    for name in ANGLES:
        if name in predicted and name in target:
            # The reference's angles are 0 off the faults, whatever the labels hold there.
            angle = torch.where(target["fault_probability"] == 0, 0, target[name] / HALF_TURN)
            loss = loss + 10 * functional.l1_loss(predicted[name], known(angle, predicted[name]))
    return loss


def dice_loss(probability: Tensor, label: Tensor, smooth: float = 1.0) -> Tensor:
    """1 - Dice coefficient, with sums over all items; samples with an unknown label have no part in it."""
    labelled = ~label.isnan()
    # Sums in single precision: half precision ends at 65504.
    probability, label = (torch.where(labelled, values, 0).float() for values in (probability, label))
    common = (probability * label).sum()
    return 1 - (2 * common + smooth) / (probability.sum() + label.sum() + smooth)


def known(label: Tensor, prediction: Tensor) -> Tensor:
    """The label, and where it is unknown (NaN) the prediction itself, so that no error is counted there."""
    return torch.where(label.isnan(), prediction.detach(), label)


def decode_reference_fault(raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Raw tensors to fields: probability as it is, dip and strike in degrees, 0..180.

    An angle is freed of the probability that it was multiplied by; where that is at most 0.001 it is 0.
    """
    probability = raw["fault_probability"].float()
    fields = {"fault_probability": probability}
    for name in ANGLES:
        if name in raw:
            angle = HALF_TURN * raw[name].float() / probability.clamp(min=1e-3)
            fields[name] = torch.where(probability > 1e-3, angle.clamp(0, HALF_TURN), 0)
    return fields
