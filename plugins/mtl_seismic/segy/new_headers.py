"""Headers made from a geometry: SEG-Y revision 1, or 2 where its words are too short for the vertical axis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats import coordinates
from mtl_seismic.formats.crooked import trace_points
from mtl_seismic.segy import text, words
from mtl_seismic.segy.depth import UNITS, DepthWords, unit_name
from mtl_seismic.segy.file_headers import BYTE_ORDER_VALUE, FILE_HEADERS
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.lines import SPARSE
from mtl_seismic.segy.output_file import OutputFile
from mtl_seismic.segy.samples import FORMATS, IBM, IEEE
from mtl_seismic.segy.words import BINARY, TRACE, Word
from mtlcore.errors import MtlError
from mtlcore.io.volume import Axis, Geometry

INT32 = 2**31 - 1


def from_geometry(path: Path, geometry: Geometry, write_as: str | None, line: str) -> OutputFile:
    """A file of the live traces, and of some flagged as dead where the axes could not be told without."""
    depth = DepthWords.of(geometry.axes[0])
    if not 0 < depth.interval < 1e9:
        raise MtlError(
            f"Cannot write {path}: SEG-Y cannot say a sample interval of {geometry.axes[0].step:g} "
            f"{geometry.axes[0].unit}: expected more than 0."
        )
    revision = 2 if depth.needs_revision_2 else 1
    cells = written_cells(geometry)
    layout = Layout(
        path=path,
        size=0,
        text=text.make(_text_lines(geometry, line)),
        binary=_binary(depth, revision, IBM if write_as == "ibm" else IEEE, geometry),
        order="big",
        revision=revision,
        format=FORMATS[IBM if write_as == "ibm" else IEEE],
        start=FILE_HEADERS,
        trace_header=TRACE,
        samples=geometry.shape[0],
        traces=len(cells),
    )
    maker = _Headers(geometry, depth, cells)
    index = np.full(geometry.shape[1:], -1, np.int64)
    index.reshape(-1)[cells] = np.where(maker.live, np.arange(len(cells)), -1)
    none = np.zeros(0, np.int64)
    return OutputFile(layout, layout.text + layout.binary, b"", maker.piece, index, (none, none))


def _binary(depth: DepthWords, revision: int, code: int, geometry: Geometry) -> bytes:
    header = bytearray(BINARY)
    depth.put_binary(header, "big", long=revision == 2)
    for word, value in (
        (words.FORMAT, code),
        (words.FOLD, 1),
        (words.SORTING, 4),
        (words.MEASUREMENT_SYSTEM, 2 if unit_name(geometry.axes[0]) == "ft" else 1),
        (words.REVISION, 256 * revision),
        (words.FIXED_LENGTH, 1),
    ):
        word.put(header, value, "big")
    if revision == 2:
        words.BYTE_ORDER_CONSTANT.put(header, BYTE_ORDER_VALUE, "big")
        words.FIRST_TRACE_BYTE.put(header, FILE_HEADERS, "big")
    return bytes(header)


def _text_lines(geometry: Geometry, line: str) -> list[str]:
    vertical = geometry.axes[0]
    lines = [line, text.volume_line(geometry.shape), text.unit_line(unit_name(vertical))]
    if vertical.unit.lower() not in UNITS:
        lines.append(f"THE INPUT'S VERTICAL AXIS IS IN '{vertical.unit}': 1 MS STANDS FOR 1 OF IT")
    for axis, word in zip(geometry.axes[1:], _line_words(geometry), strict=True):
        numbers = line_numbers(axis)
        lines.append(f"{axis.name.upper()}: {word}, {numbers[0]} TO {numbers[-1]}")
        if not _is_whole(axis):
            lines.append(f"  1, 2, ... STAND FOR {axis.origin:g}, {axis.origin + axis.step:g}, ... {axis.unit}")
    if geometry.coordinates or trace_points(geometry) is not None:
        lines.append(f"X: {words.CDP_X}, Y: {words.CDP_Y}, SCALAR: BYTES 71-72")
    return lines


def _line_words(geometry: Geometry) -> tuple[Word, ...]:
    return (words.CDP,) if len(geometry.axes) == 2 else (words.INLINE, words.CROSSLINE)


def _is_whole(axis: Axis) -> bool:
    """Whether positions on an axis can be line numbers as they are."""
    ends = (axis.origin, axis.origin + axis.step * axis.size)
    whole = float(axis.origin).is_integer() and float(axis.step).is_integer() and axis.step > 0
    return whole and all(abs(end) < INT32 for end in ends)


def line_numbers(axis: Axis) -> NDArray[np.int64]:
    """An axis' positions where these are whole numbers, else 1, 2, ..."""
    indices = np.arange(axis.size)
    return int(axis.origin) + int(axis.step) * indices if _is_whole(axis) else indices + 1


def written_cells(geometry: Geometry) -> NDArray[np.int64]:
    """The flat places of the traces to write, the last axis fastest.

    A line without any live trace would be missing in the file, and the axis would be read as another one:
    where that would happen, a trace flagged as dead holds its place.
    """
    shape = geometry.shape[1:]
    chosen = np.ones(shape, bool) if geometry.live is None else np.array(geometry.live, dtype=bool)
    for axis, size in enumerate(shape):
        others = tuple(other for other in range(len(shape)) if other != axis)
        empty = np.asarray(~np.any(chosen, axis=others))
        if SPARSE * (size - empty.sum()) + 16 >= size:
            empty[2:-1] = False
        corner = tuple(0 if other != axis else np.flatnonzero(empty) for other in range(len(shape)))
        chosen[corner] = True
    return np.flatnonzero(chosen)


@dataclass(frozen=True)
class _Headers:
    """Makes trace headers piece by piece."""

    geometry: Geometry
    depth: DepthWords
    cells: NDArray[np.int64]

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which of the traces are live."""
        if self.geometry.live is None:
            return np.ones(len(self.cells), bool)
        return np.asarray(self.geometry.live, dtype=bool).reshape(-1)[self.cells]

    def piece(self, piece: slice) -> dict[str, NDArray[Any]]:
        """The headers of some traces, under the name ``header``."""
        cells = self.cells[piece]
        headers = np.zeros((len(cells), TRACE), np.uint8)
        indices = np.unravel_index(cells, self.geometry.shape[1:])
        numbers = [line_numbers(axis)[index] for axis, index in zip(self.geometry.axes[1:], indices, strict=True)]
        sequence = np.arange(len(cells)) + (piece.start or 0) + 1
        values = {
            words.SEQUENCE_IN_LINE: indices[-1] + 1,
            words.SEQUENCE: sequence,
            # Kingdom and older programs look for lines here; revision 1 has words of their own for them.
            words.FIELD_RECORD: numbers[0] if len(numbers) == 2 else 1,
            words.FIELD_TRACE: indices[-1] + 1,
            words.CDP: numbers[-1],
            words.TRACE_ID_CODE: np.where(self.live[piece], 1, words.DEAD),
        }
        if len(numbers) == 2:
            values |= {words.INLINE: numbers[0], words.CROSSLINE: numbers[1]}
        for word, value in values.items():
            word.put_column(headers, value, "big")
        self.depth.put_traces(headers, "big")
        self._put_coordinates(headers, indices)
        return {"header": headers}

    def _put_coordinates(self, headers: NDArray[np.uint8], indices: tuple[NDArray[np.int64], ...]) -> None:
        points = map_points(self.geometry, indices)
        if points is None:
            return
        scalar = coordinate_scalar(self.geometry)
        factor = -scalar if scalar < 0 else 1 / scalar
        whole = np.rint(points * factor)
        for k, pair in enumerate(((words.CDP_X, words.SOURCE_X), (words.CDP_Y, words.SOURCE_Y))):
            for word in pair:
                word.put_column(headers, whole[:, k], "big")
        words.SCALAR.put_column(headers, scalar, "big")
        words.COORDINATE_UNIT.put_column(headers, 1, "big")


def map_points(geometry: Geometry, indices: tuple[NDArray[np.int64], ...]) -> NDArray[np.float64] | None:
    """X and Y (traces x 2) at indices on the horizontal axes; None without coordinates."""
    course = trace_points(geometry)
    if course is not None:
        return np.asarray(course[indices[0]])
    if geometry.coordinates is None:
        return None
    lines = zip(geometry.axes[1:], indices, strict=True)
    return coordinates.apply(
        geometry.coordinates, [axis.origin + axis.step * index.astype(np.float64) for axis, index in lines]
    )


def coordinate_scalar(geometry: Geometry) -> int:
    """Hundredths, unless the largest coordinate needs a larger unit: one scalar for the whole file."""
    places = np.meshgrid(*([0, axis.size - 1] for axis in geometry.axes[1:]), indexing="ij")
    corners = map_points(geometry, tuple(place.ravel() for place in places))
    course = trace_points(geometry)
    assert corners is not None
    largest = float(np.abs(corners if course is None else course).max())
    scalars = [scalar for scalar, factor in ((-100, 100), (-10, 10), (1, 1), (100, 0.01)) if largest * factor < INT32]
    if not scalars:
        raise MtlError(f"SEG-Y cannot say coordinates as large as {largest:g}: expected metres.")
    return scalars[0]
