"""From a file's coordinates to samples of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.crooked import trace_points
from mtl_seismic.interpret.horizons.mapping import map_positions, map_rows
from mtl_seismic.interpret.imports.model import Points
from mtlcore.errors import MtlError
from mtlcore.io.volume import Geometry

Floats = NDArray[np.float64]
BESIDE = 1.0
"""Traces beyond the volume, and off a 2D line, at which a point still counts as on it."""


@dataclass(frozen=True)
class Placing:
    """Where points lie in a volume.

    ``z_sign``: the direction in which the file's Z grows; ``auto``: up where all of it is negative and the volume's
    depths are not. ``z_factor``: from the file's unit of Z to the volume's (1000 for seconds in a volume of
    milliseconds).
    """

    geometry: Geometry
    z_sign: Literal["auto", "down", "up"] = "auto"
    z_factor: float = 1.0

    def samples(self, points: Points) -> Floats:
        """Positions in samples, depth first (N x d); those outside of the volume too."""
        return np.column_stack([self._rows(points.z), self._lateral(points)])

    def inside(self, samples: Floats) -> NDArray[np.bool_]:
        """Which positions lie in the volume, to half a sample."""
        return np.asarray(
            ((samples >= -0.5) & (samples <= np.array(self.geometry.shape) - 0.5)).all(axis=1), dtype=bool
        )

    def _rows(self, z: Floats) -> Floats:
        axis = self.geometry.axes[0]
        last = axis.origin + (axis.size - 1) * axis.step
        up = self.z_sign == "up" or (self.z_sign == "auto" and bool((z <= 0).all()) and max(axis.origin, last) > 0)
        return np.asarray(((-z if up else z) * self.z_factor - axis.origin) / axis.step)

    def _lateral(self, points: Points) -> Floats:
        """By coordinates, which carry parts of a trace; by line numbers where those fit the volume better."""
        by_lines, ndim = self._by_lines(points), len(self.geometry.axes)
        if points.xy is None:
            if by_lines is None:
                raise MtlError(f"The points have no coordinates, and no line numbers of a {ndim}D survey.")
            return by_lines
        by_xy = self._on_a_line(points.xy) if ndim == 2 else self._in_a_survey(points.xy)
        if by_lines is not None and self._share_inside(by_lines) > self._share_inside(by_xy):
            return by_lines
        return by_xy

    def _by_lines(self, points: Points) -> Floats | None:
        axes = self.geometry.axes[1:]
        if points.lines is None or points.lines.shape[1] != len(axes):
            return None
        return np.stack([(points.lines[:, k] - axis.origin) / axis.step for k, axis in enumerate(axes)], axis=1)

    def _share_inside(self, lateral: Floats) -> float:
        size = np.array(self.geometry.shape[1:])
        return float(((lateral >= -BESIDE) & (lateral <= size - 1 + BESIDE)).all(axis=1).mean())

    def _in_a_survey(self, xy: Floats) -> Floats:
        x, y = map_rows(self.geometry)
        matrix = np.array([x[1:], y[1:]])
        if abs(np.linalg.det(matrix)) < 1e-9 * np.abs(matrix).max() ** 2:
            raise MtlError("The survey's coordinates put all traces on one line: X and Y do not tell a trace.")
        return np.linalg.solve(matrix, (xy - [x[0], y[0]]).T).T

    def _on_a_line(self, xy: Floats) -> Floats:
        """The nearest place on the polyline of the traces; NaN farther off than a trace."""
        course = trace_points(self.geometry)
        places = np.stack(map_positions(self.geometry), axis=-1) if course is None else course
        if len(places) < 2:
            return np.zeros((len(xy), 1))
        start, step = places[:-1], np.diff(places, axis=0)
        length = np.maximum((step**2).sum(axis=1), 1e-12)
        found = np.empty((len(xy), 1))
        for row, point in enumerate(xy):
            share = np.clip(((point - start) * step).sum(axis=1) / length, 0, 1)
            off = ((start + share[:, None] * step - point) ** 2).sum(axis=1)
            best = int(off.argmin())
            near = off[best] <= (BESIDE**2) * np.median(length)
            found[row] = best + share[best] if near else np.nan
        return found
