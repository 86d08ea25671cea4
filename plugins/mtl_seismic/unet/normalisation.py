"""Batch normalisation whose statistics are those of the global batch, on any device."""

from __future__ import annotations

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.distributed.nn import functional as differentiable


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy 2015), N x channels x ..., fixed statistics at inference.

    With several ranks the statistics are summed over all of them, so that one rank and two with the same
    global batch take the same step. torch's own synchronised form needs a GPU.
    """

    def __init__(self, channels: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.momentum = momentum
        self.epsilon = epsilon

    def forward(self, values: Tensor) -> Tensor:
        if self.training and distributed.is_initialized() and distributed.get_world_size() > 1:
            return self._synchronised(values)
        return nn.functional.batch_norm(
            values,
            self.mean,
            self.variance,
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.epsilon,
        )

    def _synchronised(self, values: Tensor) -> Tensor:
        axes = [0, *range(2, values.ndim)]
        wide = values.float()
        count = wide.new_tensor([wide.numel() / wide.shape[1]])
        sums = _sum_over_ranks(torch.cat([wide.sum(axes), count]))
        total = sums[-1]
        mean = sums[:-1] / total
        shape = [1, -1] + [1] * (values.ndim - 2)
        centred = wide - mean.view(shape)
        variance = _sum_over_ranks(centred.square().sum(axes)) / total
        with torch.no_grad():
            self.mean.lerp_(mean, self.momentum)
            self.variance.lerp_(variance * total / (total - 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.epsilon)
        normalised: Tensor = centred * scale.view(shape) + self.bias.view(shape)
        return normalised.to(values.dtype)


def _sum_over_ranks(values: Tensor) -> Tensor:
    total: Tensor = differentiable.all_reduce(values)  # type: ignore[no-untyped-call]
    return total
