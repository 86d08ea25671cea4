from dataclasses import dataclass

import numpy as np
from torch import nn, sigmoid
from torch.nn.functional import binary_cross_entropy_with_logits

from mtlcore import Display, Output, Task
from mtlcore.losses import fill_unknown, masked_mean


class Head(nn.Module):
    def __init__(self, channels, ndim):
        super().__init__()
        self.convolution = (nn.Conv2d if ndim == 2 else nn.Conv3d)(channels, 1, kernel_size=1)

    def forward(self, features):
        return {"salt": self.convolution(features)}  # a logit


@dataclass(frozen=True)
class Salt(Task):
    """Probability that a sample lies inside salt."""

    name = "salt"
    outputs = (Output("salt", "probability of salt", range=(0, 1), display=Display("overlay", "viridis")),)
    headline = ("intersection_over_union",)
    salt_weight: float = 1.0  # an option: how much more a salt sample counts than another

    def head(self, channels, ndim):
        return Head(channels, ndim)

    def loss(self, predicted, target):
        label, known = fill_unknown(target["salt"])  # labels are NaN where they are unknown
        weight = 1 + (self.salt_weight - 1) * label
        return masked_mean(binary_cross_entropy_with_logits(predicted["salt"], label, weight, reduction="none"), known)

    def decode(self, raw):
        return {"salt": sigmoid(raw["salt"])}

    def metrics(self, predicted, target):
        known = np.isfinite(target["salt"])
        found, true = predicted["salt"][known] > 0.5, target["salt"][known] > 0.5
        union = (found | true).sum()
        return {"intersection_over_union": float((found & true).sum() / union) if union else 1.0}
