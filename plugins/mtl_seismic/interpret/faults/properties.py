"""Figures of a fault in the interpreter's terms: metres, milliseconds, degrees from the horizontal and from north.

Positions on the map are the file's coordinates, so north is the grid's. Angles and areas need depths as lengths:
where the vertical axis is time they are known only with a ``velocity``, in m/s, taken as constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_seismic.interpret.faults.angles import Floats, normals_from_angles
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.survey import Survey
from mtl_seismic.interpret.horizons.mapping import map_rows, map_unit

METRES = {"m": 1.0, "metre": 1.0, "meter": 1.0, "km": 1000.0, "ft": 0.3048, "feet": 0.3048}
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
LEAST_THROW = 1.0
"""Samples: what is less is not told from no throw."""
LEAST_KNOWN = 0.25
LEAST_AGREED = 0.75
"""Shares of the surface on which the throw is known, and of that part on which it has the sign of the median."""
UPRIGHT = 1e-6


@dataclass(frozen=True)
class Scale:
    """Metres for one sample of depth, and the map's for one line and one trace (2 x 2; 1 x 1 in 2D); None: unknown."""

    depth: float | None
    lateral: Floats | None


def scale_of(survey: Survey, velocity: float | None = None) -> Scale:
    """What the geometry says of lengths; ``velocity`` turns two-way time into depth."""
    axis = survey.geometry.axes[0]
    unit = axis.unit.lower()
    depth = None
    if unit in METRES:
        depth = abs(axis.step) * METRES[unit]
    elif unit in SECONDS and velocity:
        depth = abs(axis.step) * SECONDS[unit] * velocity / 2
    if not survey.has_coordinates:
        return Scale(depth, _along_line(survey))
    factor = METRES.get(map_unit(survey.geometry), 1.0)
    if survey.ndim == 2:
        return Scale(depth, _spacing(survey) * factor)
    return Scale(depth, np.array([row[1:] for row in map_rows(survey.geometry)]) * factor)


def _along_line(survey: Survey) -> Floats | None:
    """Of a 2D line whose positions are lengths."""
    axis = survey.geometry.axes[1]
    return np.array([[abs(axis.step) * METRES[axis.unit]]]) if survey.ndim == 2 and axis.unit in METRES else None


def _spacing(survey: Survey) -> Floats:
    """Mean distance of traces along a 2D line."""
    size = survey.geometry.axes[1].size
    places = survey.xy(np.stack([np.zeros(size), np.arange(size)], axis=1))
    return np.array([[float(np.linalg.norm(np.diff(places, axis=0), axis=1).mean()) if size > 1 else 0.0]])


def properties(fault: FaultSurface, survey: Survey, scale: Scale) -> dict[str, Any]:
    """Dip, azimuth and strike from north, throw, heave, length along strike and area; None for what is not known.

    ``throw`` is in the unit of the vertical axis, positive where the side above the fault lies deeper. It is
    ``throw_resolved`` only where the relative time jumps: known on a quarter of the surface, of one sign on
    three quarters of that, and at least a sample. ``dip`` is the apparent one on a 2D line.
    """
    resolved = is_resolved(fault.throw)
    median = fault.median_throw if resolved else float("nan")
    found: dict[str, Any] = {
        "throw": median * abs(survey.geometry.axes[0].step),
        "throw_unit": survey.depth_unit,
        "throw_resolved": resolved,
        "heave_m": np.nan,
        "true_dip": np.nan,
        "azimuth": np.nan,
        "length_m": np.nan,
        "area_m2": np.nan,
        "strike_from_north": np.nan,
    }
    if scale.lateral is not None:
        found |= _on_the_map(fault, survey, scale, median)
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else _rounded(value)
        for name, value in found.items()
    }


def is_resolved(throw: Floats) -> bool:
    """Whether the relative time jumps across a fault by more than it may by chance."""
    known = throw[np.isfinite(throw)]
    if not len(throw) or len(known) < LEAST_KNOWN * len(throw):
        return False
    median = float(np.median(known))
    return abs(median) >= LEAST_THROW and float((np.sign(known) == np.sign(median)).mean()) >= LEAST_AGREED


def _on_the_map(fault: FaultSurface, survey: Survey, scale: Scale, throw: float) -> dict[str, Any]:
    """What needs the map. The plane is n0 depth + g . (x, y) = constant, with g in samples a metre."""
    assert scale.lateral is not None
    normal = _mean_normal(fault)
    gradient = np.linalg.lstsq(scale.lateral.T, normal[1:], rcond=None)[0]
    steep = float(np.linalg.norm(gradient))
    # Metres across for a sample down.
    across = abs(normal[0]) / steep if steep > 0 else np.inf
    found: dict[str, Any] = {"heave_m": abs(throw) * across}
    if scale.depth is not None:
        found["true_dip"] = float(np.degrees(np.arctan2(scale.depth, across)))
    if survey.ndim == 3:
        # Depth grows where g falls, if the normal points down; of an upright plane either side may be taken.
        towards = -gradient if normal[0] > -UPRIGHT else gradient
        azimuth = float(np.degrees(np.arctan2(towards[0], towards[1])) % 360)
        along = np.array([towards[1], -towards[0]]) / max(steep, 1e-30)
        places = fault.points[:, 1:] @ scale.lateral.T
        found |= {
            "azimuth": azimuth,
            "strike_from_north": (azimuth - 90) % 360,
            "length_m": float(np.ptp(places @ along)),
        }
        if scale.depth is not None and len(fault.triangles):
            found["area_m2"] = _area(np.column_stack([places, fault.points[:, 0] * scale.depth]), fault.triangles)
    return found


def _mean_normal(fault: FaultSurface) -> Floats:
    """Of the mean plane, from its angles."""
    strike = None if np.isnan(fault.strike) else np.array([fault.strike])
    normal: Floats = normals_from_angles(np.array([fault.dip]), strike)[0]
    return normal


def _area(points: Floats, triangles: Any) -> float:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return float(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
