"""Where a survey lies on the map: the matrix from line numbers to X and Y, and the course of a crooked line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats import coordinates, crooked
from mtl_seismic.segy import words
from mtl_seismic.segy.candidates import COORDINATES
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.map_points import MapPoints, map_points
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.trace_grid import Columns, TraceGrid
from mtl_seismic.segy.words import line_word

MAX_FITTED = 1 << 20
"""Traces through which the matrix is fitted, evenly spread; all of smaller surveys."""


@dataclass(frozen=True)
class SurveyCoordinates:
    """``starts``: the first bytes of the words of X and Y; ``course``: the attribute of a crooked line."""

    matrix: coordinates.Matrix | None = None
    starts: tuple[int, int] | None = None
    course: dict[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)


def survey_coordinates(
    layout: Layout, grid: TraceGrid, columns: Columns, options: Options, notes: list[str]
) -> SurveyCoordinates:
    """X and Y of a grid's traces (columns: of those that are read)."""
    units = columns[words.COORDINATE_UNIT.start]
    if (units >= 2).any():
        notes.append(f"{layout.path}: {words.COORDINATE_UNIT} say {units.max()}: angles are not read.")
        return SurveyCoordinates()
    numbering = tuple(word.start for word in grid.words)
    found = list(map_points(layout, columns, options))
    # Words that number the lines are their coordinates only where no others are there.
    for known in sorted(found, key=lambda one: one.starts == numbering):
        if known.starts != numbering or (options.cdp_x or known.starts in COORDINATES):
            located = _located(layout, grid, known, notes)
            if located:
                return located
    return SurveyCoordinates()


def _located(layout: Layout, grid: TraceGrid, known: MapPoints, notes: list[str]) -> SurveyCoordinates | None:
    count = len(grid.cells)
    some: Any = slice(None) if count <= MAX_FITTED else np.linspace(0, count - 1, MAX_FITTED).astype(int)
    points = known.take(some)
    numbers = [part.astype(np.float64) for part in grid.numbers(grid.cells[some])]
    straight = coordinates.fit(numbers, points, known.unit)
    if straight is None:
        return None
    bin_size = coordinates.spacing(straight[0], [line.step for line in grid.lines])
    limit = max(0.01 * bin_size, 1.01 * known.unit)
    course = _course(grid, grid.cells[some], points, straight[1], limit)
    wrong = 0
    if not course:
        fitted = coordinates.robust_fit(numbers, points, known.unit)
        assert fitted is not None
        matrix, error, wrong = fitted
        straight, bin_size = (matrix, error), coordinates.spacing(matrix, [line.step for line in grid.lines])
    where = " and ".join(str(line_word(start, "coordinate")) for start in known.starts)
    if wrong:
        notes.append(f"{layout.path}: {wrong} traces have coordinates in {where} far from the others' grid: not used.")
    if not course and straight[1] > max(0.5 * bin_size, 1.01 * known.unit):
        notes.append(
            f"{layout.path}: coordinates in {where} miss the best straight grid by up to {straight[1]:.3g} "
            f"(traces are {bin_size:.3g} apart): are they other words? Set format.cdp_x=BYTE, cdp_y=BYTE."
        )
    if known.kind != "integer":
        notes.append(f"{layout.path}: floats ({known.kind.upper()}) are read as coordinates in {where}.")
    evidence = {"coordinates_by": f"{where}, within {straight[1]:.2g} of a straight grid of {bin_size:.4g}"}
    return SurveyCoordinates(straight[0], known.starts, course, evidence)


def _course(
    grid: TraceGrid, cells: NDArray[Any], points: NDArray[np.float64], error: float, straight: float
) -> dict[str, list[list[float]]]:
    """The attribute of a 2D line that misses a straight one by more than ``straight``; gaps are interpolated."""
    order = cells.argsort(kind="stable")
    known = order[points[order].any(axis=1)]
    if len(grid.lines) != 1 or error <= straight or known.size < 2:
        return {}
    cells, points = cells[known], points[known]
    if not crooked.is_course(np.hypot(*np.diff(points, axis=0).T) / np.maximum(np.diff(cells), 1)):
        return {}
    every = np.arange(grid.shape[0])
    return crooked.attribute(np.stack([np.interp(every, cells, points[:, k]) for k in (0, 1)], axis=1))
