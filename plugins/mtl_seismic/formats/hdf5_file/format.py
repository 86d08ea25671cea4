"""The format ``hdf5``: one chunked dataset, with its axes' positions as dimension scales, which xarray reads too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import ClassVar, Literal

from mtl_seismic.formats.arrays import one_line
from mtl_seismic.formats.hdf5_file.careful import CarefulFile
from mtl_seismic.formats.hdf5_file.library import import_h5py
from mtl_seismic.formats.hdf5_file.reading import open_file
from mtl_seismic.formats.hdf5_file.writing import ARRAY, ChunkWriter, DatasetWriter, add_volume, new_file
from mtl_seismic.formats.mapped import MappedFormat, MappedWriter
from mtl_seismic.formats.sidecar import geometry_content
from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path, reserve
from mtlcore.io.files import file_size
from mtlcore.io.volume import Geometry, Volume, Writer
from mtlcore.plugin.outputs import Output


@dataclass(frozen=True)
class Hdf5(MappedFormat):
    """One dataset of an HDF5 file.

    ``array`` is its path in the file; if it is not given, the one that this package wrote, else the only one
    of 3 axes, or of 2 where none has 3. Its axes are told by the names of its dimensions, as NetCDF-4, xarray and
    segysak write them. New files: ``chunk`` is the edge of what is read and compressed in one piece, in samples.
    """

    name: ClassVar[str] = "hdf5"
    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5", ".nc", ".nc4", ".seisnc")
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
        return open_file(path, self.array.strip("/"))

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
        with import_h5py().File(file, "r", locking=False) as opened:
            shape = opened[opened.attrs[ARRAY]].shape
    except (OSError, KeyError, RuntimeError) as error:
        raise MtlError(f"Cannot write {path}: HDF5 cannot read back what it wrote ({one_line(error)}).") from error
    if shape != geometry.shape:
        raise MtlError(f"Cannot write {path}: HDF5 reads back the shape {shape} instead of {geometry.shape}.")
