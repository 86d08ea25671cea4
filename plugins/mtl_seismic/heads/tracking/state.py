"""What is known of each trace while horizons are tracked, and how some traces are aligned with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_seismic.heads.tracking.alignment import NO_ROW, align, rows_of_levels
from mtl_seismic.heads.tracking.similarity import Similarity
from mtl_seismic.heads.tracking.trace_grid import TraceGrid

Array = NDArray[np.float32]
COMPARED = 64
"""Cells between the farthest traces that networks are trained to compare."""
MAX_LEVELS_PER_ROW = 3
"""Levels at most, times the rows of a trace: embeddings that recognise nothing would insert ever more."""


class Alignment(NamedTuple):
    """Of some traces, traces x rows: levels ``rounded`` and with fractions, agreement (0..1), unmatched rows."""

    rounded: Tensor
    levels: Tensor
    agreement: Tensor
    unmatched: Tensor


class TrackingState:
    """The state of one tracking. ``jumps``: the cost of a jump onto each row, traces x rows (see align).

    ``levels``, traces x rows; ``unmatched`` rows have the level above them. ``row_of_level``: traces x levels.
    ``tracked``: traces whose levels are known. At first that is the reference trace alone.
    """

    def __init__(self, similarity: Similarity, grid: TraceGrid, jumps: Array | None = None) -> None:
        self.similarity, self.grid, self.jumps = similarity, grid, jumps
        traces, self.rows = grid.indices.numel(), similarity.rows
        rows = torch.arange(self.rows, dtype=similarity.query.dtype)
        self.levels = rows.repeat(traces, 1)
        self.agreement = torch.ones(traces, self.rows)
        self.unmatched = torch.zeros(traces, self.rows, dtype=torch.bool)
        self.row_of_level = torch.full((traces, self.rows), NO_ROW)
        self.tracked = torch.zeros(traces, dtype=torch.bool)
        self.row_of_level[grid.reference] = rows
        self.tracked[grid.reference] = True

    def tracked_neighbours(self, traces: Tensor, axes: Iterable[int], offsets: Iterable[int]) -> tuple[Tensor, Tensor]:
        """Pairs of one of the traces, by its position in them, and a tracked one at the offsets along the axes."""
        return self.grid.pairs(traces, self.tracked, axes, offsets)

    def add_neighbour(
        self, traces: Tensor, pair_trace: Tensor, pair_neighbour: Tensor, other: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The same pairs, and those with another trace where it is near enough to be compared."""
        near = self.grid.within(traces, other, COMPARED)
        return torch.cat([pair_trace, near]), torch.cat([pair_neighbour, other.expand(len(near))])

    def align(self, traces: Tensor, pair_trace: Tensor, pair_neighbour: Tensor) -> Alignment:
        """Align some traces with the levels of their neighbours; each trace has at least one."""
        scores = self.similarity.level_scores(traces, pair_trace, pair_neighbour, self.row_of_level, self.levels)
        jumps = None if self.jumps is None else self.jumps[traces.numpy()]
        levels, unmatched = (torch.from_numpy(found) for found in align(scores, self.similarity.costs, jumps))
        return Alignment(levels, scores.between(levels), scores.agreement(levels), unmatched)

    def store(self, traces: Tensor, found: Alignment) -> None:
        """Keep what was found of traces. One that no neighbour recognises stays as it was: others cannot use it."""
        known = ~found.unmatched.all(1)
        traces, levels = traces[known], found.levels[known]
        self.levels[traces], self.agreement[traces] = levels, found.agreement[known]
        self.unmatched[traces] = found.unmatched[known]
        self.row_of_level[traces] = rows_of_levels(levels, self.row_of_level.shape[1])
        self.tracked[traces] = True

    def insert_levels(self, position: int, trace: int, first: int, last: int) -> None:
        """Unmatched rows of a trace become levels of their own, from ``position`` down; those below move down."""
        size = last - first
        if self.row_of_level.shape[1] + size > MAX_LEVELS_PER_ROW * self.rows:
            return
        self.levels[self.levels >= position] += size
        blank = torch.full((len(self.row_of_level), size), NO_ROW)
        self.row_of_level = torch.cat([self.row_of_level[:, :position], blank, self.row_of_level[:, position:]], 1)
        rows = torch.arange(first, last, dtype=self.levels.dtype)
        self.levels[trace, first:last] = position + rows - first
        self.unmatched[trace, first:last] = False
        self.row_of_level[trace, position : position + size] = rows
