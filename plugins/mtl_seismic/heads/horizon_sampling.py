"""What neighbouring traces hold at the same geological time: refinement sees along horizons and across faults.

Noise does not follow horizons and reflectors do, and a network sees along a horizon only as far as it lies flat. Here
traces are read at the rows that have the same time, throws included. Structure-oriented filters do so without
learning (Fehmers and Höcker 2003, Geophysics 68, 1286); what to believe of it is left to the network.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def sample_along_horizons(values: Tensor, time: Tensor, shifts: Sequence[int]) -> Tensor:
    """``values`` of traces so many traces away on either side, at the times of each sample.

    ``values``: N x channels x depth x ...; ``time``: N x 1 x depth x ..., not decreasing with depth. Gives
    N x (channels x 2 x shifts x horizontal axes) x depth x ...; where there is no such trace, or it has no such time,
    a sample's own value.
    """
    deep = values.movedim(2, -1).contiguous()  # N x channels x ... x depth
    times = time[:, 0].movedim(1, -1).contiguous().cummax(-1).values  # N x ... x depth
    found = [
        _shifted(deep, times, axis, shift)
        for axis in range(1, times.ndim - 1)
        for size in shifts
        for shift in (-size, size)
    ]
    return torch.cat(found, 1).movedim(-1, 2)


def _shifted(values: Tensor, times: Tensor, axis: int, shift: int) -> Tensor:
    """Values of the traces ``shift`` away along an axis of ``times``."""
    length = times.shape[axis]
    result = values.clone()
    if abs(shift) >= length:
        return result
    here, there = (max(-shift, 0), max(shift, 0))
    wanted = times.narrow(axis, here, length - abs(shift)).contiguous()
    known = times.narrow(axis, there, length - abs(shift)).contiguous()
    offered = values.narrow(axis + 1, there, length - abs(shift))
    own = values.narrow(axis + 1, here, length - abs(shift))
    read, within = _read_at(offered, known, wanted)
    result.narrow(axis + 1, here, length - abs(shift)).copy_(torch.lerp(own, read, within[:, None]))
    return result


def _read_at(values: Tensor, known: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Values at the wanted times, by cubic interpolation between rows (Keys 1981), and how far the trace has them."""
    rows = known.shape[-1]
    lower = (torch.searchsorted(known, wanted, right=True) - 1).clamp(0, max(rows - 2, 0))
    upper = (lower + 1).clamp(max=rows - 1)
    first, last = known.gather(-1, lower), known.gather(-1, upper)
    part = ((wanted - first) / (last - first).clamp(min=1e-9)).clamp(0, 1)
    weights = (
        ((2 - part) * part - 1) * part / 2,
        ((3 * part - 5) * part * part + 2) / 2,
        ((4 - 3 * part) * part + 1) * part / 2,
        (part - 1) * part * part / 2,
    )
    read = torch.zeros_like(values[..., :1]).expand_as(values)
    for step, weight in zip((-1, 0, 1, 2), weights, strict=True):
        row = (lower + step).clamp(0, rows - 1)[:, None].expand(*values.shape[:-1], rows)
        read = read + weight[:, None] * values.gather(-1, row)
    return read, _within(known, wanted)


def _within(known: Tensor, wanted: Tensor) -> Tensor:
    """1 for times that the trace has, falling to 0 one row beyond its ends: no last digit decides over whole rows."""
    rows = known.shape[-1]
    first, last = known[..., :1], known[..., -1:]
    above = (first - wanted) / (known[..., min(1, rows - 1), None] - first).clamp(min=1e-9)
    below = (wanted - last) / (last - known[..., max(rows - 2, 0), None]).clamp(min=1e-9)
    return (1 - torch.maximum(above, below)).clamp(0, 1)
