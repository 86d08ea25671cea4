"""Formats whose new files are laid out whole and then written through a memory map, by one process or several."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.parts import Parts
from mtl_seismic.formats.sidecar import Sidecar, geometry_content, sidecar_geometry
from mtlcore.config import build
from mtlcore.io.atomic import atomic_path, atomic_write_text, begin_file, flush_to_disk, reserve
from mtlcore.io.parallel_write import Block, blocks
from mtlcore.io.volume import ArrayWriter, Geometry, Window, Writer
from mtlcore.plugin.interfaces import ParallelFormat
from mtlcore.plugin.outputs import Output

DATA, MARKER = "data", "begun.json"
EDGE = {2: 64, 3: 16}
"""Traces along an edge of the columns that have one writer each: claims of single traces would be too many."""


class MappedWriter(Writer):
    """Writes into a memory map."""

    @abstractmethod
    def flush(self) -> None:
        """Return when what was written is on its way to the disk."""


class MappedArrayWriter(ArrayWriter, MappedWriter):
    """Writes into a memory map that is one array, seen as a volume by way of ``axes`` (see ArrayVolume)."""

    def __init__(self, mapped: Any, axes: tuple[int, ...] | None = None, view: Any = None) -> None:
        super().__init__(mapped if view is None else view, axes)
        self._mapped = mapped

    def flush(self) -> None:
        self._mapped.flush()


class ClaimingWriter(Writer):
    """Passes on what it gets, once it has claimed the blocks that this touches."""

    def __init__(self, inner: Writer, block_shape: tuple[int, ...], claim: Callable[[Block], None]) -> None:
        self.block_shape = self._blocks = block_shape
        self._inner, self._claim = inner, claim
        self._claimed: set[Block] = set()

    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        for block in blocks(window, self._blocks):
            if block not in self._claimed:
                self._claim(block)
                self._claimed.add(block)
        self._inner.write(window, values)


@dataclass(frozen=True)
class MappedFormat(ParallelFormat):
    """What its formats say: how a file is laid out, and where its samples lie then."""

    @abstractmethod
    def lay_out(self, file: Path, geometry: Geometry, output: Output) -> None:
        """Make the file complete, with all samples 0."""

    @abstractmethod
    def map(self, file: Path, shape: tuple[int, ...]) -> MappedWriter:
        """A writer of a file that was laid out for a volume of this shape, depth first."""

    def published(self, path: Path, geometry: Geometry) -> AbstractContextManager[Path]:
        """A temporary path that takes the final name when the block ends well. Default: without a sidecar."""
        return atomic_path(path)

    @contextmanager
    def create(self, path: Path, geometry: Geometry, output: Output) -> Iterator[Writer]:
        with self.published(path, geometry) as temporary:
            self._lay_out(temporary, geometry, output)
            writer = self.map(temporary, geometry.shape)
            yield writer
            writer.flush()

    def block_shape(self, geometry: Geometry) -> tuple[int, ...]:
        depth, *horizontal = geometry.shape
        return (depth, *(min(EDGE[len(geometry.axes)], size) for size in horizontal))

    def begin(self, path: Path, geometry: Geometry, output: Output) -> Path:
        started = begin_file(path)
        try:
            (started / DATA).touch()
            self._lay_out(started / DATA, geometry, output)
            atomic_write_text(started / MARKER, json.dumps(geometry_content(geometry)))
        except BaseException:
            self.abandon(started)
            raise
        return started

    @contextmanager
    def join(self, started: Path, owner: str) -> Iterator[Writer]:
        with Parts(started, MARKER).joined(owner) as claim:
            geometry = _begun_geometry(started)
            writer = self.map(started / DATA, geometry.shape)
            yield ClaimingWriter(writer, self.block_shape(geometry), claim)
            writer.flush()

    def commit(self, started: Path, path: Path) -> None:
        Parts(started, MARKER).close()
        with self.published(path, _begun_geometry(started)) as temporary:
            (started / DATA).replace(temporary)
            flush_to_disk(temporary)
        rmtree(started, ignore_errors=True)

    def abandon(self, started: Path) -> None:
        rmtree(started, ignore_errors=True)

    def _lay_out(self, file: Path, geometry: Geometry, output: Output) -> None:
        self.lay_out(file, geometry, output)
        # On a full disk, writing to a map of a sparse file would kill the process.
        reserve(file)


def _begun_geometry(started: Path) -> Geometry:
    file = started / MARKER
    return sidecar_geometry(build(Sidecar, json.loads(file.read_text(encoding="utf-8")), str(file)), str(file))
