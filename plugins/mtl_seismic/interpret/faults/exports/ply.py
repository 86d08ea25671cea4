"""PLY meshes as text: triangles (in 2D edges) with values at their points.

Readers keep coordinates as 32-bit floats, so they are relative to an origin that a comment line gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtl_seismic.interpret.faults.angles import Floats
from mtl_seismic.interpret.faults.exports.format import Export, write_lines
from mtl_seismic.interpret.faults.exports.meshes import mesh_of
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.survey import Sign, Survey


@dataclass(frozen=True)
class Ply(Export):
    """The surfaces of all faults. ``local_origin``: whole numbers near the first point, else (0, 0, 0)."""

    name: ClassVar[str] = "ply"
    z_sign: Sign = "up"
    local_origin: bool = True

    def write(self, path: Path, faults: Sequence[FaultSurface], survey: Survey) -> None:
        write_lines(path, self.lines(faults, survey))

    def lines(self, faults: Sequence[FaultSurface], survey: Survey) -> Iterator[str]:
        mesh = mesh_of(faults, survey, self.z_sign)
        origin = self._origin(mesh.points)
        faces = mesh.cells.shape[1] == 3
        yield from ("ply", "format ascii 1.0")
        yield "comment origin " + " ".join(f"{value:.0f}" for value in origin)
        yield f"comment z positive {self.z_sign}, unit {survey.depth_unit}"
        yield f"element vertex {len(mesh.points)}"
        yield from (f"property float {name}" for name in ("x", "y", "z"))
        values = list(mesh.values.items())
        yield from (f"property {'int' if array.dtype.kind == 'i' else 'float'} {name}" for name, array in values)
        if faces:
            yield from (f"element face {len(mesh.cells)}", "property list uchar int vertex_indices")
        else:
            yield from (f"element edge {len(mesh.cells)}", "property int vertex1", "property int vertex2")
        yield "end_header"
        columns = [array.tolist() for _, array in values]
        for row in zip((mesh.points - origin).tolist(), *columns, strict=True):
            yield " ".join([*(f"{value:.3f}" for value in row[0]), *(f"{value:.6g}" for value in row[1:])])
        for cell in mesh.cells.tolist():
            yield " ".join(map(str, [3, *cell] if faces else cell))

    def _origin(self, points: Floats) -> Floats:
        return np.floor([*points[0, :2], 0]) if self.local_origin and len(points) else np.zeros(3)
