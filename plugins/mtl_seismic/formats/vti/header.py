"""The text before the samples of a new file, and the field data after them."""

from __future__ import annotations

import json
from math import prod
from xml.sax.saxutils import quoteattr

import numpy as np

from mtl_seismic.formats.arrays import LIVE
from mtl_seismic.formats.sidecar import geometry_content
from mtl_seismic.formats.vti.grid import Grid, Z
from mtlcore.io.volume import Geometry
from mtlcore.plugin.outputs import Output

LENGTH = np.dtype("<u8")
"""How the length of each appended block is written before it."""
GEOMETRY = "mtl_geometry"

_TEMPLATE = """<?xml version="1.0"?>
<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64">
<ImageData WholeExtent="{extent}" Origin="{origin}" Spacing="{spacing}">
<FieldData>
{notes}
</FieldData>
<Piece Extent="{extent}">
<PointData Scalars={name}>
<DataArray type="Float32" Name={name} format="appended" offset="0"/>
</PointData>
</Piece>
</ImageData>
"""
_NOTE = '<{tag} type="{type}" Name="{name}" NumberOfTuples="{count}" format="appended" offset="{offset}"/>'
_START = '<AppendedData encoding="raw">\n_'


def header(geometry: Geometry, grid: Grid, output: Output, z: Z) -> tuple[bytes, bytes]:
    """What stands before the samples' length, a multiple of 8 bytes, and the blocks that follow the samples."""
    content = geometry_content(geometry.like(live=None)) | {"z": z}
    # VTK reads texts as bytes that end in 0.
    text = json.dumps(content).encode("ascii") + b"\0"
    live = None if geometry.live is None else np.asarray(geometry.live, np.uint8).tobytes()
    first = LENGTH.itemsize + 4 * prod(grid.sizes)
    notes = [_NOTE.format(tag="Array", type="String", name=GEOMETRY, count=1, offset=first)]
    if live is not None:
        offset = first + LENGTH.itemsize + len(text)
        notes.append(_NOTE.format(tag="DataArray", type="UInt8", name=LIVE, count=len(live), offset=offset))
    start = _TEMPLATE.format(
        extent=" ".join(f"0 {size - 1}" for size in reversed(grid.sizes)),
        origin=_numbers(grid.origins),
        spacing=_numbers(grid.spacings),
        notes="\n".join(notes),
        name=quoteattr(output.name),
    ).encode()
    # So that samples can be memory-mapped in place by programs that need them aligned.
    padding = b" " * (-(len(start) + len(_START)) % 8)
    blocks = b"".join(np.array(len(block), LENGTH).tobytes() + block for block in (text, live) if block is not None)
    return start + padding + _START.encode(), blocks


def _numbers(values: tuple[float, ...]) -> str:
    """In VTK's order, x first."""
    return " ".join(repr(float(value)) for value in reversed(values))
