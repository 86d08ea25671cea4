"""New HDF5 files: what lies where, and writers of their samples.

Attributes of the file: ``mtl_geometry`` (the keys of sidecar.py but ``live``, as JSON) and ``mtl_array`` (the
dataset's name). The dataset ``live`` is true where a trace exists, if not all do.

Samples that are not compressed have their place in the file from the start, and are written there without the
library. So several processes can write one file, and no failure while samples are written can damage it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.arrays import LIVE, distinct_names, positions, readable
from mtl_seismic.formats.hdf5_file.library import CACHE, import_h5py
from mtl_seismic.formats.mapped import MappedWriter
from mtl_seismic.formats.sidecar import geometry_content
from mtlcore.io.parallel_write import Block, block_window, blocks
from mtlcore.io.volume import Geometry, Window, Writer
from mtlcore.plugin.outputs import Output

GEOMETRY, ARRAY = "mtl_geometry", "mtl_array"
VERSIONS = ("v108", "v110")
"""From version 1.8 of the file format on, attributes may be larger than 64 kB."""
FILLED = 2**16
"""Chunks of fewer bytes are filled with 0 by the library: it might place them where something else was."""


def new_file(stream: Any) -> Any:
    """An open, empty HDF5 file over a path or a file-like object."""
    return import_h5py().File(stream, "w", libver=VERSIONS, rdcc_nbytes=CACHE)


def add_volume(file: Any, geometry: Geometry, output: Output, edge: int, compression: str | None) -> Any:
    """The dataset of a volume in an empty file, with its axes' positions as dimension scales."""
    *dimensions, name = distinct_names([*(axis.name for axis in geometry.axes), output.name])
    dataset = _add_samples(file, name, geometry.shape, edge, compression)
    file.attrs.update({GEOMETRY: json.dumps(geometry_content(geometry.like(live=None))), ARRAY: name})
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


def _add_samples(file: Any, name: str, shape: tuple[int, ...], edge: int, compression: str | None) -> Any:
    chunks = tuple(min(edge, size) for size in shape)
    if compression:
        return file.create_dataset(name, shape, "<f4", chunks=chunks, compression=compression, shuffle=True)
    h5py = import_h5py()
    placed = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    placed.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    placed.set_fill_time(h5py.h5d.FILL_TIME_NEVER if 4 * prod(chunks) >= FILLED else h5py.h5d.FILL_TIME_ALLOC)
    placed.set_chunk(chunks)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F32LE, space, placed)
    return file[name]


class DatasetWriter(Writer):
    """Writes into a dataset by way of the library."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        # HDF5 would repeat a single value over the window.
        check_fit(window, values)
        self._dataset[window] = values


class ChunkWriter(MappedWriter):
    """Writes samples where the chunks of a closed file lie."""

    def __init__(self, path: Path) -> None:
        with readable(path, "HDF5"), import_h5py().File(path, "r", locking=False) as file:
            dataset = file[file.attrs[ARRAY]]
            self._shape, self._chunks = dataset.shape, dataset.chunks
            self._offsets = dict(_chunk_offsets(dataset))
        self._mapped = np.memmap(path, np.uint8, "r+")

    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        check_fit(window, values)
        for block in blocks(window, self._chunks):
            span = block_window(block, self._shape, self._chunks)
            limits = list(zip(span, window, strict=True))
            part = [(max(one.start, other.start), min(one.stop, other.stop)) for one, other in limits]
            inside = tuple(slice(a - s.start, b - s.start) for (a, b), (s, _) in zip(part, limits, strict=True))
            given = tuple(slice(a - w.start, b - w.start) for (a, b), (_, w) in zip(part, limits, strict=True))
            self._chunk(block)[inside] = values[given]

    def flush(self) -> None:
        self._mapped.flush()

    def _chunk(self, block: Block) -> NDArray[np.float32]:
        start = self._offsets[block]
        stored = self._mapped[start : start + 4 * prod(self._chunks)]
        return stored.view("<f4").reshape(self._chunks)


def check_fit(window: Window, values: NDArray[np.float32]) -> None:
    """ValueError unless the values are those of the window."""
    if values.shape != tuple(part.stop - part.start for part in window):
        raise ValueError(f"values of shape {values.shape} do not fit the window {window}")


def _chunk_offsets(dataset: Any) -> Iterator[tuple[Block, int]]:
    """Each chunk's first byte in the file, by its number along each axis."""
    counts = [range(-(-size // edge)) for size, edge in zip(dataset.shape, dataset.chunks, strict=True)]
    for block in product(*counts):
        corner = tuple(number * edge for number, edge in zip(block, dataset.chunks, strict=True))
        yield block, dataset.id.get_chunk_info_by_coord(corner).byte_offset
