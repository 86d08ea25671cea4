"""Match scores between traces by numpy and torch: log-probabilities of the levels in a band, from embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_seismic.heads.tracking.bands import BAND_ROWS, Bands
from mtl_seismic.heads.tracking.lattice import best_paths
from mtl_seismic.heads.tracking.problem import Alignment, Costs, Neighbours, Traces

Array = NDArray[np.float32]
Indices = NDArray[np.int64]
CHUNK = 2**23
"""Scores computed at a time."""


@dataclass(frozen=True)
class LevelScores:
    """Log-probabilities: ``matched``, traces x rows x band, that rows lie on the levels; ``unmatched``, traces x rows,
    that they lie on no known one. ``first``: traces x rows, the first level of each row's band; ``count``: of levels.
    """

    matched: Array
    unmatched: Array
    first: Indices
    count: int

    def between(self, levels: Indices) -> Array:
        """Levels (traces x rows) with fractions, from the scores of the levels next to each."""
        near = self._in_band(levels[..., None] + np.arange(-1, 2))
        weights = torch.from_numpy(np.take_along_axis(self.matched, near, 2)).softmax(2).numpy()
        return np.asarray((weights * near).sum(2) + self.first, np.float32)

    def agreement(self, levels: Indices) -> Array:
        """The (geometric) mean probability that the neighbours give to each row's level."""
        own = np.take_along_axis(self.matched, self._in_band(levels[..., None]), 2)
        return np.asarray(np.exp(own[..., 0]), np.float32)

    def _in_band(self, levels: Indices) -> Indices:
        """Positions of levels, traces x rows x any, in the band; of those above and below, its ends."""
        return np.asarray(np.clip(levels - self.first[..., None], 0, self.matched.shape[2] - 1))


def align(traces: Traces, neighbours: Indices, among: Neighbours, bands: Bands, costs: Costs) -> Alignment:
    """See alignment.align."""
    shape = traces.query.shape[:2]
    found = Alignment(*(np.empty(shape, dtype) for dtype in (np.int64, np.float32, np.float32, np.bool_)))
    for width in np.unique(bands.width):
        alike = np.flatnonzero(bands.width == width)
        for begin in range(0, len(alike), step := max(CHUNK // (shape[1] * int(width)), 1)):
            some = alike[begin : begin + step]
            scores = level_scores(traces.query[some], neighbours[some], among, bands.first[some], int(width), costs)
            levels, unmatched = best_paths(scores, costs, traces.jumps[some])
            parts = Alignment(levels, scores.between(levels), scores.agreement(levels), unmatched)
            for number in range(len(found)):
                np.asarray(found[number])[some] = np.asarray(parts[number])
    return found


def level_scores(
    query: Array, neighbours: Indices, among: Neighbours, first: Indices, width: int, costs: Costs
) -> LevelScores:
    """How well each row of the traces matches each level of its band. Embeddings of the neighbours are averaged before
    they are compared: the mean of their keys at each level."""
    keys, number = _mean_keys(neighbours, among)
    traces, rows = query.shape[:2]
    shares = torch.empty(traces, rows, width + 1)
    absent = torch.empty(traces, rows, width, dtype=torch.bool)
    for block, start in enumerate(torch.from_numpy(first).unbind(1)):
        levels = start[:, None] + torch.arange(width)
        some = slice(block * BAND_ROWS, min((block + 1) * BAND_ROWS, rows))
        none = number.gather(1, levels)[:, None] == 0
        offered = keys.gather(2, levels[:, None].expand(-1, keys.shape[1], -1))
        products = torch.bmm(torch.from_numpy(query[:, some]), offered)
        shares[:, some, :-1] = products.masked_fill_(none, -torch.inf)
        absent[:, some] = none
    shares[..., -1] = -costs.unmatched
    shares = shares.softmax(2).mul_(1 - costs.wrong).add_(costs.wrong / rows).log_()
    matched, unmatched = shares[..., :-1], shares[..., -1:]
    matched = torch.where(absent, unmatched - costs.missing_level, matched)
    every = np.repeat(first, BAND_ROWS, axis=1)[:, :rows]
    return LevelScores(matched.numpy(), unmatched[..., 0].numpy(), every, among.row_of_level.shape[1])


def _mean_keys(neighbours: Indices, among: Neighbours) -> tuple[Tensor, Tensor]:
    """Mean keys of the neighbours at each level, traces x channels x levels, and how many of them have it."""
    keys = np.zeros((len(neighbours), *among.keys.shape[1:]), np.float32)
    number = np.zeros((len(neighbours), keys.shape[2]), np.float32)
    for column in neighbours.T:
        given = np.flatnonzero(column >= 0)
        keys[given] += among.keys[column[given]]
        number[given] += among.row_of_level[column[given]] >= 0
    keys /= np.maximum(number, 1)[:, None]
    return torch.from_numpy(keys), torch.from_numpy(number)


def keys_at_levels(key: Array, row_of_level: Array) -> Array:
    """Keys at the row of each level, between rows linearly: traces x channels x levels."""
    rows = key.shape[1]
    upper = np.clip(row_of_level.astype(np.int64), 0, rows - 2)
    part = np.clip(row_of_level - upper, 0, 1)[..., None]
    above, below = (np.take_along_axis(key, row[..., None], 1) for row in (upper, upper + 1))
    keys = (above + part * (below - above)) * (row_of_level >= 0)[..., None]
    return np.ascontiguousarray(keys.transpose(0, 2, 1), dtype=np.float32)
