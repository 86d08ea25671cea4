"""All faults as one mesh, for viewers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import Floats, angles_from_normals
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.survey import Sign, Survey


@dataclass(frozen=True, eq=False)
class Mesh:
    """Points (N x 3: X, Y, Z), cells (K x 3 triangles, in 2D K x 2 edges) and values at points by name."""

    points: Floats
    cells: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float32] | NDArray[np.int32]]


def mesh_of(faults: Sequence[FaultSurface], survey: Survey, sign: Sign) -> Mesh:
    """Throw is in samples; dip and strike are those of each vertex, in degrees of the grid of samples."""
    points = [survey.xyz(fault.points, sign) for fault in faults]
    starts = np.cumsum([0, *(len(part) for part in points)])
    cells = [fault.triangles + start for fault, start in zip(faults, starts, strict=False)]
    angles = [angles_from_normals(fault.normals) for fault in faults]
    values: dict[str, list[Floats]] = {
        "probability": [fault.point_probability for fault in faults],
        "throw": [fault.throw for fault in faults],
        "dip": [dip for dip, _ in angles],
    }
    if survey.ndim == 3:
        values["strike"] = [strike for _, strike in angles if strike is not None]
    numbers = np.repeat([fault.id for fault in faults], [len(part) for part in points]).astype(np.int32)
    joined = {name: np.concatenate([[], *parts]).astype(np.float32) for name, parts in values.items()}
    return Mesh(
        np.concatenate([np.empty((0, 3)), *points]),
        np.concatenate([np.empty((0, survey.ndim), np.int64), *cells]).astype(np.int64),
        {"fault": numbers, **joined},
    )
