"""Relative geological time from reflector slopes: one least-squares problem over the whole volume.

Time is written as depth plus a shift s. Along a reflector of slope p time does not change, so on each link
between neighbouring traces  ds/dx + p (1 + ds/dz) = 0, weighted by how far p is trusted; a weak demand that
s changes slowly with depth ties the samples of a trace together. The method is that of Lomask et al. (2006,
Geophysics 71, P13), solved linearly by conjugate gradients from coarse to fine, reweighted so that links
across faults, which no slope explains, lose their say.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]
COARSEST = 12
"""Samples that an axis keeps at least when it is coarsened."""
RESIDUAL_SCALE = 0.1
"""Samples per trace: links that miss by more count less (Cauchy weights)."""
LEAST_INCREASE = 1e-3
"""Samples of time per sample of depth that every sample must gain."""


def integrate_slopes(
    slopes: Array, weight: Array, vertical_weight: float, iterations: int = 40, reweightings: int = 2
) -> Array:
    """Time, 0..1 and increasing with depth, from slopes.

    ``slopes``: (horizontal axes) x depth x ..., samples per trace; ``weight``: depth x ..., above 0.
    """
    p = torch.from_numpy(np.ascontiguousarray(slopes))
    w = torch.from_numpy(np.ascontiguousarray(weight))
    shift = _coarse_to_fine(p, w / w.amax().clamp(min=1e-12), vertical_weight, iterations, reweightings)
    depth = torch.arange(shift.shape[0], dtype=shift.dtype).view(-1, *[1] * (shift.ndim - 1))
    return stretch(increasing((depth + shift).numpy()))


def increasing(time: Array) -> Array:
    """The mean of the least increasing curve above and the greatest one below each trace, made strict."""
    above = np.maximum.accumulate(time, axis=0)
    below = np.minimum.accumulate(time[::-1], axis=0)[::-1]
    ramp = np.arange(time.shape[0], dtype=np.float32).reshape(-1, *[1] * (time.ndim - 1))
    return np.asarray((above + below) / 2 + LEAST_INCREASE * ramp, dtype=np.float32)


def stretch(time: Array) -> Array:
    """Time rescaled so that it spans exactly 0..1; a constant one becomes 0."""
    low, high = float(time.min()), float(time.max())
    return np.asarray(np.clip((time - low) / (high - low or 1.0), 0, 1), dtype=np.float32)


def _coarse_to_fine(p: Tensor, w: Tensor, stiffness: float, iterations: int, reweightings: int) -> Tensor:
    """The shift in samples. Coarser levels, which cost little, are solved with more iterations.

    Axes that are short already are not coarsened; slopes then change by the ratio of the steps.
    """
    factors = [2 if size >= 2 * COARSEST else 1 for size in w.shape]
    if max(factors) == 1:
        shift = torch.zeros_like(w)
    else:
        ratios = torch.tensor([factor / factors[0] for factor in factors[1:]], dtype=p.dtype)
        slopes = _coarser(p, factors) * ratios.view(-1, *[1] * w.ndim)
        coarse = _coarse_to_fine(slopes, _coarser(w[None], factors)[0], stiffness, 2 * iterations, reweightings)
        shift = factors[0] * _finer(coarse, factors, w.shape)
    for _ in range(reweightings):
        robust = [
            link / (1 + (_misfit(shift, slope, axis) / RESIDUAL_SCALE).square())
            for axis, (slope, link) in enumerate(_links(p, w), start=1)
        ]
        shift = _solve(p, w, robust, stiffness, shift, iterations)
    return shift


def _links(p: Tensor, w: Tensor) -> list[tuple[Tensor, Tensor]]:
    """For each horizontal axis, slope and weight half-way between neighbouring traces."""
    return [(_between(p[axis - 1], axis), _between(w, axis)) for axis in range(1, w.ndim)]


def _misfit(shift: Tensor, slope: Tensor, axis: int) -> Tensor:
    return _across(shift, slope, axis) + slope


def _across(shift: Tensor, slope: Tensor, axis: int) -> Tensor:
    """J s: the change of time along the reflector between neighbouring traces, linear part."""
    return torch.diff(shift, dim=axis) + slope * _between(_rate(shift), axis)


def _across_adjoint(residual: Tensor, slope: Tensor, axis: int) -> Tensor:
    return _diff_adjoint(residual, axis) + _rate_adjoint(_between_adjoint(slope * residual, axis))


def _solve(p: Tensor, w: Tensor, weights: list[Tensor], stiffness: float, start: Tensor, iterations: int) -> Tensor:
    """Conjugate gradients on the normal equations."""
    slopes = [slope for slope, _ in _links(p, w)]

    def normal(shift: Tensor) -> Tensor:
        total = stiffness * _diff_adjoint(torch.diff(shift, dim=0), 0)
        for axis, (slope, weight) in enumerate(zip(slopes, weights, strict=True), start=1):
            total += _across_adjoint(weight * _across(shift, slope, axis), slope, axis)
        return total

    right = torch.zeros_like(start)
    for axis, (slope, weight) in enumerate(zip(slopes, weights, strict=True), start=1):
        right -= _across_adjoint(weight * slope, slope, axis)
    return _conjugate_gradients(normal, right, start, iterations)


def _conjugate_gradients(
    operator: Callable[[Tensor], Tensor],
    right: Tensor,
    start: Tensor,
    iterations: int,
    tolerance: float = 1e-4,
) -> Tensor:
    """Hestenes and Stiefel (1952), stopped when the residual has fallen to a fraction of the right side."""
    solution = start.clone()
    residual = right - operator(solution)
    direction = residual.clone()
    power = residual.square().sum()
    enough = tolerance**2 * right.square().sum()
    for _ in range(iterations):
        if power <= enough:
            break
        image = operator(direction)
        step = power / (direction * image).sum().clamp(min=1e-30)
        solution += step * direction
        residual -= step * image
        previous, power = power, residual.square().sum()
        direction = residual + (power / previous) * direction
    return solution


def _between(values: Tensor, axis: int) -> Tensor:
    size = values.shape[axis]
    return 0.5 * (values.narrow(axis, 0, size - 1) + values.narrow(axis, 1, size - 1))


def _between_adjoint(values: Tensor, axis: int) -> Tensor:
    return 0.5 * (_extend(values, axis, 0, 1) + _extend(values, axis, 1, 0))


def _diff_adjoint(values: Tensor, axis: int) -> Tensor:
    return _extend(values, axis, 1, 0) - _extend(values, axis, 0, 1)


def _rate(shift: Tensor) -> Tensor:
    """d/dz: differences averaged to the samples, one-sided at the ends."""
    steps = torch.diff(shift, dim=0)
    return torch.cat([steps[:1], 0.5 * (steps[1:] + steps[:-1]), steps[-1:]])


def _rate_adjoint(values: Tensor) -> Tensor:
    middle = 0.5 * values[1:-1]
    steps = _extend(middle, 0, 1, 0) + _extend(middle, 0, 0, 1)
    steps[0] += values[0]
    steps[-1] += values[-1]
    return _diff_adjoint(steps, 0)


def _extend(values: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Zeros put before and after along one axis."""
    pads = [0] * (2 * values.ndim)
    position = 2 * (values.ndim - 1 - axis)
    pads[position], pads[position + 1] = before, after
    return torch.nn.functional.pad(values, pads)


def _coarser(values: Tensor, factors: list[int]) -> Tensor:
    """Mean over cells of 1 or 2 samples along every axis but the first; an odd last sample stands for its cell."""
    pool = torch.nn.functional.avg_pool2d if values.ndim == 3 else torch.nn.functional.avg_pool3d
    return pool(values[None], factors, ceil_mode=True, count_include_pad=False)[0]


def _finer(values: Tensor, factors: list[int], shape: torch.Size) -> Tensor:
    mode = "bilinear" if values.ndim == 2 else "trilinear"
    scale = [float(factor) for factor in factors]
    fine = torch.nn.functional.interpolate(values[None, None], scale_factor=scale, mode=mode, align_corners=False)[0, 0]
    return fine[tuple(slice(0, size) for size in shape)]
