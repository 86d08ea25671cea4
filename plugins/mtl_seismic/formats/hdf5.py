"""HDF5 files: one chunked dataset, with its axes' positions as dimension scales, which xarray reads too.

Attributes of the file: ``mtl_geometry`` (the keys of sidecar.py but ``live``, as JSON) and ``mtl_array`` (the
dataset's name). The dataset ``live`` is true where a trace exists, if not all do.
"""

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

from mtl_seismic.formats.arrays import LIVE, check_array, choose_array, distinct_names, positions, readable
from mtl_seismic.formats.sidecar import Sidecar, geometry_content, sidecar_geometry
from mtlcore.atomic import atomic_path, reserve
from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.files import file_size
from mtlcore.interfaces import Format, Output
from mtlcore.volume import ArrayVolume, Geometry, Volume, Window, Writer

GEOMETRY, ARRAY = "mtl_geometry", "mtl_array"
CACHE = 64_000_000
"""Bytes of chunks that HDF5 keeps; its own default holds a single one."""


@dataclass(frozen=True)
class Hdf5(Format):
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
        _import_h5py()
        if self.chunk < 1:
            raise ValueError(f"chunk is {self.chunk}: expected a positive number of samples.")

    def open(self, path: Path) -> Volume:
        file_size(path)
        with readable(path, "HDF5"):
            file = _import_h5py().File(path, "r", rdcc_nbytes=CACHE)
            try:
                dataset = choose_array(path, _arrays(file), self.array.strip("/"), file.attrs.get(ARRAY))
                check_array(f"Dataset {dataset.name} of {path}", dataset.shape, dataset.dtype)
                return Hdf5Volume(path, dataset, _geometry(path, file, dataset))
            except BaseException:
                file.close()
                raise

    @contextmanager
    def create(self, path: Path, geometry: Geometry, output: Output) -> Iterator[Writer]:
        h5py = _import_h5py()
        # From version 1.8 of the file format on, attributes may be larger than 64 kB.
        versions = ("v108", "v110")
        with atomic_path(path) as temporary:
            # Where the disk fills up inside the library, it may end the process: find that out before.
            os.truncate(temporary, 4 * prod(geometry.shape))
            reserve(temporary)
            with h5py.File(temporary, "w", libver=versions, rdcc_nbytes=CACHE) as file:
                yield DatasetWriter(self._lay_out(file, geometry, output))

    def _lay_out(self, file: Any, geometry: Geometry, output: Output) -> Any:
        *dimensions, name = distinct_names([*(axis.name for axis in geometry.axes), output.name])
        file.attrs.update({GEOMETRY: json.dumps(geometry_content(geometry.like(live=None))), ARRAY: name})
        chunks = tuple(min(self.chunk, size) for size in geometry.shape)
        packing = None if self.compression == "none" else self.compression
        dataset = file.create_dataset(
            name, geometry.shape, "<f4", chunks=chunks, compression=packing, shuffle=bool(packing)
        )
        dataset.attrs.update({"long_name": output.description or output.name, "units": output.unit})
        for number, (dimension, axis) in enumerate(zip(dimensions, geometry.axes, strict=True)):
            scale = file.create_dataset(dimension, data=positions(axis))
            scale.attrs["units"] = axis.unit
            scale.make_scale(dimension)
            dataset.dims[number].attach_scale(scale)
        if geometry.live is not None:
            live = file.create_dataset(LIVE, data=np.asarray(geometry.live, np.uint8))
            for number, dimension in enumerate(dimensions[1:]):
                live.dims[number].attach_scale(file[dimension])
        return dataset


class DatasetWriter(Writer):
    """Writes into a dataset."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        # HDF5 would repeat a single value over the window.
        if values.shape != tuple(part.stop - part.start for part in window):
            raise ValueError(f"values of shape {values.shape} do not fit the window {window}")
        self._dataset[window] = values


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


def _import_h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise MtlError('HDF5 files need the package h5py, not installed here: pip install "mtlcore[hdf5]".') from None
    return h5py


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
