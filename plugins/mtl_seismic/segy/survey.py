"""A SEG-Y file as a survey: its layout, the place of each trace, and its geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats import coordinates, crooked
from mtl_seismic.segy import embedded_options, text, words
from mtl_seismic.segy.amplitude_check import check_amplitudes
from mtl_seismic.segy.file_headers import read_text
from mtl_seismic.segy.layout import Layout, read_layout
from mtl_seismic.segy.lines import varies
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.scan import scan
from mtl_seismic.segy.trace_grid import Columns, Places, find_places, needed_words
from mtl_seismic.segy.vertical import vertical_axis
from mtl_seismic.segy.words import Word, line_word
from mtlcore.errors import MtlError
from mtlcore.io.volume import Axis, Geometry

XY = ((181, 185), (73, 77), (81, 85))
"""Words that may hold coordinates, the standard's first."""
CHECKED = (
    words.TRACE_ID_CODE,
    words.OFFSET,
    words.SCALAR,
    words.COORDINATE_UNIT,
    words.DELAY,
    words.TRACE_SAMPLES,
    words.TRACE_INTERVAL,
    words.WEIGHT,
    words.TIME_SCALAR,
)


@dataclass(frozen=True)
class Survey:
    """``index``: the trace at each place of the horizontal axes, -1 for none; ``repeated``: traces that lie
    where another one does. ``notes``: warnings for users, one line each."""

    layout: Layout
    places: Places
    index: NDArray[np.int64]
    repeated: NDArray[np.int64]
    geometry: Geometry
    notes: tuple[str, ...]


def read_survey(path: Path, options: Options) -> Survey:
    """Read and check a file's headers; MtlError names the word at fault."""
    options = embedded_options.told(options, text.decode(read_text(path)))
    layout = read_layout(path, options)
    notes = list(layout.notes)
    columns = scan(layout, _wanted(options))
    _check_lengths(layout, columns, options, notes)
    places = find_places(layout, columns, options, notes)
    index, repeated = _index(layout, places, columns, options, notes)
    live = _live(layout, columns, index, notes)
    matrix, xy, course = _coordinates(layout, columns, places, options, notes)
    vertical = vertical_axis(layout, columns, options)
    notes += vertical.notes
    notes += check_amplitudes(layout)
    geometry = Geometry(
        axes=(vertical.axis, *_line_axes(places)),
        live=None if live.all() else live,
        coordinates=matrix,
        source=path.resolve(),
        attributes={"segy": _facts(layout, places, xy, options)} | course,
    )
    return Survey(layout, places, index, repeated, geometry, tuple(notes))


def _wanted(options: Options) -> list[Word]:
    given = (options.cdp_x, options.cdp_y)
    pairs = [start for pair in XY for start in pair] + [start for start in given if start]
    return [*needed_words(options), *CHECKED, *(line_word(start, "coordinate") for start in pairs)]


def _check_lengths(layout: Layout, columns: Columns, options: Options, notes: list[str]) -> None:
    """Traces of several lengths cannot be read; a wrong count in a file of one length can be a slip."""
    counts = columns[words.TRACE_SAMPLES.start]
    wrong = np.flatnonzero((counts != 0) & (counts != layout.samples % 65536))
    if not wrong.size or options.samples:
        return
    what = (
        f"{layout.path}: trace {wrong[0] + 1} has {counts[wrong[0]]} in {words.TRACE_SAMPLES}, and {wrong.size} of "
        f"{layout.traces} traces have not the {layout.samples} of {words.SAMPLES}"
    )
    if varies(counts) and layout.revision >= 1 and words.FIXED_LENGTH.get(layout.binary, layout.order) == 0:
        raise MtlError(f"{what}: traces of different lengths are not read. Say format.samples=N if all have N samples.")
    notes.append(f"{what}: {layout.samples} is used, which fits the file's size.")


def _index(
    layout: Layout, places: Places, columns: Columns, options: Options, notes: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The trace at each place, and the traces that lie where an earlier one does."""
    order = np.arange(layout.traces)
    index = np.full(places.shape, -1, np.int64)
    # Assigned backwards, the first of several traces stays.
    index.reshape(-1)[places.cells[::-1]] = order[::-1]
    repeated = np.flatnonzero(index.reshape(-1)[places.cells] != order)
    if repeated.size:
        second = int(repeated[0])
        cell = int(places.cells[second])
        what = (
            f"{layout.path}: traces {index.reshape(-1)[cell] + 1} and {second + 1} are both at {places.describe(cell)} "
            f"({', '.join(map(str, places.words))}), and {repeated.size - 1} more places are taken twice"
        )
        if options.duplicates == "refuse":
            offsets = columns[words.OFFSET.start]
            hint = f"; {words.OFFSET} vary: is it pre-stack?" if varies(offsets) else ""
            raise MtlError(f"{what}{hint}. Say other byte positions, or format.duplicates=first to read the first.")
        notes.append(f"{what}: the first one is read.")
    return index, repeated


def _live(layout: Layout, columns: Columns, index: NDArray[np.int64], notes: list[str]) -> NDArray[np.bool_]:
    """The places that have a trace that is not flagged dead."""
    dead = columns[words.TRACE_ID_CODE.start] == words.DEAD
    if dead.all():
        notes.append(f"{layout.path}: {words.TRACE_ID_CODE} say {words.DEAD} (dead) in all traces: taken as live.")
        dead[:] = False
    return np.asarray((index >= 0) & ~dead[index])


def _line_axes(places: Places) -> list[Axis]:
    if len(places.lines) == 2:
        names = ["inline", "crossline"]
    else:
        known = {189: "inline", 193: "crossline"}
        names = [known.get(places.words[0].start, "cdp") if places.words else "cdp"]
    return [
        Axis(name, line.size, float(line.origin), float(line.step), "line")
        for name, line in zip(names, places.lines, strict=True)
    ]


def _coordinates(
    layout: Layout, columns: Columns, places: Places, options: Options, notes: list[str]
) -> tuple[coordinates.Matrix | None, tuple[int, int] | None, dict[str, Any]]:
    """The matrix to X and Y, the words that it was found in, and the attribute of a crooked line."""
    units = columns[words.COORDINATE_UNIT.start]
    if (units >= 2).any():
        notes.append(f"{layout.path}: {words.COORDINATE_UNIT} say {units.max()}: angles are not read.")
        return None, None, {}
    given = [(options.cdp_x, options.cdp_y)] if options.cdp_x and options.cdp_y else []
    for pair in given or [pair for pair in XY if pair != tuple(word.start for word in places.words)]:
        x, y = (columns[int(start)] for start in pair if start)
        if not (x.any() or y.any()) or (layout.traces > 1 and not (varies(x) or varies(y))):
            continue
        scalars = columns[words.SCALAR.start]
        scale = coordinates.factors(scalars if options.scalar is None else np.full_like(scalars, options.scalar))
        points = np.stack([x * scale, y * scale], axis=1)
        numbers = [part.astype(np.float64) for part in places.numbers(places.cells)]
        found = coordinates.fit(numbers, points, float(scale.max()))
        if found is None:
            continue
        matrix, error = found
        bin_size = coordinates.spacing(matrix, [line.step for line in places.lines])
        course = _course(places, points, error, max(0.01 * bin_size, 1.01 * float(scale.max())))
        if not course and error > max(0.5 * bin_size, 1.01 * scale.max()):
            where = " and ".join(str(line_word(int(start), "coordinate")) for start in pair if start)
            notes.append(
                f"{layout.path}: coordinates in {where} miss the best straight grid by up to {error:.3g} "
                f"(traces are {bin_size:.3g} apart): are they other words? Say format.cdp_x=BYTE, cdp_y=BYTE."
            )
        return matrix, (int(pair[0] or 0), int(pair[1] or 0)), course
    return None, None, {}


def _course(places: Places, points: NDArray[np.float64], error: float, straight: float) -> dict[str, list[list[float]]]:
    """The attribute of a 2D line that misses a straight one by more than ``straight``; gaps are interpolated."""
    order = places.cells.argsort(kind="stable")
    known = order[points[order].any(axis=1)]
    if len(places.lines) != 1 or error <= straight or known.size < 2:
        return {}
    cells, points = places.cells[known], points[known]
    if not crooked.is_course(np.hypot(*np.diff(points, axis=0).T) / np.maximum(np.diff(cells), 1)):
        return {}
    every = np.arange(places.shape[0])
    return crooked.attribute(np.stack([np.interp(every, cells, points[:, k]) for k in (0, 1)], axis=1))


def _facts(layout: Layout, places: Places, xy: tuple[int, int] | None, options: Options) -> dict[str, Any]:
    """What is told of the file and found again in its copies: geometry.attributes["segy"]."""
    names = ("inline", "crossline") if len(places.words) == 2 else ("cdp",)
    positions = {name: word.start for name, word in zip(names, places.words, strict=False)}
    if xy:
        positions |= {"cdp_x": xy[0], "cdp_y": xy[1]}
    facts = {
        "revision": layout.revision,
        "byte_order": layout.order,
        "samples": layout.format.name,
        "sorting": _sorting(places),
        "bytes": positions,
    }
    feet = words.MEASUREMENT_SYSTEM.get(layout.binary, layout.order) == 2
    return (
        facts | ({"coordinate_unit": "ft"} if feet else {}) | ({"options": options.given()} if options.given() else {})
    )


def _sorting(places: Places) -> str:
    """Which line number changes slowest in the file."""
    if len(places.lines) == 1:
        return "cdp" if (np.diff(places.cells) > 0).all() else "none"
    rows, columns = np.unravel_index(places.cells, places.shape)
    for name, key in (("inline", places.cells), ("crossline", columns * places.shape[0] + rows)):
        if (np.diff(key) > 0).all():
            return name
    return "none"
