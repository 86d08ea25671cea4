"""Pairs of header words that may number inlines and crosslines, and how sensible each of them is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats import coordinates
from mtl_seismic.segy.lines import Grid, Line, grid, varies
from mtl_seismic.segy.map_points import FITTED, MapPoints
from mtl_seismic.segy.words import Word, line_word

STANDARD = (189, 193)
USUAL = ((9, 21), (5, 21), (17, 21), (13, 17), (9, 13), (17, 25))
UNASSIGNED = tuple(range(197, 238, 4))
"""Words that the standard leaves to the user, or had left when many files were written: lines stand in any of them."""
COORDINATES = ((73, 77), (181, 185))
MAX_ZEROS = 0.75
"""Share of traces that may have 0 in both words, and are padding then."""
MAX_MISS = 0.5
"""Of the distance between traces: how far coordinates may lie from a straight grid."""

Lines = Mapping[int, NDArray[Any]]


@dataclass(frozen=True)
class Candidate:
    """``kept``: the traces that are not padding; None: all. ``miss``: how far coordinates lie from this grid, in
    distances between traces; None without coordinates."""

    words: tuple[Word, Word]
    grid: Grid
    kept: NDArray[np.bool_] | None
    miss: float | None

    @property
    def pair(self) -> tuple[int, int]:
        return self.words[0].start, self.words[1].start

    @property
    def is_good(self) -> bool:
        return self.grid.is_unique and self.grid.is_full and (self.miss is None or self.miss <= MAX_MISS)

    def __str__(self) -> str:
        agree = "" if self.miss is None else f", coordinates within {self.miss:.2g} of a bin"
        repeats = (
            "" if self.grid.is_unique else f", {self.grid.traces - self.grid.filled} traces at places taken already"
        )
        return f"{self.words[0]} and {self.words[1]}: {self.grid}{repeats}{agree}"


def candidates(lines: Lines, points: Sequence[MapPoints]) -> list[Candidate]:
    """The pairs that number a survey, the one to take first; those of later kinds only where none before is good."""
    usual = _found(lines, (STANDARD, *USUAL), points)
    standard = [one for one in usual if one.pair == STANDARD and one.grid.is_full]
    if standard or any(one.is_good for one in usual):
        return _ranked(usual, standard)
    moving = [start for start in UNASSIGNED if start in lines and varies(lines[start])]
    found = usual + _found(lines, combinations(moving, 2), points)
    if not any(one.is_good for one in found):
        found += _found(lines, COORDINATES, points)
    return _ranked(found, [])


def _ranked(found: list[Candidate], first: list[Candidate]) -> list[Candidate]:
    """In order of sense, then as they came. ``first``: lines where the standard has them, whatever else there is."""
    return first + sorted(
        (one for one in found if one not in first), key=lambda one: (not one.is_good, not one.grid.is_full)
    )


def _found(lines: Lines, pairs: Iterable[tuple[int, int]], points: Sequence[MapPoints]) -> list[Candidate]:
    found = (candidate(lines, pair, points) for pair in pairs)
    return [one for one in found if one is not None]


def candidate(
    lines: Lines, pair: tuple[int, int], points: Sequence[MapPoints], any_grid: bool = False
) -> Candidate | None:
    """What two words make; None where they are no survey. ``any_grid``: or no grid at all."""
    first, second = (lines[start] for start in pair)
    if not any_grid and not (varies(first) and varies(second)):
        return None
    kept = without_padding((first, second))
    found = grid(first if kept is None else first[kept], second if kept is None else second[kept])
    if found is None or not (any_grid or found.is_survey):
        return None
    names = (line_word(pair[0], "inline number"), line_word(pair[1], "crossline number"))
    return Candidate(names, found, kept, _miss((first, second), pair, kept, found, points))


def without_padding(columns: Sequence[NDArray[Any]]) -> NDArray[np.bool_] | None:
    """The traces whose words are not all 0, where some are; None for all.

    A single trace with 0 stays where others' numbers begin at 0.
    """
    zero = np.logical_and.reduce([values == 0 for values in columns])
    count = int(zero.sum())
    if not 0 < count <= MAX_ZEROS * len(zero):
        return None
    if count == 1 and _belongs(columns, zero, int(zero.argmax())):
        return None
    return np.asarray(~zero)


def _belongs(columns: Sequence[NDArray[Any]], zero: NDArray[np.bool_], trace: int) -> bool:
    """Whether the only trace with 0 in all words is one of the others' grid: at a corner that other lines have too, or
    where a line's numbers begin or end."""
    shared = [bool((values[~zero] == 0).any()) for values in columns]
    return (len(columns) == 1 or any(shared)) and all(
        here or _continues(values, zero, trace) for here, values in zip(shared, columns, strict=True)
    )


def _continues(values: NDArray[Any], zero: NDArray[np.bool_], trace: int) -> bool:
    """Whether a trace before or after has the number next to 0."""
    step = Line.through(values[~zero]).step
    return any(abs(int(values[other])) == step for other in (trace - 1, trace + 1) if 0 <= other < len(values))


def _miss(
    columns: tuple[NDArray[Any], NDArray[Any]],
    pair: tuple[int, int],
    kept: NDArray[np.bool_] | None,
    found: Grid,
    points: Sequence[MapPoints],
) -> float | None:
    """How far coordinates of some traces lie from the best grid, in distances between traces."""
    known = next((one for one in points if one.starts != pair), None)
    if known is None or found.filled < 4:
        return None
    numbered = np.arange(len(columns[0])) if kept is None else np.flatnonzero(kept)
    some = numbered[np.unique(np.linspace(0, len(numbered) - 1, FITTED).astype(int))]
    numbers = [values[some].astype(np.float64) for values in columns]
    fitted = coordinates.robust_fit(numbers, known.take(some), known.unit)
    if fitted is None:
        return None
    matrix, error, _ = fitted
    distance = coordinates.spacing(matrix, [line.step for line in found.lines])
    return max(0.0, error - 1.01 * known.unit) / distance if distance > 0 else None
