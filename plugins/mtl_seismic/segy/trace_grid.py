"""Where each trace lies: the axes of a survey and each trace's place on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy.lines import Line, Numbers, small_integers
from mtl_seismic.segy.words import Word

Columns = Mapping[int, NDArray[Any]]


@dataclass(frozen=True)
class TraceGrid:
    """``words``: that number the lines, none where traces are counted; ``lines``: the horizontal axes;
    ``cells``: the flat index on them of each trace that is read; ``kept``: these traces' numbers in the file, None for
    all. ``evidence``: why these words, for ``mtl inspect``."""

    words: tuple[Word, ...]
    lines: tuple[Line, ...]
    cells: Numbers
    kept: Numbers | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(line.size for line in self.lines)

    @property
    def selection(self) -> Any:
        """Indexes the columns of all traces."""
        return slice(None) if self.kept is None else self.kept

    def traces(self) -> Numbers:
        """The number in the file of each trace that is read."""
        return np.arange(len(self.cells), dtype=small_integers(len(self.cells))) if self.kept is None else self.kept

    def numbers(self, cells: Numbers) -> list[Numbers]:
        """The line numbers at flat indices, one array for each axis."""
        indices = np.unravel_index(cells, self.shape)
        return [line.origin + line.step * index for line, index in zip(self.lines, indices, strict=True)]

    def describe(self, cell: int) -> str:
        """A place for people: inline 4, crossline 7."""
        values = [int(part[0]) for part in self.numbers(np.array([cell]))]
        names = ("inline", "crossline") if len(values) == 2 else ("CDP",)
        return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
