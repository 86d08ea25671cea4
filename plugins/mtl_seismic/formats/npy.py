"""NumPy's .npy files, memory-mapped."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtl_seismic.formats.arrays import check_array, open_npy
from mtl_seismic.formats.mapped import MappedArrayWriter, MappedFormat, MappedWriter
from mtl_seismic.formats.sidecar import fitting_geometry, is_plain, sidecar_text, with_sidecar
from mtlcore.io.files import file_size
from mtlcore.io.volume import ArrayVolume, Geometry, Volume
from mtlcore.plugin.outputs import Output


@dataclass(frozen=True)
class Npy(MappedFormat):
    """One array of 2 or 3 axes, depth first; a geometry that is more than its shape lies in ``FILE.json``."""

    name: ClassVar[str] = "npy"
    suffixes: ClassVar[tuple[str, ...]] = (".npy",)

    def open(self, path: Path) -> Volume:
        file_size(path)
        array, axes = open_npy(path)
        shape = tuple(array.shape[axis] for axis in axes)
        check_array(str(path), shape, array.dtype)
        return ArrayVolume(array, fitting_geometry(path, shape), axes, path)

    def lay_out(self, file: Path, geometry: Geometry, output: Output) -> None:
        np.lib.format.open_memmap(file, mode="w+", dtype="<f4", shape=geometry.shape).flush()

    def map(self, file: Path, shape: tuple[int, ...]) -> MappedWriter:
        return MappedArrayWriter(np.lib.format.open_memmap(file, mode="r+"))

    def published(self, path: Path, geometry: Geometry) -> AbstractContextManager[Path]:
        return with_sidecar(path, None if is_plain(geometry) else sidecar_text(geometry))
