"""Batch normalisation whose statistics are those of the global batch, on any device."""

from __future__ import annotations

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx


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
        shape = [1, -1] + [1] * (values.ndim - 2)
        wide = values.float()
        # In double precision, as one process alone sums on a CPU.
        count = torch.tensor([wide.numel() / wide.shape[1]], dtype=torch.float64, device=wide.device)
        sums = sum_over_ranks(torch.cat([wide.sum(axes, dtype=torch.float64), count]))
        total = sums[-1]
        mean = (sums[:-1] / total).float()
        squares = (wide - mean.view(shape)).square().sum(axes, dtype=torch.float64)
        variance = (sum_over_ranks(squares) / total).float()
        with torch.no_grad():
            self.mean.lerp_(mean, self.momentum)
            self.variance.lerp_(variance * (total / (total - 1)).float(), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.epsilon)
        normalised: Tensor = wide * scale.view(shape) + (self.bias - mean * scale).view(shape)
        return normalised.to(values.dtype)


class SumOverRanks(torch.autograd.Function):
    """The sum of a tensor over all processes; every process's loss depends on every process's values."""

    @staticmethod
    def forward(ctx: FunctionCtx, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def sum_over_ranks(values: Tensor) -> Tensor:
    """The sum over all processes; gradients flow back to each."""
    total: Tensor = SumOverRanks.apply(values)  # type: ignore[no-untyped-call]
    return total
