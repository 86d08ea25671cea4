"""Pixel shuffling in any number of dimensions (Shi et al. 2016, arXiv:1609.05158)."""

from __future__ import annotations

import math

from torch import Tensor


def unshuffle(values: Tensor, factor: int) -> Tensor:
    """N x C x size... to N x (C * factor^d) x size/factor...: space moves into channels."""
    batch, channels, *sizes = values.shape
    ndim = len(sizes)
    split = values.reshape(batch, channels, *[n for size in sizes for n in (size // factor, factor)])
    order = [0, 1, *range(3, 3 + 2 * ndim, 2), *range(2, 2 + 2 * ndim, 2)]
    return split.permute(order).reshape(batch, channels * factor**ndim, *[size // factor for size in sizes])


def shuffle(values: Tensor, factor: int) -> Tensor:
    """N x (C * factor^d) x size... to N x C x size*factor...: the inverse."""
    batch, channels, *sizes = values.shape
    ndim = len(sizes)
    split = values.reshape(batch, channels // factor**ndim, *[factor] * ndim, *sizes)
    order = [0, 1, *[axis for i in range(ndim) for axis in (2 + ndim + i, 2 + i)]]
    return split.permute(order).reshape(batch, -1, *[size * factor for size in sizes])


def cells(factor: int, ndim: int) -> int:
    """Samples in one cell."""
    return math.prod([factor] * ndim)
