"""NumPy's .npy files, memory-mapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtl_seismic.formats.arrays import check_array, map_npy
from mtl_seismic.formats.sidecar import fitting_geometry, is_plain, sidecar_text, with_sidecar
from mtlcore.atomic import reserve
from mtlcore.files import file_size
from mtlcore.interfaces import Format, Output
from mtlcore.volume import ArrayVolume, ArrayWriter, Geometry, Volume, Writer


@dataclass(frozen=True)
class Npy(Format):
    """One array of 2 or 3 axes, depth first; a geometry that is more than its shape lies in ``FILE.json``."""

    name: ClassVar[str] = "npy"
    suffixes: ClassVar[tuple[str, ...]] = (".npy",)

    def open(self, path: Path) -> Volume:
        file_size(path)
        array = map_npy(path)
        check_array(str(path), array.shape, array.dtype)
        return ArrayVolume(array, fitting_geometry(path, array.shape), file=path)

    @contextmanager
    def create(self, path: Path, geometry: Geometry, output: Output) -> Iterator[Writer]:
        with with_sidecar(path, None if is_plain(geometry) else sidecar_text(geometry)) as temporary:
            array = np.lib.format.open_memmap(temporary, mode="w+", dtype="<f4", shape=geometry.shape)
            reserve(temporary)
            yield ArrayWriter(array)
            array.flush()
