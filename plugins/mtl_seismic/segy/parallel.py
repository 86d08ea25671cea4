"""New files that several processes write: what one of them begins and the others join."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.mapped import EDGE, ClaimingWriter
from mtl_seismic.formats.parts import Parts
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.memmap import MappedTraces
from mtl_seismic.segy.output_file import OutputFile
from mtl_seismic.segy.samples import FORMATS
from mtl_seismic.segy.volume import SegyWriter
from mtl_seismic.segy.words import ByteOrder
from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path, atomic_write_text, begin_file, flush_to_disk
from mtlcore.io.volume import Writer

DATA, MARKER, INDEX, REPEATED = "data", "begun.json", "index.npy", "repeated.npy"


def block_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Whole traces of a few lines: they lie apart from each other in the file, in whatever order it is."""
    return (shape[0], *(min(EDGE[len(shape)], size) for size in shape[1:]))


@dataclass(frozen=True)
class Begun:
    """What a process needs to write samples: where they lie in the file."""

    start: int
    trace_header: int
    samples: int
    traces: int
    code: int
    order: ByteOrder

    @classmethod
    def of(cls, layout: Layout) -> Begun:
        """Of a new file."""
        return cls(layout.start, layout.trace_header, layout.samples, layout.traces, layout.format.code, layout.order)

    def layout(self, path: Path) -> Layout:
        """The layout of the file at a path, for its samples alone."""
        return Layout(
            path,
            0,
            b"",
            b"",
            self.order,
            0,
            FORMATS[self.code],
            self.start,
            self.trace_header,
            self.samples,
            self.traces,
        )


def begin(path: Path, output: OutputFile) -> Path:
    """A folder next to ``path`` with the file, all of whose headers are written, and what others need to join."""
    started = begin_file(path)
    try:
        (started / DATA).touch()
        output.start(started / DATA).flush()
        np.save(started / INDEX, output.index)
        np.save(started / REPEATED, np.stack(output.repeated))
        atomic_write_text(started / MARKER, json.dumps(vars(Begun.of(output.layout))))
    except BaseException:
        rmtree(started, ignore_errors=True)
        raise
    return started


@contextmanager
def join(started: Path, owner: str) -> Iterator[Writer]:
    """A writer of one part; see ParallelFormat."""
    with Parts(started, MARKER).joined(owner) as claim:
        layout = _begun_layout(started)
        # Of the index, only what the part touches comes into memory.
        index: NDArray[Any] = np.load(started / INDEX, mmap_mode="r")
        traces = MappedTraces.of(layout)
        writer = SegyWriter(traces, layout.format.encode, index)
        yield ClaimingWriter(writer, block_shape((layout.samples, *index.shape)), claim)
        traces.flush()


def commit(started: Path, path: Path) -> None:
    """Give the file its final name."""
    Parts(started, MARKER).close()
    write_repeated(MappedTraces.of(_begun_layout(started)), *np.load(started / REPEATED))
    with atomic_path(path) as temporary:
        (started / DATA).replace(temporary)
        flush_to_disk(temporary)
    rmtree(started, ignore_errors=True)


def write_repeated(traces: MappedTraces, copies: NDArray[Any], firsts: NDArray[Any]) -> None:
    """The samples of traces at places that others have, as theirs."""
    for copy, first in zip(copies, firsts, strict=True):
        traces.samples[copy] = traces.samples[first]
    traces.flush()


def _begun_layout(started: Path) -> Layout:
    try:
        begun = Begun(**json.loads((started / MARKER).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise MtlError(f"{started} cannot be joined: {error}.") from error
    return begun.layout(started / DATA)
