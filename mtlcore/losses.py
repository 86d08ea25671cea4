"""Helpers for losses that leave unknown labels out and agree between one rank and several."""

from __future__ import annotations

import torch
from torch import Tensor


def fill_unknown(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Labels with 0 for NaN, and where they were known (boolean).

    Fill before computing: a NaN that is only masked afterwards still makes the gradient NaN.
    """
    known = ~torch.isnan(labels)
    return torch.where(known, labels, 0.0), known


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean over items of each item's mean over its masked samples (zero for an item that has none).

    ``values``: N x channels x ..., finite; ``mask``: the same or N x 1 x ..., boolean.
    Dividing by the number of items, not of samples, is what makes several ranks take one rank's steps.
    """
    axes = tuple(range(1, values.ndim))
    weight = mask.expand_as(values)
    return ((values * weight).sum(axes) / weight.sum(axes).clamp(min=1)).mean()
