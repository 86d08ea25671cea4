"""Distributions of axial angles: 0 and 180 degrees are the same."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtlcore.io.volume import Geometry

Array = NDArray[np.float32]

BINS = 36
ENOUGH = 50
"""Samples above the threshold that make a distribution of them."""
THRESHOLD = 0.5


@dataclass
class Counts:
    """Weights by bins of 5 degrees, and the sum of unit vectors of twice the angle."""

    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(BINS))
    vector: complex = 0j
    samples: int = 0

    def add(self, angles: Array, weights: Array) -> None:
        reduced = np.mod(angles, 180)
        # np.mod of a tiny negative float32 is 180 itself.
        bins = np.minimum((reduced * (BINS / 180)).astype(int), BINS - 1)
        self.weights += np.bincount(bins, weights=weights, minlength=BINS)
        self.vector += complex(np.sum(weights * np.exp(2j * np.deg2rad(reduced.astype(np.float64)))))
        self.samples += angles.size

    @property
    def mean(self) -> float:
        """The axial mean direction in degrees, 0..180."""
        return float(np.rad2deg(np.angle(self.vector)) / 2 % 180)

    @property
    def strength(self) -> float:
        """Length of the mean vector: 1 where all directions agree, 0 where none is preferred."""
        total = float(self.weights.sum())
        return abs(self.vector) / total if total > 0 else float("nan")


@dataclass
class Orientations:
    """An output's angles weighted by the probability that masks it.

    ``masked``: there is one; then samples above one half count, unless there are hardly any.
    """

    masked: bool
    likely: Counts = field(default_factory=Counts)
    every: Counts = field(default_factory=Counts)

    def add(self, angles: Array, weights: Array) -> None:
        angles, weights = angles.reshape(-1), weights.reshape(-1)
        chosen = weights > THRESHOLD
        self.likely.add(angles[chosen], weights[chosen])
        self.every.add(angles, weights)

    @property
    def shown(self) -> Counts:
        return self.likely if self.enough else self.every

    @property
    def enough(self) -> bool:
        return self.masked and self.likely.samples >= ENOUGH


def azimuths(strike: Array, geometry: Geometry) -> Array:
    """Strike from north by east where the coordinates are known; else as it is, from the last axis to the second.

    A strike s runs along (sin s, cos s) on (axis 1, axis 2) in samples.
    """
    matrix = geometry.coordinates
    if matrix is None or len(geometry.axes) != 3:
        return strike
    angle = np.deg2rad(strike.astype(np.float64))
    along = (np.sin(angle) * geometry.axes[1].step, np.cos(angle) * geometry.axes[2].step)
    east, north = (row[1] * along[0] + row[2] * along[1] for row in matrix)
    return np.mod(np.rad2deg(np.arctan2(east, north)), 180).astype(np.float32)
