"""The grid of traces: which of them are tie traces, and pairs of traces at given distances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import torch
from torch import Tensor


class TraceGrid:
    """Traces on a grid of ``sizes`` along the horizontal axes, known by their index in it; ``centre`` is the position
    of the reference trace."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes
        self.indices = torch.arange(torch.Size(sizes).numel()).reshape(sizes)
        self.centre = tuple(size // 2 for size in sizes)

    @property
    def reference(self) -> Tensor:
        """The central trace."""
        return self.indices[self.centre]

    @property
    def axes(self) -> range:
        """The horizontal axes."""
        return range(len(self.sizes))

    def positions(self, traces: Tensor) -> Tensor:
        """Positions of traces: traces x axes."""
        found = []
        for size in reversed(self.sizes):
            found.append(traces % size)
            traces = traces // size
        return torch.stack(found[::-1], -1)

    def tie_traces(self, spacing: int) -> Iterator[Tensor]:
        """Tie traces from the reference trace outwards, without it, two on opposite sides at a time; the edges of the
        grid have tie traces too."""
        lines = [
            sorted({0, size - 1, *range(centre % spacing, size, spacing)})
            for size, centre in zip(self.sizes, self.centre, strict=True)
        ]
        grid = torch.cartesian_prod(*(torch.tensor(line) for line in lines)).reshape(-1, len(lines))
        centre = torch.tensor(self.centre)
        distance = (grid - centre).abs().sum(1)
        last = torch.tensor(self.sizes) - 1
        given = {int(self.reference)}
        for position in grid[distance.argsort(stable=True)]:
            opposite = (2 * centre - position).clamp(min=torch.zeros_like(last), max=last)
            both = [int(self.indices[tuple(one)]) for one in (position, opposite)]
            if pair := [trace for trace in both if trace not in given]:
                given.update(pair)
                yield torch.tensor(pair)

    def pairs(
        self, traces: Tensor, among: Tensor, axes: Iterable[int], offsets: Iterable[int]
    ) -> tuple[Tensor, Tensor]:
        """Pairs of one of the traces (its position in ``traces``) and one of those ``among`` all (flags) at the offsets
        to either side along the axes."""
        positions = self.positions(traces)
        numbers, others = [], []
        for axis, offset in product(axes, (sign * size for size in offsets for sign in (-1, 1))):
            along = positions[:, axis] + offset
            number = ((along >= 0) & (along < self.sizes[axis])).nonzero()[:, 0]
            moved = positions[number].clone()
            moved[:, axis] = along[number]
            other = self.indices[tuple(moved.T)]
            usable = among[other]
            numbers.append(number[usable])
            others.append(other[usable])
        return torch.cat(numbers), torch.cat(others)

    def within(self, traces: Tensor, other: Tensor, farthest: int) -> Tensor:
        """Positions in ``traces`` of those at most ``farthest`` cells from another one along each axis; not itself."""
        distance = (self.positions(traces) - self.positions(other)).abs().amax(1)
        return ((distance > 0) & (distance <= farthest)).nonzero()[:, 0]

    def nearest(self, traces: Tensor, among: Tensor) -> Tensor:
        """Of those ``among`` all (flags), the nearest one to each trace."""
        others = among.nonzero()[:, 0]
        distance = torch.cdist(self.positions(traces).float(), self.positions(others).float(), p=1)
        return others[distance.argmin(1)]
