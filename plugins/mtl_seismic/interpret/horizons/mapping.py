"""Where traces lie on the map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.crooked import trace_points
from mtlcore.io.volume import Axis, Geometry

Floats = NDArray[np.float64]
Row = tuple[float, float, float]


def line_numbers(axis: Axis) -> Floats:
    """The file's own numbers of the lines (or positions) along an axis."""
    return np.asarray(axis.origin + np.arange(axis.size) * axis.step, dtype=np.float64)


def map_rows(geometry: Geometry) -> tuple[Row, Row]:
    """x and y of trace (i, j), indexes from 0, as (constant, per i, per j); in 2D j is always 0.

    ``Geometry.coordinates`` takes positions on the axes (inline and crossline numbers). Without coordinates
    these numbers stand in: X is the crossline and Y the inline number; on a 2D line X is the position along
    it and Y is 0.
    """
    axes = (*geometry.axes[1:], Axis("none", 1, 0.0, 0.0))[:2]
    fallback: tuple[Row, Row] = ((0, 0, 1), (0, 1, 0)) if len(geometry.axes) == 3 else ((0, 1, 0), (0, 0, 0))
    rows = []
    for constant, first, second in geometry.coordinates or fallback:
        start = constant + first * axes[0].origin + second * axes[1].origin
        rows.append((start, first * axes[0].step, second * axes[1].step))
    return rows[0], rows[1]


def map_points(geometry: Geometry, lateral: Floats) -> Floats:
    """x and y (N x 2) at trace indexes from 0, with decimals (N x 1 or 2)."""
    course = trace_points(geometry)
    if course is not None:
        traces = np.arange(len(course))
        return np.stack([np.interp(lateral[:, 0], traces, course[:, k]) for k in (0, 1)], axis=1)
    rows = map_rows(geometry)
    return np.stack([row[0] + lateral @ np.array(row[1:][: lateral.shape[1]]) for row in rows], axis=1)


def map_positions(geometry: Geometry) -> tuple[Floats, Floats]:
    """x and y of every trace, over the horizontal axes."""
    lateral = geometry.shape[1:]
    index = np.indices(lateral).reshape(len(lateral), -1).T
    x, y = map_points(geometry, index.astype(np.float64)).T
    return x.reshape(lateral), y.reshape(lateral)


def has_map(geometry: Geometry) -> bool:
    """Whether X and Y are the file's own coordinates, and not line numbers that stand in."""
    return geometry.coordinates is not None or trace_points(geometry) is not None


def map_unit(geometry: Geometry) -> str:
    """The unit of X and Y: m, or ft where the file says so (SEG-Y: in its binary header)."""
    facts = geometry.attributes.get("segy", geometry.attributes)
    return str(facts.get("coordinate_unit", "m")) if isinstance(facts, dict) else "m"
