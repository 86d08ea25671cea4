"""Structural similarity as a differentiable measure, in 2D and 3D."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from mtlcore.errors import MtlError

TAPS, SIGMA = 11, 1.5


def ssim(a: Tensor, b: Tensor, data_range: float) -> Tensor:
    """Mean structural similarity (SSIM) of two tensors, N x C x ...: a scalar, 1 where they are equal.

    Gaussian window with sigma 1.5 and 11 taps along every axis, K1 = 0.01, K2 = 0.03, population covariance.
    Borders: only windows wholly inside count, so that the outermost 5 samples are seen by windows further in
    alone; nothing is padded. ``data_range`` is the span of possible values, e.g. 1 for RGT. An axis shorter
    than the window is an MtlError. Source: Wang et al. 2004, IEEE TIP 13(4).
    """
    if min(a.shape[2:]) < TAPS:
        raise MtlError(
            f"SSIM needs {TAPS} samples on every axis: the image has {tuple(a.shape[2:])}. Train on larger items."
        )
    # Half precision would lose the variances, which are differences of nearly equal numbers.
    with torch.autocast(a.device.type, enabled=False):
        return _similarity(a.float(), b.float(), data_range).mean()


def _similarity(a: Tensor, b: Tensor, data_range: float) -> Tensor:
    """SSIM of every window."""
    mean_a, mean_b, mean_squares, mean_product = blur(torch.stack([a, b, a * a + b * b, a * b]))
    squares, product = mean_a**2 + mean_b**2, mean_a * mean_b
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (2 * product + c1) * (2 * (mean_product - product) + c2)
    result: Tensor = similarity / ((squares + c1) * (mean_squares - squares + c2))
    return result


def blur(fields: Tensor) -> Tensor:
    """Gaussian-weighted mean of every window: K x N x C x ... to the same, each axis 10 samples shorter."""
    ndim = fields.ndim - 3
    convolve: Callable[[Tensor, Tensor], Tensor] = {2: functional.conv2d, 3: functional.conv3d}[ndim]
    window = gaussian(fields)
    images = fields.reshape(-1, 1, *fields.shape[3:])
    for axis in range(ndim):
        along = [1] * ndim
        along[axis] = TAPS
        images = convolve(images, window.view(1, 1, *along))
    return images.view(*fields.shape[:3], *images.shape[2:])


def gaussian(like: Tensor) -> Tensor:
    """The window's 11 weights, of sum 1, as a tensor like another one."""
    offsets = torch.arange(TAPS, device=like.device, dtype=like.dtype) - TAPS // 2
    weights = torch.exp(-0.5 * (offsets / SIGMA) ** 2)
    return weights / weights.sum()
