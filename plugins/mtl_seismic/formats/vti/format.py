"""The format ``vti``: VTK image data of one float32 array, appended as raw binary.

VTK's x is the last axis here (crossline; in 2D the only horizontal one), its y the inline, and its z points
up: z = -depth, in the axes' own units. So samples lie from the deepest to the shallowest, and all spacings are
positive, which every program can draw. Field data, which programs keep or ignore, hold the exact geometry:
``mtl_geometry`` (the keys of sidecar.py as JSON) and ``live`` (1 where a trace exists).
Source: https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtl_seismic.formats.arrays import FlippedArray, check_array
from mtl_seismic.formats.mapped import MappedArrayWriter, MappedFormat, MappedWriter
from mtl_seismic.formats.vti.grid import Grid, Z, seen_from_depth
from mtl_seismic.formats.vti.header import LENGTH, header
from mtl_seismic.formats.vti.reading import read_image
from mtlcore.io.file_array import FileArray
from mtlcore.io.files import file_size
from mtlcore.io.volume import ArrayVolume, Geometry, Volume
from mtlcore.plugin.outputs import Output

_END = b"\n</AppendedData>\n</VTKFile>\n"


@dataclass(frozen=True)
class Vti(MappedFormat):
    """VTK image data, for ParaView.

    ``array`` names the point data to read; if it is not given, the scalars, else the only one. ``z``: where
    the z axis points, in new files and in those of other programs. Files are read whose data are appended
    as raw binary, not compressed.
    """

    name: ClassVar[str] = "vti"
    suffixes: ClassVar[tuple[str, ...]] = (".vti",)
    array: str = ""
    z: Z = "up"

    def open(self, path: Path) -> Volume:
        image = read_image(path, file_size(path), self.array, self.z)
        check_array(str(path), image.geometry.shape, image.dtype)
        # In 2D there is one point along VTK's y.
        kept = (0, 1, 2) if len(image.geometry.shape) == 3 else (0, 2)
        stored = FileArray(path, image.dtype, tuple(image.grid.sizes[axis] for axis in kept), image.offset)
        samples = FlippedArray(stored, tuple(image.grid.flipped[axis] for axis in kept))
        return ArrayVolume(samples, image.geometry, file=path)

    def lay_out(self, file: Path, geometry: Geometry, output: Output) -> None:
        grid = Grid.of(geometry, self.z)
        start, notes = header(geometry, grid, output, self.z)
        samples = 4 * prod(grid.sizes)
        with file.open("wb") as stream:
            stream.write(start + np.array(samples, LENGTH).tobytes())
            stream.seek(samples, os.SEEK_CUR)
            stream.write(notes + _END)

    def map(self, file: Path, shape: tuple[int, ...]) -> MappedWriter:
        image = read_image(file, file_size(file), "", self.z)
        stored = np.memmap(file, "<f4", "r+", image.offset, image.grid.sizes)
        return MappedArrayWriter(stored, view=seen_from_depth(stored, image.grid, shape))
