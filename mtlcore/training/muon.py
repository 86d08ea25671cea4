"""An optimizer that turns the update of each convolution into an orthogonal matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, overload

import torch
from torch import Tensor

LEAST_ROWS = 8
"""A convolution with fewer channels on either side has little of a matrix: it is left to Adam."""
QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of Jordan's iteration: singular values from near 0 come to 0.7..1.2 in five steps."""
ITERATIONS = 5
ADAM_SHARE = 0.2
"""Adam's updates have about this root mean square, in units of the rate: with it, both take one rate."""


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised by Newton-Schulz iteration (Jordan 2024, kellerjordan.github.io/posts/muon).

    Convolutions are matrices of output channels by all the rest. Updates are scaled as in Liu et al. (2025,
    arXiv:2502.16982), so that rates of Adam hold. Biases, normalisation and thin layers are updated by Adam
    (Kingma and Ba 2015). Weight decay is decoupled (Loshchilov and Hutter 2019).
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 1e-2,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "betas": betas, "eps": eps}
        super().__init__(params, defaults)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    update = self._orthogonal if is_matrix(parameter) else self._adam
                    parameter.add_(update(parameter, group), alpha=-group["lr"])
        return loss

    def _orthogonal(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        gradient: Any = parameter.grad
        state["momentum"].lerp_(gradient, 1 - group["momentum"])
        matrix = gradient.lerp(state["momentum"], group["momentum"]).flatten(1)
        # A task whose labels a batch lacks must rest: its momentum, however little is left, would be a whole step.
        size = ADAM_SHARE * math.sqrt(max(matrix.shape)) * gradient.any()
        update: Tensor = orthogonalised(matrix) * size
        return update.view_as(parameter)

    def _adam(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[parameter]
        if not state:
            # A tensor, so that training states keep it as they keep those of torch's optimizers.
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        first, second = group["betas"]
        gradient: Any = parameter.grad
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].lerp_(gradient.square(), 1 - second)
        count = float(state["step"])
        spread = (state["square"] / (1 - second**count)).sqrt_().add_(group["eps"])
        update: Tensor = state["mean"] / (1 - first**count) / spread
        return update


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter is wide enough on both sides to be orthogonalised."""
    return parameter.ndim > 1 and min(parameter.shape[0], parameter[0].numel()) >= LEAST_ROWS


def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix with its singular values brought near 1, rows x columns.

    Newton-Schulz iteration with Jordan's quintic: fast where singular values are small, and never exact.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    values: Tensor = matrix.T if tall else matrix
    values = values / values.norm().clamp_min(1e-7)
    first, third, fifth = QUINTIC
    for _ in range(ITERATIONS):
        gram = values @ values.T
        values = first * values + (third * gram + fifth * gram @ gram) @ values
    return values.T if tall else values
