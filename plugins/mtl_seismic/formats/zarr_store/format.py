"""The format ``zarr``: a folder with a group of Zarr version 3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import ClassVar

import numpy as np

from mtl_seismic.formats.parts import Parts
from mtl_seismic.formats.zarr_store import layout
from mtl_seismic.formats.zarr_store.reading import open_store
from mtl_seismic.formats.zarr_store.writing import ShardWriter
from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_folder, finish_folder, start_folder
from mtlcore.io.files import shape_text
from mtlcore.io.leftovers import BEGUN
from mtlcore.io.volume import Geometry, Volume, Writer
from mtlcore.plugin.interfaces import ParallelFormat
from mtlcore.plugin.outputs import Output

Edges = int | tuple[int, ...] | None
DEFAULT_CHUNK = {2: 256, 3: 64}
DEFAULT_SHARD = {2: 1024, 3: 128}


@dataclass(frozen=True)
class Zarr(ParallelFormat):
    """A folder with a Zarr group: the volume, its axes' positions and its live traces as arrays with named axes.

    ``array`` names the array to read in a store of several; if it is not given, the one that this package
    wrote, else ``image``, else the only one of 3 axes, or of 2 where none has 3. New stores: ``chunk`` is the
    edge of what is read and compressed in one piece (samples; a number for all axes, or one for each, depth
    first), ``shard`` that of what lies in one file and has one writer. Defaults: 64 and 128, in 2D 256 and
    1024. ``memory``: MB of unfinished shards that are held while windows come in any order.
    """

    name: ClassVar[str] = "zarr"
    suffixes: ClassVar[tuple[str, ...]] = (".zarr", ".mdio")
    array: str = ""
    chunk: Edges = None
    shard: Edges = None
    compression: layout.Compression = "lz4"
    memory: int = 512

    def __post_init__(self) -> None:
        # A missing package is better said before hours of work than at their end.
        layout.import_zarr()
        for option in ("chunk", "shard"):
            edges = getattr(self, option)
            if edges is not None and np.min(edges, initial=1) < 1:
                raise ValueError(f"{option} is {edges}: expected positive numbers of samples.")

    def open(self, path: Path) -> Volume:
        return open_store(path, self.array)

    @contextmanager
    def create(self, path: Path, geometry: Geometry, output: Output) -> Iterator[Writer]:
        with atomic_folder(path, layout.MARKER) as temporary:
            self._lay_out(temporary, geometry, output)
            writer = ShardWriter(layout.values_array(temporary), self.memory)
            yield writer
            writer.finish()
            layout.complete(temporary)

    def block_shape(self, geometry: Geometry) -> tuple[int, ...]:
        return self._edges(geometry)[1]

    def begin(self, path: Path, geometry: Geometry, output: Output) -> Path:
        started = start_folder(path, layout.MARKER, BEGUN)
        try:
            self._lay_out(started, geometry, output)
        except BaseException:
            self.abandon(started)
            raise
        return started

    @contextmanager
    def join(self, started: Path, owner: str) -> Iterator[Writer]:
        with Parts(started, layout.MARKER).joined(owner) as claim:
            writer = ShardWriter(layout.values_array(started), self.memory, claim)
            yield writer
            writer.finish()

    def commit(self, started: Path, path: Path) -> None:
        Parts(started, layout.MARKER).close()
        layout.complete(started)
        finish_folder(started, path, layout.MARKER)

    def abandon(self, started: Path) -> None:
        rmtree(started, ignore_errors=True)

    def _lay_out(self, folder: Path, geometry: Geometry, output: Output) -> None:
        chunk, shard = self._edges(geometry)
        layout.lay_out(folder, geometry, output, chunk, shard, self.compression)

    def _edges(self, geometry: Geometry) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Chunk and shard shapes, no larger than the volume needs; a shard holds whole chunks."""
        ndim = len(geometry.axes)
        chunk = _per_axis("chunk", self.chunk, DEFAULT_CHUNK[ndim], ndim)
        shard = _per_axis("shard", self.shard, DEFAULT_SHARD[ndim], ndim)
        chunk = tuple(map(min, chunk, shard)) if self.chunk is None else chunk
        if self.shard is not None and any(edge % part for edge, part in zip(shard, chunk, strict=True)):
            raise MtlError(
                f"Zarr shards of {shape_text(shard)} samples hold no whole number of chunks of {shape_text(chunk)}: "
                "choose the options shard and chunk so that they do."
            )
        chunk = tuple(map(min, chunk, geometry.shape))
        counts = [
            max(1, -(-min(edge, size) // part)) for edge, size, part in zip(shard, geometry.shape, chunk, strict=True)
        ]
        return chunk, tuple(count * part for count, part in zip(counts, chunk, strict=True))


def _per_axis(option: str, given: Edges, default: int, ndim: int) -> tuple[int, ...]:
    edges = (default if given is None else given,) * ndim if not isinstance(given, tuple) else given
    if len(edges) != ndim:
        raise MtlError(f"Zarr option {option} is {given}: expected one number, or {ndim} for a {ndim}D volume.")
    return edges
