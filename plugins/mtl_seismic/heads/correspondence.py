"""Which rows of two traces lie on one horizon: what a network learns for relative geological time.

Every cell of 2 samples along each axis has an embedding; of two cells in different traces its dot product says
how likely they are of one age, and 0 stands for the other trace having no cell of that age. Unlike time itself this
is local to a pair of traces, holds across faults, throws included, and needs no gauge. Labels follow from time: the
row of the other trace that has the same time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]
CELL = 2
"""Samples of a cell along each axis."""
OFFSETS = (2, 4, 8, 16, 32, 64)
"""Cells between the traces that are compared in training."""
PAIRS = 8
"""Pairs of traces per item and offset that are compared: more cost time and say the same."""
JUMP = 2.0
"""Levels from one cell to the next trace's beyond which there is a fault between."""
GAP = 2.5
"""A step of time between two rows beyond so many usual ones is a fault or an unconformity: no row has times within."""


class Matches(NamedTuple):
    """For each row of a trace, N x rows: the row, with its fraction, of another that has its time; whether one has;
    whether none has. Neither is true where it is not known, or where strata are repeated."""

    row: Tensor
    known: Tensor
    none: Tensor


def cell_mean(values: Tensor) -> Tensor:
    """The mean of each cell, N x 1 x size/2... (the last cell of an odd size has what is left); NaN if any value is."""
    pool = torch.nn.functional.avg_pool2d if values.ndim == 4 else torch.nn.functional.avg_pool3d
    mean: Tensor = pool(values, CELL, ceil_mode=True, count_include_pad=False)
    return mean


def to_samples(cells: Array, shape: tuple[int, ...]) -> Array:
    """Levels of cells, which do not fall with depth but for thrusts, as time in samples of a volume of this shape.

    Between cells linearly, but for jumps from trace to trace: a fault stays as sharp as it is.
    """
    fine = np.maximum.accumulate(cells, axis=0)
    for axis in range(fine.ndim):
        fine = _finer(fine, axis)
    return np.asarray(CELL * fine[tuple(slice(size) for size in shape)], dtype=np.float32)


def _finer(cells: Array, axis: int) -> Array:
    """Two samples of each cell along an axis, a quarter of a cell from its middle."""
    along = np.moveaxis(cells, axis, -1)
    step = np.diff(along) / (2 * CELL)
    if axis:
        step[np.abs(step) > JUMP / (2 * CELL)] = 0
    fine = np.repeat(along, CELL, axis=-1)
    fine[..., 1:-1:2] += step
    fine[..., 2::2] -= step
    return np.moveaxis(fine, -1, axis)


def match_rows(source: Tensor, target: Tensor) -> Matches:
    """Rows of ``target`` that have the times of ``source``; both N x rows of time, NaN where unknown.

    Where time falls with depth (across a thrust) strata repeat: rows below the first occurrence are not matched.
    """
    known = torch.isfinite(source) & torch.isfinite(target).all(1, keepdim=True)
    filled = torch.where(torch.isfinite(target), target, 0.0)
    reached = torch.cummax(filled, 1).values.contiguous()
    wanted = torch.where(known, source, 0.0).contiguous()
    rows = target.shape[1]
    below = torch.searchsorted(reached, wanted).clamp(1, rows - 1)
    upper, lower = reached.gather(1, below - 1), reached.gather(1, below)
    step = lower - upper
    row = below - 1 + ((wanted - upper) / step.clamp(min=1e-9)).clamp(0, 1)
    first_time = wanted >= torch.cummax(wanted, 1).values
    inside = (wanted >= reached[:, :1]) & (wanted <= reached[:, -1:])
    usual = (reached[:, -1:] - reached[:, :1]) / (rows - 1)
    found = inside & (step < GAP * usual)
    return Matches(row, known & first_time & found, known & first_time & ~found)


def correspondence_loss(query: Tensor, key: Tensor, rgt: Tensor) -> Tensor:
    """Mean cross-entropy, over items, of the row that carries on each row's horizon, or of none, at all OFFSETS.

    ``query``, ``key``: N x channels x cells of depth x cells...; ``rgt``: labels, N x 1 x depth x ... .
    """
    time = cell_mean(rgt)
    terms = [
        _pair_loss(_traces(query, axis), _traces(key, axis), _traces(time, axis), offset)
        for axis in range(3, time.ndim)
        for offset in OFFSETS
        if offset < time.shape[axis]
    ]
    return torch.stack(terms).mean() if terms else 0.0 * query.sum()


def _traces(values: Tensor, axis: int) -> Tensor:
    """N x traces along the axis x traces beside x channels x rows."""
    order = [0, axis, *(other for other in range(3, values.ndim) if other != axis), 1, 2]
    moved = values.permute(order)
    return moved.reshape(*moved.shape[:2], -1, *moved.shape[-2:])


def _pair_loss(query: Tensor, key: Tensor, time: Tensor, offset: int) -> Tensor:
    """Both directions between traces ``offset`` cells apart."""
    items, along, beside = time.shape[:3]
    count = (along - offset) * beside
    pairs = torch.linspace(0, count - 1, min(PAIRS, count), device=time.device).round().long()
    left, side = pairs // beside, pairs % beside
    losses = []
    for first, second in ((left, left + offset), (left + offset, left)):
        q, k, source, target = (
            values[:, trace, side].flatten(0, 1)
            for values, trace in ((query, first), (key, second), (time, first), (time, second))
        )
        losses.append(_cross_entropy(q.float(), k.float(), match_rows(source[:, 0], target[:, 0]), items))
    return torch.stack(losses).mean()


def _cross_entropy(query: Tensor, key: Tensor, matches: Matches, items: int) -> Tensor:
    """The mean over items of each item's mean over its rows; a match between two rows is shared by both."""
    channels = query.shape[1]
    logits = query.transpose(1, 2) @ key / channels**0.5
    log_share = torch.nn.functional.pad(logits, (0, 1)).log_softmax(2)  # the last class, of logit 0: none
    upper = matches.row.floor().long().clamp(max=key.shape[2] - 2)
    share = (matches.row - upper)[..., None]
    matched = (1 - share) * log_share.gather(2, upper[..., None]) + share * log_share.gather(2, upper[..., None] + 1)
    losses = -torch.where(matches.none, log_share[..., -1], matched[..., 0])
    weight = (matches.known | matches.none).view(items, -1)
    mean: Tensor = (losses.view(items, -1) * weight).sum(1) / weight.sum(1).clamp(min=1)
    return mean.mean()
