"""Everything on the faults as JSON: for scripts, and for mtl's own report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mtl_seismic.interpret.faults.angles import Floats, converted, steepness
from mtl_seismic.interpret.faults.exports.format import Export
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.properties import properties, scale_of
from mtl_seismic.interpret.faults.sticks import Stick
from mtl_seismic.interpret.faults.survey import Survey
from mtlcore.io.atomic import atomic_write_text

CONVENTIONS = {
    "dip": "degrees 0..180 in the grid of samples; below 90 in 2D towards low x, in 3D see strike",
    "strike": "degrees 0..180 in the grid of samples, from the crossline axis towards the inline axis; the normal "
    "on (depth, inline, crossline) is (-cos dip, sin dip cos strike, -sin dip sin strike)",
    "dip_azimuth": "direction of dip in degrees: 0 towards increasing crossline, 90 towards increasing inline numbers",
    "throw": "samples down; positive where the side above the fault lies deeper (normal fault); null where unknown",
    "true_dip": "degrees from the horizontal in metres; of a 2D line the apparent one; null where depth is time",
    "azimuth": "direction of dip in degrees from the coordinates' north, clockwise; strike_from_north is 90 less",
    "throw_resolved": "whether relative time jumps at the fault; throw is in throw_unit, null where it is not resolved",
    "samples": "positions in samples from 0 on (depth, x) or (depth, inline, crossline)",
}


@dataclass(frozen=True)
class Json(Export):
    """``surfaces``: with vertices and triangles. ``indent``: 0 for the shortest text.

    ``velocity``: in m/s, see properties.py.
    """

    name: ClassVar[str] = "json"
    surfaces: bool = True
    indent: int = 0
    velocity: float | None = None

    def file_name(self, survey: Survey) -> str:
        return "faults.json"

    def write(self, path: Path, faults: Sequence[FaultSurface], survey: Survey) -> None:
        content = {
            "z": {"unit": survey.depth_unit, "positive": self.z_sign},
            "map": "coordinates" if survey.has_coordinates else "line numbers",
            "shape": list(survey.geometry.shape),
            "conventions": CONVENTIONS,
            "faults": [self.describe(fault, survey) for fault in faults],
        }
        atomic_write_text(path, json.dumps(content, indent=self.indent or None, allow_nan=False) + "\n")

    def describe(self, fault: FaultSurface, survey: Survey) -> dict[str, Any]:
        """One fault."""
        return {
            **summary(fault, survey, self.velocity),
            "sticks": [self._stick(stick, survey) for stick in fault.sticks],
            **({"surface": self._surface(fault, survey)} if self.surfaces else {}),
        }

    def _stick(self, stick: Stick, survey: Survey) -> dict[str, Any]:
        name = None if stick.axis is None else survey.geometry.axes[stick.axis].name
        return {
            "section": name,
            "samples": _rounded(stick.nodes, 3),
            "lines": _rounded(survey.numbers(stick.nodes), 4),
            "xyz": _rounded(survey.xyz(stick.nodes, self.z_sign), 4),
            "throw": _rounded(stick.throw, 2),
        }

    def _surface(self, fault: FaultSurface, survey: Survey) -> dict[str, Any]:
        return {
            "samples": _rounded(fault.points, 3),
            "xyz": _rounded(survey.xyz(fault.points, self.z_sign), 4),
            "normals": _rounded(fault.normals, 5),
            "probability": _rounded(fault.point_probability, 4),
            "throw": _rounded(fault.throw, 2),
            "cells": fault.triangles.tolist(),
        }


def summary(fault: FaultSurface, survey: Survey, velocity: float | None = None) -> dict[str, Any]:
    """The figures of one fault; None where there is none."""
    dip = np.array(fault.dip)
    figures = {
        "dip": fault.dip,
        "strike": fault.strike,
        "dip_from_horizontal": float(steepness(dip)),
        "dip_azimuth": _azimuth(fault, survey),
        "probability": fault.probability,
        "misfit": fault.misfit,
        "median_throw": fault.median_throw,
        "throw_known": float(np.isfinite(fault.throw).mean()) if len(fault.throw) else np.nan,
    }
    plain = {name: None if not np.isfinite(value) else round(value, 4) for name, value in figures.items()}
    box = {
        "samples_from": _rounded(fault.samples.min(0), 2),
        "samples_to": _rounded(fault.samples.max(0), 2),
    }
    known = properties(fault, survey, scale_of(survey, velocity))
    return {"id": fault.id, "name": fault.name, "drawn": fault.drawn, "size": fault.size, **known, **plain, **box}


def _azimuth(fault: FaultSurface, survey: Survey) -> float:
    if survey.ndim == 2:
        return float("nan")
    signs = [1 if axis.step >= 0 else -1 for axis in survey.geometry.axes[1:]]
    azimuth = converted(np.array(fault.dip), np.array(fault.strike), "azimuth", (signs[0], signs[1]))[1]
    return float("nan") if azimuth is None else float(azimuth)


def _rounded(values: Floats, digits: int) -> Any:
    """Nested lists, None for NaN."""
    values = np.asarray(values, np.float64).round(digits)
    if np.isfinite(values).all():
        return values.tolist()
    plain = values.astype(object)
    plain[~np.isfinite(values)] = None
    return plain.tolist()
