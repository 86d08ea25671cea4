"""A horizon as a grid whose rows and columns run along X and Y: what CPS-3 and ZMAP+ can hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.horizons.mapping import Row, map_rows
from mtlcore.errors import MtlError
from mtlcore.io.volume import Geometry

Floats = NDArray[np.float64]

STRAIGHT = 0.01
"""Bins by which a survey may be askew over its whole length and still count as not rotated."""
MOST_NODES = 50_000_000


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes at (x + column * dx, y + row * dy); ``values``: (row, column), row 0 in the south, NaN undefined.

    ``resampled``: the survey is rotated, and its bins were interpolated to the nodes.
    """

    x: float
    y: float
    dx: float
    dy: float
    values: Floats
    resampled: bool = False

    @property
    def x_end(self) -> float:
        return float(self.x + (self.values.shape[1] - 1) * self.dx)

    @property
    def y_end(self) -> float:
        return float(self.y + (self.values.shape[0] - 1) * self.dy)

    @property
    def columns_down(self) -> Floats:
        """Values as CPS-3 and ZMAP+ have them: a row for each column from west to east, from north to south."""
        return self.values[::-1].T


def to_grid(values: Floats, geometry: Geometry) -> Grid:
    """Values over (inline, crossline) on a grid along X and Y.

    Of a rotated survey each node is interpolated linearly between the four bins around it, with a spacing of
    the smaller bin size, and undefined where one of them is.
    """
    x, y = map_rows(geometry)
    if is_straight(geometry):
        return _straight(values, x, y)
    return _resampled(values, x, y)


def is_straight(geometry: Geometry) -> bool:
    """Whether inlines and crosslines run along X and Y. MtlError where the coordinates span no area."""
    (_, xi, xj), (_, yi, yj) = map_rows(geometry)
    bins = np.hypot(xi, yi), np.hypot(xj, yj)
    if not abs(xi * yj - xj * yi) > 1e-9 * bins[0] * bins[1]:
        raise MtlError("The survey's coordinates put all traces on one line: a grid cannot hold that. Use xyz.")
    lines, traces = (size - 1 for size in geometry.shape[1:])
    allowed = STRAIGHT * min(bins)
    along = max(abs(xi) * lines, abs(yj) * traces) <= allowed
    across = max(abs(xj) * traces, abs(yi) * lines) <= allowed
    return bool(along or across)


def _straight(values: Floats, x: Row, y: Row) -> Grid:
    x0, xi, xj = x
    y0, yi, yj = y
    # Rows shall run along Y.
    if abs(xi) > abs(xj):
        values, xj, yi = values.T, xi, yj
    rows, columns = values.shape
    if xj < 0:
        values, x0, xj = values[:, ::-1], x0 + (columns - 1) * xj, -xj
    if yi < 0:
        values, y0, yi = values[::-1], y0 + (rows - 1) * yi, -yi
    return Grid(x0, y0, xj, yi, values)


def _resampled(values: Floats, x: Row, y: Row) -> Grid:
    matrix = np.array([x[1:], y[1:]])
    last = np.array(values.shape) - 1
    corners = np.array([x[0], y[0]]) + np.array([(i, j) for i in (0, last[0]) for j in (0, last[1])]) @ matrix.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    spacing = float(min(np.hypot(*matrix[:, 0]), np.hypot(*matrix[:, 1])))
    columns, rows = (int(np.floor((high[axis] - low[axis]) / spacing + 1e-6)) + 1 for axis in (0, 1))
    if rows * columns > MOST_NODES:
        raise MtlError(f"An unrotated grid of this survey would have {rows} x {columns} nodes. Use xyz.")
    north, east = np.indices((rows, columns)).reshape(2, -1) * spacing
    offset = np.stack([low[0] + east - x[0], low[1] + north - y[0]])
    at = (np.linalg.inv(matrix) @ offset).reshape(2, rows, columns)
    return Grid(float(low[0]), float(low[1]), spacing, spacing, _bilinear(values, at), resampled=True)


def _bilinear(values: Floats, at: Floats) -> Floats:
    """Values at fractional indexes, NaN outside or where a bin that counts is undefined."""
    last = np.array(values.shape)[:, None, None] - 1
    inside = ((at > -1e-6) & (at < last + 1e-6)).all(axis=0)
    at = np.clip(at, 0, last)
    low = np.minimum(at.astype(np.intp), np.maximum(last - 1, 0))
    share = np.round(at - low, 6)
    total = np.zeros(at.shape[1:])
    for i, weight_i in ((0, 1 - share[0]), (1, share[0])):
        for j, weight_j in ((0, 1 - share[1]), (1, share[1])):
            corner = values[np.minimum(low[0] + i, last[0]), np.minimum(low[1] + j, last[1])]
            weight = weight_i * weight_j
            total += np.where(weight > 0, weight * corner, 0)
    return np.where(inside, total, np.nan)
