"""Relative geological time by tracking horizons from a reference trace outwards.

A level is a row of the reference trace, or a row of another trace whose horizon no trace before it had. Each
further trace is laid along the levels as two sequences are aligned (see alignment.py): traces already tracked, near
and far, vote for the level that each row carries on. A coarse net of traces is tracked one after another: its steps are
wide, so that few mistakes add up and strata that come in are thick enough to be told from mistakes. It is halved
until no trace is left, and at last every trace is tracked once more with votes from all sides, the reference trace's
among them (see votes.py).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_seismic.heads.alignment import NONE, Costs, align, carriers, continued, runs
from mtl_seismic.heads.evidence import REACH, Evidence
from mtl_seismic.heads.lateral import Lateral
from mtl_seismic.heads.votes import Votes

Array = NDArray[np.float32]
SPACING = 16
"""Cells between the traces that are tracked one after another, a power of 2."""
VOTERS = (1, 2, 3, 4)
"""How far back the voters stand, in spacings."""
BETWEEN = (1, 3, 5, 9)
"""How far the voters stand from a trace in the middle of two tracked ones, in halves of what lies between them."""
AROUND = (8, 16, 32, 48, 64)
"""Cells to the voters of the last passes, on all sides; the farthest is what networks are trained to compare."""
PASSES = 2
"""How often all traces are tracked at last."""
SHORTEST = 2
"""Rows that make new levels; fewer lie between two levels."""
MOST = 3
"""Levels at most, times the rows of a trace: embeddings that recognise nothing would make ever more."""
MEDIAN = 5
"""Cells whose median is taken at last: where faults cross, single traces are laid along the levels of another block,"""
DOUBTFUL = 0.3
"""where not even so large a share of the votes agrees. (With medians everywhere narrow blocks would go.)"""
CHUNK = 2**24
"""Numbers of evidence computed at a time."""


@torch.inference_mode()
def track(query: Array, key: Array, faults: Array | None = None, costs: Costs | None = None) -> tuple[Array, Array]:
    """Levels of all cells, increasing downwards but for faults, and the mean share of votes that agree (0..1).

    ``query``, ``key``: channels x cells of depth x cells... . Levels count rows of the reference trace, the central
    one, from its top; results have the shape of the cells. ``faults``: their probability in each cell, if it is known:
    levels leap there, and seldom elsewhere.
    """
    if query.shape[1] == 1:  # one level, and nothing to track
        return np.zeros(query.shape[1:], np.float32), np.ones(query.shape[1:], np.float32)
    costs = costs or Costs()
    leaps = None if faults is None else _leaps(faults.reshape(len(faults), -1).T, costs)
    tracker = Tracker(Votes(_traces(query), _traces(key), costs), Lateral(query.shape[2:]), leaps)
    tracker.run()
    shape = (-1, *query.shape[2:])
    levels, agreed = (values.T.reshape(shape) for values in (tracker.levels, tracker.agreed))
    return torch.where(agreed < DOUBTFUL, without_spikes(levels), levels).numpy(), agreed.numpy()


def without_spikes(levels: Tensor) -> Tensor:
    """Levels of cells, depth x ..., without those that a few traces alone have: medians along each horizontal axis.

    Layers that dip and steps at faults stay as they are.
    """
    for axis in range(1, levels.ndim):
        last = levels.shape[axis] - 1
        places = torch.arange(last + 1)
        near = [
            levels.index_select(axis, (places + step).clamp(0, last)) for step in range(-(MEDIAN // 2), MEDIAN // 2 + 1)
        ]
        levels = torch.stack(near).median(0).values
    return levels


def _traces(embedding: Array) -> Tensor:
    """Traces x rows x channels."""
    return torch.from_numpy(np.ascontiguousarray(embedding.reshape(*embedding.shape[:2], -1).transpose(2, 1, 0)))


def _leaps(faults: Array, costs: Costs) -> Array:
    """What a leap onto each row costs, from the fault probability there and in the row above; traces x rows."""
    probability = np.maximum(faults, np.pad(faults, ((0, 0), (1, 0)))[:, :-1])
    return np.asarray(costs.leap_elsewhere + (costs.leap_at_fault - costs.leap_elsewhere) * probability, np.float32)


class Tracker:
    """The state of one tracking. ``leaps``: see align.

    ``levels``: of every row, traces x rows. ``fresh``: rows that carry no known level; theirs is the one above.
    ``carrier``: traces x levels, the row that first reaches a level.
    """

    def __init__(self, votes: Votes, lateral: Lateral, leaps: Array | None = None) -> None:
        self.votes, self.lateral, self.leaps = votes, lateral, leaps
        traces, self.rows = lateral.indices.numel(), votes.rows
        rows = torch.arange(self.rows, dtype=votes.query.dtype)
        self.levels = rows.repeat(traces, 1)
        self.agreed = torch.ones(traces, self.rows)
        self.fresh = torch.zeros(traces, self.rows, dtype=torch.bool)
        self.carrier = torch.full((traces, self.rows), NONE)
        self.tracked = torch.zeros(traces, dtype=torch.bool)
        self.carrier[lateral.reference] = rows
        self.tracked[lateral.reference] = True

    def run(self) -> None:
        """Track all traces."""
        for pair in self.lateral.net(SPACING):
            self._extend(pair)
        half = SPACING // 2
        while half:
            for axis in self.lateral.axes:
                self._fill(axis, half)
            half //= 2
        every = torch.arange(len(self.tracked))
        for _ in range(PASSES):
            self._align_all(every, self.lateral.axes, AROUND, asks_reference=True)
        self._copy_to_untracked()
        self.levels = continued(self.levels, self.fresh)

    def _voters(self, traces: Tensor, axes: Iterable[int], offsets: Iterable[int]) -> tuple[Tensor, Tensor]:
        """Pairs of one of the traces, by its number, and a tracked one so many cells to either side along an axis."""
        return self.lateral.pairs(traces, self.tracked, axes, offsets)

    def _and_also(self, traces: Tensor, told: Tensor, voters: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """The same pairs, and those with another voter that networks are trained to compare the traces with."""
        near = self.lateral.within(traces, other, AROUND[-1])
        return torch.cat([told, near]), torch.cat([voters, other.expand(len(near))])

    def _extend(self, traces: Tensor) -> None:
        """Track two traces on opposite sides, and give rows that carry nothing on levels of their own."""
        told, voters = self._back(traces)
        alone = torch.isin(torch.arange(len(traces)), told, invert=True)
        if alone.any():
            self._begin_again(traces[alone])
            if alone.all():
                return
            traces = traces[~alone]
            told, voters = self._back(traces)
        levels, fresh = self._lay(traces, told, voters)
        inserted = self._insert_all(traces[0], levels[0], fresh[0])
        for trace, above, rows in zip(traces[1:], levels[1:], fresh[1:], strict=True):
            if inserted and rows.any():  # what is new on this side may be what the other one has just brought in
                told, voters = self._and_also(trace[None], *self._back(trace[None]), traces[0])
                (above,), (rows,) = self._lay(trace[None], told, voters)
            self._insert_all(trace, above, rows)

    def _begin_again(self, traces: Tensor) -> None:
        """Beyond many traces that none recognises layers are taken to lie as deep as in the nearest tracked one."""
        nearest = self.lateral.nearest(traces, self.tracked)
        levels = continued(self.levels[nearest], self.fresh[nearest])
        self._settle(traces, levels, torch.zeros_like(levels), torch.zeros_like(levels, dtype=torch.bool))

    def _back(self, traces: Tensor) -> tuple[Tensor, Tensor]:
        """Voters of traces of the net."""
        axes = self.lateral.axes
        told, voters = self._voters(traces, axes, [SPACING * back for back in VOTERS])
        if len(torch.unique(told)) < len(traces):  # at an edge nearer than the spacing
            return self._voters(traces, axes, range(1, SPACING * VOTERS[-1] + 1))
        return told, voters

    def _lay(self, traces: Tensor, told: Tensor, voters: Tensor) -> tuple[Tensor, Tensor]:
        """Track a few traces: whole levels, and which rows carry none (see align)."""
        evidence = self.votes.on(traces, told, voters, self.carrier, self.levels)
        levels, fresh = self._align(traces, evidence)
        self._settle(traces, evidence.between(levels), evidence.agreement(levels), fresh)
        return levels, fresh

    def _insert_all(self, trace: Tensor, levels: Tensor, fresh: Tensor) -> bool:
        """New levels for a trace's runs of rows that carry nothing on; but not for a trace that none recognises."""
        if fresh.all():
            return False
        long = [run for run in runs(fresh.tolist()) if run[1] - run[0] >= SHORTEST]
        for first, last in reversed(long):  # from below: positions above stay what they were
            self._insert(int(levels[first]) + 1, int(trace), first, last)
        return bool(long)

    def _fill(self, axis: int, half: int) -> None:
        """Track traces so many cells from a tracked one along an axis."""
        untracked = (~self.tracked).nonzero()[:, 0]
        if len(untracked):
            midway = untracked[torch.unique(self._voters(untracked, [axis], [half])[0])]
            self._align_all(midway, [axis], [half * times for times in BETWEEN])

    def _align_all(
        self, traces: Tensor, axes: Iterable[int], offsets: Iterable[int], asks_reference: bool = False
    ) -> None:
        """Track many traces at once, each by votes of tracked ones around it as they are before; without any, not."""
        chunk = max(CHUNK // (self.rows * min(self.carrier.shape[1], 4 * REACH)), 1)
        found = []
        for some in torch.split(traces, chunk):
            told, voters = self._voters(some, axes, offsets)
            if asks_reference:
                told, voters = self._and_also(some, told, voters, self.lateral.reference)
            heard, told = torch.unique(told, return_inverse=True)
            if not len(heard):
                continue
            some = some[heard]
            evidence = self.votes.on(some, told, voters, self.carrier, self.levels)
            levels, fresh = self._align(some, evidence)
            found.append((some, evidence.between(levels), evidence.agreement(levels), fresh))
        for some, exact, agreed, fresh in found:
            self._settle(some, exact, agreed, fresh)

    def _align(self, traces: Tensor, evidence: Evidence) -> tuple[Tensor, Tensor]:
        leaps = None if self.leaps is None else self.leaps[traces.numpy()]
        levels, fresh = align(evidence, self.votes.costs, leaps)
        return torch.from_numpy(levels), torch.from_numpy(fresh)

    def _settle(self, traces: Tensor, levels: Tensor, agreed: Tensor, fresh: Tensor) -> None:
        """Keep the levels of tracked traces, and which row carries each level. One that no voter recognises stays as
        it was: it has nothing to say to others."""
        known = ~fresh.all(1)
        traces, levels = traces[known], levels[known]
        self.levels[traces], self.agreed[traces], self.fresh[traces] = levels, agreed[known], fresh[known]
        self.carrier[traces] = carriers(levels, self.carrier.shape[1])
        self.tracked[traces] = True

    def _copy_to_untracked(self) -> None:
        """Traces that none recognises get what the nearest have."""
        while not self.tracked.all():
            untracked = (~self.tracked).nonzero()[:, 0]
            told, beside = self._voters(untracked, self.lateral.axes, [1])
            chosen = torch.full_like(untracked, -1)
            chosen[told] = beside
            to, source = untracked[chosen >= 0], chosen[chosen >= 0]
            self.levels[to], self.fresh[to], self.agreed[to] = self.levels[source], self.fresh[source], 0.0
            self.tracked[to] = True

    def _insert(self, position: int, trace: int, first: int, last: int) -> None:
        """Rows of a trace that carry nothing on become levels of their own."""
        size = last - first
        if self.carrier.shape[1] + size > MOST * self.rows:
            return
        self.levels[self.levels >= position] += size
        blank = torch.full((len(self.carrier), size), NONE)
        self.carrier = torch.cat([self.carrier[:, :position], blank, self.carrier[:, position:]], 1)
        rows = torch.arange(first, last, dtype=self.levels.dtype)
        self.levels[trace, first:last] = position + rows - first
        self.fresh[trace, first:last] = False
        self.carrier[trace, position : position + size] = rows
