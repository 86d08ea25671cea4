"""Batch normalisation whose statistics are those of the global batch, on any device."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor, nn


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy 2015), N x channels x ..., fixed statistics at inference.

    With several ranks the statistics are those of all of them together, so that one rank and two with the same
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
        mean, variance, total = statistics_of_all(values.detach())
        with torch.no_grad():
            self.mean.lerp_(mean, self.momentum)
            self.variance.lerp_(variance * (total / (total - 1)), self.momentum)
        normalised: Tensor = Normalise.apply(  # type: ignore[no-untyped-call]
            values, self.weight, self.bias, mean, variance, total, self.epsilon
        )
        return normalised


def statistics_of_all(values: Tensor) -> tuple[Tensor, Tensor, float]:
    """Mean and variance of each channel over all processes, and the number of samples of a channel.

    Those of the processes are combined as in Chan, Golub and LeVeque (1983), with one exchange.
    """
    channels, count = values.shape[1], values.numel() // values.shape[1]
    unused = values.new_zeros(channels, dtype=torch.float32), values.new_ones(channels, dtype=torch.float32)
    mean, variance = torch.batch_norm_update_stats(values, *unused, 0.0)
    own = torch.cat([mean.double(), variance.double(), mean.new_full((1,), count, dtype=torch.float64)])
    every = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(every, own)
    table = torch.stack(every)
    means, variances, counts = table[:, :channels], table[:, channels:-1], table[:, -1:]
    total = counts.sum()
    common = (counts * means).sum(0) / total
    spread = (counts * (variances + (means - common).square())).sum(0) / total
    return common.float(), spread.float(), float(total)


class Normalise(torch.autograd.Function):
    """Normalisation by given statistics that depend on the values of every process.

    Both ways use torch's fused kernels; the gradient that flows through the statistics is added to theirs.
    """

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, total: float, eps: float
    ) -> Tensor:
        ctx.save_for_backward(values, weight, mean, variance)
        ctx.total, ctx.eps = total, eps
        return nn.functional.batch_norm(values, mean, variance, weight, bias, False, 0.0, eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        values, weight, mean, variance = ctx.saved_tensors
        direct, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradients[0].contiguous(), values, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        sums = torch.stack([of_weight, of_bias]).double()
        distributed.all_reduce(sums)
        scale = torch.rsqrt(variance.double() + ctx.eps)
        slope = weight * scale.square() * sums[0] / ctx.total
        offset = weight * scale * sums[1] / ctx.total - slope * mean
        shape = [1, -1] + [1] * (values.ndim - 2)
        direct.sub_(offset.to(direct.dtype).view(shape))
        direct.addcmul_(values, slope.to(direct.dtype).view(shape), value=-1)
        return direct, of_weight, of_bias, None, None, None, None
