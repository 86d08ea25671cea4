"""Reflector slopes from relative geological time."""

from __future__ import annotations

import torch
from torch import Tensor

STEEPEST = 4.0
"""Samples per trace beyond which a difference is taken for a fault, not for a reflector."""


def label_slopes(rgt: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes of lines of equal time in samples per trace, and where they are to be trusted.

    ``rgt``: N x 1 x depth x ...; both results N x (horizontal axes) x depth x ... . The slope is
    -(time step along the trace axis) / (time step along depth), central differences. Forward and backward
    differences that disagree mean a fault or an unconformity between the traces: not trusted, and 0 there.
    NaN compares as false, so unknown time is not trusted either.
    """
    depth_rate = _central(rgt, 2)
    slopes, usable = [], []
    for axis in range(3, rgt.ndim):
        forward = _shifted(rgt, axis, 1) - rgt
        backward = rgt - _shifted(rgt, axis, -1)
        rate = depth_rate.clamp(min=1e-12)
        slope = -0.5 * (forward + backward) / rate
        agree = (forward - backward).abs() < rate
        trusted = agree & (slope.abs() < STEEPEST) & (depth_rate > 1e-6)
        slopes.append(torch.where(trusted, slope, 0.0))
        usable.append(trusted)
    return torch.cat(slopes, 1), torch.cat(usable, 1)


def _shifted(values: Tensor, axis: int, by: int) -> Tensor:
    """The neighbour's value; at the volume's edge its own difference is extrapolated."""
    length = values.shape[axis]
    index = torch.arange(length, device=values.device) + by
    inside = values.index_select(axis, index.clamp(0, length - 1))
    edge = length - 1 if by > 0 else 0
    inner = edge - by
    at_edge = values.narrow(axis, edge, 1)
    extrapolated = 2 * at_edge - values.narrow(axis, inner, 1)
    is_edge = (torch.arange(length, device=values.device) == edge).view(
        [-1 if i == axis else 1 for i in range(values.ndim)]
    )
    return torch.where(is_edge, extrapolated, inside)


def _central(values: Tensor, axis: int) -> Tensor:
    return 0.5 * (_shifted(values, axis, 1) - _shifted(values, axis, -1))
