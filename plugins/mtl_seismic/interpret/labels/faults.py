"""Fault labels: 1 on surfaces, 0 beside them, unknown farther off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import angles_from_normals
from mtl_seismic.interpret.faults.scientific import scipy_part
from mtl_seismic.interpret.picks.faults import downward, ruled, vertex_normals

Floats = NDArray[np.float64]
Labels = NDArray[np.float32]
SPACING = 0.5
"""Samples between the points that stand for a surface."""
MOST_STEPS = 400
"""Along an edge of one triangle."""


@dataclass(frozen=True, eq=False)
class FaultPoints:
    """Points on the surfaces of all faults (N x d, in samples) and the unit normals there."""

    points: Floats
    normals: Floats


def points_on(faults: Sequence[Sequence[Floats]]) -> FaultPoints:
    """Dense points on the surfaces ruled between the sticks (N x d, in samples) of each fault; in 2D on the sticks."""
    found = [_dense(*ruled([downward(stick) for stick in sticks]), sticks) for sticks in faults]
    return FaultPoints(np.concatenate([p for p, _ in found]), np.concatenate([n for _, n in found]))


def _dense(points: Floats, cells: NDArray[np.intp], sticks: Sequence[Floats]) -> tuple[Floats, Floats]:
    normals = vertex_normals(points, cells)
    if not len(cells):  # a single stick in 3D
        cells = np.stack([np.arange(len(points) - 1), np.arange(1, len(points))], 1)
    parts = [_filled(points[cell], normals[cell]) for cell in cells]
    return np.concatenate([p for p, _ in parts]), np.concatenate([n for _, n in parts])


def _filled(corners: Floats, normals: Floats) -> tuple[Floats, Floats]:
    """Points within an edge or a triangle, SPACING apart, with the normals mixed alike."""
    longest = max(float(np.linalg.norm(a - b)) for a in corners for b in corners)
    steps = min(max(int(np.ceil(longest / SPACING)), 1), MOST_STEPS)
    shares = np.linspace(0, 1, steps + 1)
    if len(corners) == 2:
        weights = np.stack([1 - shares, shares], axis=1)
    else:
        a, b = np.meshgrid(shares, shares, indexing="ij")
        kept = a + b <= 1 + 1e-9
        weights = np.stack([1 - a[kept] - b[kept], a[kept], b[kept]], axis=1)
    mixed = weights @ normals
    return weights @ corners, mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-12)


def fault_labels(
    faults: FaultPoints, positions: Floats, thickness: float, corridor: float, complete: bool, kept: tuple[int, ...]
) -> dict[str, Labels]:
    """Labels at positions (N x d, in samples).

    ``fault_probability``: 1 within half of the ``thickness`` of a surface, 0 within ``corridor`` samples of one,
    NaN beyond, where faults may be that nobody drew; ``complete``: 0 there too. ``fault_dip`` and, in 3D,
    ``fault_strike``: degrees where the probability is 1, else NaN, in the grid of the axes that are ``kept``
    (all, or those of a section).
    """
    reach = max(corridor, thickness)
    distance, nearest = scipy_part("spatial").cKDTree(faults.points).query(positions, distance_upper_bound=reach)
    on = distance <= thickness / 2
    probability = np.where(on, 1.0, 0.0 if complete else np.where(distance <= corridor, 0.0, np.nan))
    normals = faults.normals[nearest[on]][:, kept]
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    dip_on, strike_on = angles_from_normals(normals / np.where(length > 0, length, 1))
    found = {"fault_probability": probability}
    for name, values in (("fault_dip", dip_on), ("fault_strike", strike_on)):
        if values is not None:
            found[name] = np.full(len(positions), np.nan)
            found[name][on] = np.where(length[:, 0] > 1e-6, values, np.nan)
    return {name: values.astype(np.float32) for name, values in found.items()}
