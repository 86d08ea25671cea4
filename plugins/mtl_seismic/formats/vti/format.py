"""The format ``vti``: VTK image data of one float32 array, appended as raw binary.

VTK's x is the last axis here (crossline; in 2D the only horizontal one), its y the inline, and its z points
up: z = -depth, in the axes' own units. So samples lie from the deepest to the shallowest, and all spacings are
positive, which every program can draw. Field data, which programs keep or ignore, hold the exact geometry:
``mtl_geometry`` (the keys of sidecar.py as JSON) and ``live`` (1 where a trace exists).
Source: https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtl_seismic.formats.arrays import check_array
from mtl_seismic.formats.vti.grid import Grid, Z, seen_from_depth
from mtl_seismic.formats.vti.header import LENGTH, header
from mtl_seismic.formats.vti.reading import read_image
from mtlcore.atomic import atomic_path, reserve
from mtlcore.files import file_size
from mtlcore.interfaces import Format, Output
from mtlcore.volume import ArrayVolume, ArrayWriter, Geometry, Volume, Writer

_END = b"\n</AppendedData>\n</VTKFile>\n"


@dataclass(frozen=True)
class Vti(Format):
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
        stored = np.memmap(path, image.dtype, "r", image.offset, image.grid.sizes)
        samples = seen_from_depth(stored, image.grid, image.geometry.shape)
        return ArrayVolume(samples, image.geometry, file=path)

    @contextmanager
    def create(self, path: Path, geometry: Geometry, output: Output) -> Iterator[Writer]:
        grid = Grid.of(geometry, self.z)
        start, notes = header(geometry, grid, output, self.z)
        samples = 4 * prod(grid.sizes)
        with atomic_path(path) as temporary:
            with temporary.open("wb") as file:
                file.write(start + np.array(samples, LENGTH).tobytes())
                file.seek(samples, os.SEEK_CUR)
                file.write(notes + _END)
            reserve(temporary)
            stored = np.memmap(temporary, "<f4", "r+", len(start) + LENGTH.itemsize, grid.sizes)
            yield ArrayWriter(seen_from_depth(stored, grid, geometry.shape))
            stored.flush()
