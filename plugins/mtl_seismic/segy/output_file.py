"""A new file before its samples are written: the headers of an input, or headers made from a geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import text, words
from mtl_seismic.segy.depth import DepthWords
from mtl_seismic.segy.file_headers import FILE_HEADERS
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.memmap import MappedTraces
from mtl_seismic.segy.samples import FORMATS, IBM, IEEE
from mtl_seismic.segy.scan import PIECE
from mtl_seismic.segy.survey import Survey
from mtl_seismic.segy.words import TEXT
from mtlcore.io.atomic import reserve
from mtlcore.io.volume import Geometry

Headers = Callable[[slice], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class OutputFile:
    """``head``: all bytes before the first trace; ``tail``: all behind the last one. ``headers``: the headers of
    a piece of the traces. ``index``: the trace to write at each place, -1 for none. ``repeated``: traces that are
    copies of others, and these."""

    layout: Layout
    head: bytes
    tail: bytes
    headers: Headers
    index: NDArray[Any]
    repeated: tuple[NDArray[Any], NDArray[Any]]
    notes: tuple[str, ...] = ()

    def start(self, path: Path) -> MappedTraces:
        """Write the headers to a file, with samples of 0; its traces as a memory map to write to."""
        layout = replace(self.layout, path=path)
        with path.open("r+b") as file:
            file.write(self.head)
            file.truncate(len(self.head) + layout.traces * layout.trace_bytes + len(self.tail))
            file.seek(-len(self.tail), 2)
            file.write(self.tail)
        reserve(path)
        mapped = MappedTraces.of(layout)
        names = [name for name in mapped.traces.dtype.names or () if name != "samples"]
        for first in range(0, layout.traces, PIECE):
            piece = slice(first, min(first + PIECE, layout.traces))
            headers = self.headers(piece)
            for name in names:
                mapped.traces[name][piece] = headers[name]
            mapped.touch(piece.stop - piece.start)
        return mapped


def from_survey(source: Survey, geometry: Geometry, write_as: str | None, line: str) -> OutputFile:
    """The headers of another file, byte for byte, but for the sample format, a text line and another depth axis."""
    old = source.layout
    code = {"ieee": IEEE, "ibm": IBM, None: old.format.code if old.format.is_float else IEEE}[write_as]
    binary, notes = bytearray(old.binary), []
    # The header may have said another one, which the user put right.
    if code != words.FORMAT.get(old.binary, old.order):
        words.FORMAT.put(binary, code, old.order)
    other = None if geometry.axes[0] == source.geometry.axes[0] else DepthWords.of(geometry.axes[0])
    if other:
        other.put_binary(binary, old.order, old.revision >= 2)
    written = text.with_line(old.text, line)
    if written is None:
        notes.append(f"{old.path}: no card of its text header is free: what the new file holds is not said there.")
    with old.path.open("rb") as file:
        file.seek(FILE_HEADERS)
        rest = file.read(old.start - FILE_HEADERS)
        file.seek(old.start + old.traces * old.trace_bytes)
        # What follows the last trace of a file that is cut short is part of another one.
        tail = file.read() if (old.size - file.tell()) % TEXT == 0 else b""

    carried = source.carried

    def headers(piece: slice) -> dict[str, NDArray[Any]]:
        # Not the samples, which are most of the file.
        traces = old.map(piece.start, piece.stop) if carried is None else old.map()
        rows = slice(None) if carried is None else carried[piece]
        block = {name: np.array(traces[name][rows]) for name in traces.dtype.names or () if name != "samples"}
        if other:
            other.put_traces(block["header"], old.order)
        if source.options.stack:
            words.OFFSET.put_column(block["header"], 0, old.order)
        return block

    index = np.where(source.index.live, source.index.first, -1)
    if carried is not None:
        index = np.where(index < 0, -1, np.searchsorted(carried, index))
    layout = replace(
        old,
        format=FORMATS[code],
        samples=geometry.shape[0],
        binary=bytes(binary),
        traces=old.traces if carried is None else len(carried),
    )
    head = (written or old.text) + bytes(binary) + rest
    return OutputFile(layout, head, tail, headers, index, _repeated(source), tuple(notes))


def _repeated(source: Survey) -> tuple[NDArray[Any], NDArray[Any]]:
    """Traces at a place that another one has, and these: they hold the same in a copy."""
    copies = source.index.repeated
    cells = source.grid.cells[np.isin(source.grid.traces(), copies)] if copies.size else copies
    return copies, source.index.first.reshape(-1)[cells]
