"""Task dhr: the denoised image of higher resolution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtl_seismic.heads.common import PointwiseHead
from mtl_seismic.heads.corruption import corrupt_dhr
from mtl_seismic.heads.metrics import peak_signal_to_noise, signal_to_noise, structural_similarity
from mtl_seismic.resunet import reference
from mtlcore.losses import fill_unknown, masked_mean
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.outputs import Display, Output

Array = NDArray[np.float32]

DHR_OUTPUT = Output(
    "dhr",
    "denoised image of higher resolution",
    unit="amplitude",
    amplitude=True,
    alias="dhr",
    display=Display("image", "gray"),
)


@dataclass(frozen=True)
class DHR(Task):
    """Denoised, higher-resolution image, in the input's amplitude scale.

    ``variant``: ``reference`` has the head and loss of Gao (2024, doi 10.1093/gji/ggad424).
    ``gradient_weight``: how much the difference of neighbouring samples along depth counts beside the amplitude;
    ``noise_weight``: how much the logarithm of the noise's amplitude does, the signal-to-noise ratio in nepers, which
    asks as much of clean items as of noisy ones.
    """

    name: ClassVar[str] = "dhr"
    outputs: ClassVar[tuple[Output, ...]] = (DHR_OUTPUT,)
    headline: ClassVar[tuple[str, ...]] = ("snr", "input_snr")
    variant: Literal["default", "reference"] = "default"
    gradient_weight: float = 1.0
    noise_weight: float = 0.3

    def head(self, channels: int, ndim: int) -> nn.Module:
        if self.variant == "reference":
            return reference.ReferenceHead(channels, ndim, "dhr")
        return PointwiseHead(channels, {"dhr": 1}, ndim)

    def loss(self, predicted: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        if self.variant == "reference":
            return reference.reference_dhr_loss(predicted, target)
        truth, known = fill_unknown(target["dhr"])
        difference = predicted["dhr"].float() - truth
        gradient = torch.diff(difference, dim=2)
        both = known[:, :, 1:] & known[:, :, :-1]
        amplitude, change = masked_mean(difference.abs(), known), masked_mean(gradient.abs(), both)
        return amplitude + self.gradient_weight * change + self.noise_weight * _noise(difference, truth, known)

    def metrics(self, predicted: Mapping[str, Array], target: Mapping[str, Array]) -> dict[str, float]:
        truth = target["dhr"]
        figures: dict[str, float] = {}
        for label, estimate in (("", predicted["dhr"]), ("input_", target["image"])):
            figures[f"{label}snr"] = signal_to_noise(estimate, truth)
            figures[f"{label}psnr"] = peak_signal_to_noise(estimate, truth)
            figures[f"{label}ssim"] = structural_similarity(estimate, truth, float(np.nanmax(np.abs(truth))) * 2)
        return figures

    def corrupt(self, labels: Mapping[str, Any], random: np.random.Generator) -> dict[str, Array]:
        return {"dhr": corrupt_dhr(labels["dhr"], random)}


def _noise(difference: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """The logarithm of an item's noise-to-signal ratio of amplitudes, its mean over items."""
    axes = tuple(range(1, truth.ndim))
    noise, signal = ((values.square() * known).sum(axes) for values in (difference, truth))
    # An item without labels or without signal has nothing to say; a perfect one is no better than 60 dB.
    ratio = (noise + 1e-6 * signal + 1e-9) / (signal + 1e-9)
    return (0.5 * torch.log(ratio) * (signal > 0)).mean()
