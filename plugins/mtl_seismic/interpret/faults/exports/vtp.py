"""VTK's XML PolyData (.vtp), for ParaView and PyVista: triangles (in 2D lines) with values at their points.

Arrays are base64 of a 32-bit byte count and the data, encoded as one, as VTK itself writes them; text would
have no room for NaN. Z grows upwards, as viewers expect.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.exports.format import Export, write_lines
from mtl_seismic.interpret.faults.exports.meshes import Mesh, mesh_of
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.survey import Sign, Survey

TYPES = {"float32": "Float32", "float64": "Float64", "int32": "Int32", "int64": "Int64"}


@dataclass(frozen=True)
class Vtp(Export):
    """The surfaces of all faults."""

    name: ClassVar[str] = "vtp"
    z_sign: Sign = "up"

    def write(self, path: Path, faults: Sequence[FaultSurface], survey: Survey) -> None:
        write_lines(path, _lines(mesh_of(faults, survey, self.z_sign)))


def _lines(mesh: Mesh) -> Iterator[str]:
    kind = "Polys" if mesh.cells.shape[1] == 3 else "Lines"
    counts = {"Verts": 0, "Lines": 0, "Strips": 0, "Polys": 0, kind: len(mesh.cells)}
    numbers = " ".join(f'NumberOf{name}="{count}"' for name, count in counts.items())
    yield '<?xml version="1.0"?>'
    yield '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt32">'
    yield f'<PolyData><Piece NumberOfPoints="{len(mesh.points)}" {numbers}>'
    yield '<PointData Scalars="fault">'
    yield from (_array(name, values) for name, values in mesh.values.items())
    yield "</PointData>"
    yield f"<Points>{_array('Points', mesh.points)}</Points>"
    size = mesh.cells.shape[1]
    ends = size * np.arange(1, len(mesh.cells) + 1, dtype=np.int64)
    yield f"<{kind}>{_array('connectivity', mesh.cells.ravel())}{_array('offsets', ends)}</{kind}>"
    yield "</Piece></PolyData></VTKFile>"


def _array(name: str, values: NDArray[Any]) -> str:
    data = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
    text = base64.b64encode(struct.pack("<I", len(data)) + data).decode("ascii")
    parts = f' NumberOfComponents="{values.shape[1]}"' if values.ndim == 2 else ""
    return f'<DataArray type="{TYPES[values.dtype.name]}" Name="{name}"{parts} format="binary">{text}</DataArray>'
