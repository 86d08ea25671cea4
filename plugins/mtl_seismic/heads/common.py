"""What the default heads share."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class PointwiseHead(nn.Module):
    """One convolution of kernel 1 whose channels are dealt out to the named raw tensors.

    The decoder has done the seeing; a kernel of 1 at full resolution costs almost nothing.
    """

    def __init__(self, channels: int, raw: Mapping[str, int], ndim: int) -> None:
        super().__init__()
        layer = nn.Conv2d if ndim == 2 else nn.Conv3d
        self.raw = dict(raw)
        self.out = layer(channels, sum(raw.values()), 1)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        parts = self.out(features).split(list(self.raw.values()), dim=1)
        return dict(zip(self.raw, parts, strict=True))


def on_samples(values: Tensor, like: Tensor) -> Tensor:
    """Values of cells repeated for each of their samples, of which ``like`` has one each (N x any x size...)."""
    for axis in range(2, values.ndim):
        size, cells = like.shape[axis], values.shape[axis]
        if size != cells:
            values = values.repeat_interleave(-(-size // cells), axis).narrow(axis, 0, size)
    return values
