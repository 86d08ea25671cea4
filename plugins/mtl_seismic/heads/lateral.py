"""How traces lie beside one another: a coarse net of them, and pairs of traces at given distances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import torch
from torch import Tensor


class Lateral:
    """Traces on a grid of so many along each horizontal axis, known by their index in it; ``seed`` is the central one's
    place."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes
        self.indices = torch.arange(torch.Size(sizes).numel()).reshape(sizes)
        self.seed = tuple(size // 2 for size in sizes)

    @property
    def reference(self) -> Tensor:
        """The central trace."""
        return self.indices[self.seed]

    @property
    def axes(self) -> range:
        """The horizontal axes."""
        return range(len(self.sizes))

    def places(self, traces: Tensor) -> Tensor:
        """Where traces lie: traces x axes."""
        return torch.stack(torch.unravel_index(traces, self.sizes), -1)

    def net(self, spacing: int) -> Iterator[Tensor]:
        """A net's traces but for the central one, from it outwards, two on opposite sides at a time; edges belong to
        it."""
        lines = [
            sorted({0, size - 1, *range(seed % spacing, size, spacing)})
            for size, seed in zip(self.sizes, self.seed, strict=True)
        ]
        grid = torch.cartesian_prod(*(torch.tensor(line) for line in lines)).reshape(-1, len(lines))
        seed_place = torch.tensor(self.seed)
        distance = (grid - seed_place).abs().sum(1)
        last = torch.tensor(self.sizes) - 1
        given = {int(self.reference)}
        for place in grid[distance.argsort(stable=True)]:
            opposite = (2 * seed_place - place).clamp(min=torch.zeros_like(last), max=last)
            both = [int(self.indices[tuple(one)]) for one in (place, opposite)]
            if pair := [trace for trace in both if trace not in given]:
                given.update(pair)
                yield torch.tensor(pair)

    def pairs(
        self, traces: Tensor, among: Tensor, axes: Iterable[int], offsets: Iterable[int]
    ) -> tuple[Tensor, Tensor]:
        """Pairs of one of the traces, by its number, and one of those ``among`` all (flags) so many cells to either
        side along an axis."""
        places = self.places(traces)
        numbers, others = [], []
        for axis, offset in product(axes, (sign * size for size in offsets for sign in (-1, 1))):
            along = places[:, axis] + offset
            number = ((along >= 0) & (along < self.sizes[axis])).nonzero()[:, 0]
            moved = places[number].clone()
            moved[:, axis] = along[number]
            other = self.indices[tuple(moved.T)]
            usable = among[other]
            numbers.append(number[usable])
            others.append(other[usable])
        return torch.cat(numbers), torch.cat(others)

    def within(self, traces: Tensor, other: Tensor, farthest: int) -> Tensor:
        """Those of the traces, by number, that lie no farther from another one than that along any axis; not itself."""
        away = (self.places(traces) - self.places(other)).abs().amax(1)
        return ((away > 0) & (away <= farthest)).nonzero()[:, 0]

    def nearest(self, traces: Tensor, among: Tensor) -> Tensor:
        """Of those ``among`` all (flags), the nearest one to each trace."""
        others = among.nonzero()[:, 0]
        apart = torch.cdist(self.places(traces).float(), self.places(others).float(), p=1)
        return others[apart.argmin(1)]
