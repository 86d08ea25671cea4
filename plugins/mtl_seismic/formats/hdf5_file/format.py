"""The format ``hdf5``: one chunked dataset, with its axes' positions as dimension scales, which xarray reads too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.arrays import LIVE, check_array, choose_array, distinct_names, one_line, positions, readable
from mtl_seismic.formats.hdf5_file.careful import CarefulFile
from mtl_seismic.formats.hdf5_file.library import CACHE, import_h5py
from mtl_seismic.formats.hdf5_file.writing import ARRAY, GEOMETRY, ChunkWriter, DatasetWriter, add_volume, new_file
from mtl_seismic.formats.mapped import MappedFormat, MappedWriter
from mtl_seismic.formats.sidecar import Sidecar, geometry_content, sidecar_geometry
from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path, reserve
from mtlcore.io.files import file_size
from mtlcore.io.volume import ArrayVolume, Geometry, Volume, Window, Writer
from mtlcore.plugin.outputs import Output


@dataclass(frozen=True)
class Hdf5(MappedFormat):
    """One dataset of an HDF5 file.

    ``array`` is its path in the file; if it is not given, the one that this package wrote, else the only one
    of 2 or 3 axes. New files: ``chunk`` is the edge of what is read and compressed in one piece, in samples.
    """

    name: ClassVar[str] = "hdf5"
    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5")
    array: str = ""
    chunk: int = 64
    compression: Literal["none", "gzip", "lzf"] = "none"

    def __post_init__(self) -> None:
        # A missing package is better said before hours of work than at their end.
        import_h5py()
        if self.chunk < 1:
            raise ValueError(f"chunk is {self.chunk}: expected a positive number of samples.")

    def open(self, path: Path) -> Volume:
        file_size(path)
        with readable(path, "HDF5"):
            file = import_h5py().File(path, "r", rdcc_nbytes=CACHE)
            try:
                dataset = choose_array(path, _arrays(file), self.array.strip("/"), file.attrs.get(ARRAY))
                check_array(f"Dataset {dataset.name} of {path}", dataset.shape, dataset.dtype)
                return Hdf5Volume(path, dataset, _geometry(path, file, dataset))
            except BaseException:
                file.close()
                raise

    @contextmanager
    def create(self, path: Path, geometry: Geometry, output: Output) -> Iterator[Writer]:
        if self.compression == "none":
            with super().create(path, geometry, output) as writer:
                yield writer
            return
        with atomic_path(path) as temporary:
            room = _room(geometry, self.chunk)
            os.truncate(temporary, room)
            reserve(temporary)
            with CarefulFile(temporary, room) as stream, new_file(stream) as file:
                yield DatasetWriter(add_volume(file, geometry, output, self.chunk, self.compression))
            _check_written(temporary, path, geometry)

    def lay_out(self, file: Path, geometry: Geometry, output: Output) -> None:
        with CarefulFile(file) as stream, new_file(stream) as opened:
            add_volume(opened, geometry, output, self.chunk, None)
        _check_written(file, file, geometry)

    def map(self, file: Path, shape: tuple[int, ...]) -> MappedWriter:
        return ChunkWriter(file)

    @property
    def writes_in_parallel(self) -> bool:
        return self.compression == "none"

    def begin(self, path: Path, geometry: Geometry, output: Output) -> Path:
        if not self.writes_in_parallel:
            raise MtlError(
                f"Cannot write {path} from several processes: HDF5 files with compression {self.compression} "
                "have one writer. Set compression=none, or use one process or the format zarr."
            )
        return super().begin(path, geometry, output)


def _room(geometry: Geometry, edge: int) -> int:
    """Bytes that a compressed file takes at most: whole chunks, their index, attributes and axes."""
    chunks = [min(edge, size) for size in geometry.shape]
    count = prod(-(-size // chunk) for size, chunk in zip(geometry.shape, chunks, strict=True))
    notes = 2 * len(json.dumps(geometry_content(geometry)))
    return count * (4 * prod(chunks) + 256) + notes + 16 * sum(geometry.shape) + 2**16


def _check_written(file: Path, path: Path, geometry: Geometry) -> None:
    """MtlError unless the library finds what it has just written."""
    try:
        with import_h5py().File(file, "r") as opened:
            shape = opened[opened.attrs[ARRAY]].shape
    except (OSError, KeyError, RuntimeError) as error:
        raise MtlError(f"Cannot write {path}: HDF5 cannot read back what it wrote ({one_line(error)}).") from error
    if shape != geometry.shape:
        raise MtlError(f"Cannot write {path}: HDF5 reads back the shape {shape} instead of {geometry.shape}.")


class Hdf5Volume(ArrayVolume):
    """A volume over a dataset of an open file."""

    def __init__(self, path: Path, dataset: Any, geometry: Geometry) -> None:
        super().__init__(dataset, geometry, file=path)
        self._path = path

    def read(self, window: Window) -> NDArray[np.float32]:
        with readable(self._path, "HDF5"):
            return super().read(window)

    def close(self) -> None:
        if self._array is not None:
            self._array.file.close()
        super().close()


def _arrays(file: Any) -> dict[str, Any]:
    nodes: dict[str, Any] = {}
    file.visititems(nodes.__setitem__)
    return {name: node for name, node in nodes.items() if getattr(node, "ndim", 0) in (2, 3) and name != LIVE}


def _geometry(path: Path, file: Any, dataset: Any) -> Geometry:
    """What the attributes say, where they agree with the axes' positions; else a plain geometry."""
    plain = Geometry.of_shape(dataset.shape)
    if GEOMETRY not in file.attrs or dataset.name != f"/{file.attrs.get(ARRAY)}":
        return plain
    where = f"{GEOMETRY} of {path}"
    geometry = sidecar_geometry(build(Sidecar, json.loads(file.attrs[GEOMETRY]), where), where)
    names = distinct_names([axis.name for axis in geometry.axes])
    pairs = list(zip(names, geometry.axes, strict=True))
    if geometry.shape != dataset.shape or not all(np.array_equal(file[name], positions(axis)) for name, axis in pairs):
        raise MtlError(f"{path} has a geometry of other axes than its dataset: make it anew, or name its array.")
    live = np.asarray(file[LIVE]) != 0 if LIVE in file else None
    if live is not None and live.shape != geometry.shape[1:]:
        raise MtlError(f"{path} has {live.shape} live traces: expected {geometry.shape[1:]}.")
    return geometry.like(live=live)
