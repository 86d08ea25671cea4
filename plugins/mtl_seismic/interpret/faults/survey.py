"""From samples to the file's own line numbers, coordinates and depth unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mtl_seismic.interpret.faults.angles import Floats
from mtl_seismic.interpret.horizons.mapping import has_map, map_points
from mtlcore.io.volume import Geometry

Sign = Literal["down", "up"]


@dataclass(frozen=True, eq=False)
class Survey:
    """Positions (N x d, in samples) in the terms of a geometry.

    Without coordinates, the line numbers stand in for X (crossline) and Y (inline), see horizons/mapping.py.
    """

    geometry: Geometry

    @property
    def ndim(self) -> int:
        return len(self.geometry.axes)

    @property
    def depth_unit(self) -> str:
        return self.geometry.axes[0].unit

    @property
    def has_coordinates(self) -> bool:
        return has_map(self.geometry)

    def numbers(self, points: Floats) -> Floats:
        """Inline and crossline numbers, N x 2, with decimals; in 2D the position along the line, N x 1."""
        return np.stack(
            [axis.origin + axis.step * points[:, k] for k, axis in enumerate(self.geometry.axes) if k > 0], 1
        )

    def xy(self, points: Floats) -> Floats:
        """Map coordinates, N x 2."""
        return map_points(self.geometry, points[:, 1:])

    def z(self, points: Floats, sign: Sign = "down") -> Floats:
        """Depth or time in the file's unit, positive downwards or upwards."""
        axis = self.geometry.axes[0]
        z: Floats = axis.origin + axis.step * points[:, 0]
        return -z if sign == "up" else z

    def xyz(self, points: Floats, sign: Sign = "down") -> Floats:
        """Coordinates and depth, N x 3."""
        return np.concatenate([self.xy(points), self.z(points, sign)[:, None]], 1)

    def file_unit(self) -> str:
        """The depth unit for a file name."""
        unit = {"sample": "samples", "1": "depth"}.get(self.depth_unit, self.depth_unit)
        return "".join(letter if letter.isalnum() else "-" for letter in unit)
