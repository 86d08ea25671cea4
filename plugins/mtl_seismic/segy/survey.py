"""A SEG-Y file as a survey: its layout, the place of each trace, and its geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import embedded_options, text, words
from mtl_seismic.segy.amplitude_check import check_amplitudes
from mtl_seismic.segy.file_headers import read_text
from mtl_seismic.segy.grid_finder import find_grid
from mtl_seismic.segy.layout import Layout, read_layout
from mtl_seismic.segy.line_finder import needed_words
from mtl_seismic.segy.lines import taken, varies
from mtl_seismic.segy.map_points import XY
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.scan import scan
from mtl_seismic.segy.survey_coordinates import SurveyCoordinates, survey_coordinates
from mtl_seismic.segy.trace_grid import Columns, TraceGrid
from mtl_seismic.segy.trace_index import TraceIndex, trace_index
from mtl_seismic.segy.vertical import vertical_axis
from mtl_seismic.segy.words import Word, line_word
from mtlcore.errors import MtlError
from mtlcore.io.volume import Axis, Geometry

CHECKED = (
    words.TRACE_ID_CODE,
    words.OFFSET,
    words.SCALAR,
    words.COORDINATE_UNIT,
    words.DELAY,
    words.TRACE_SAMPLES,
    words.TRACE_INTERVAL,
    words.TIME_SCALAR,
)


@dataclass(frozen=True)
class Survey:
    """``notes``: warnings for users, one line each. ``evidence``: why it was read like this, for ``mtl inspect``."""

    layout: Layout
    grid: TraceGrid
    index: TraceIndex
    geometry: Geometry
    options: Options
    notes: tuple[str, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def carried(self) -> NDArray[Any] | None:
        """The traces whose headers a copy has: those of one offset, the first of each stack, or None for all."""
        if self.options.stack:
            return np.sort(self.index.first[self.index.first >= 0])
        return self.grid.kept if self.options.offset is not None else None


def read_survey(path: Path, options: Options) -> Survey:
    """Read and check a file's headers; MtlError names the word at fault."""
    options = embedded_options.told(options, text.decode(read_text(path)))
    layout = read_layout(path, options)
    notes = list(layout.notes)
    columns = scan(layout, _wanted(options))
    _check_lengths(layout, columns, options, notes)
    grid = find_grid(layout, columns, options, notes)
    index = trace_index(layout, grid, columns, options, notes)
    if grid.kept is not None:
        columns = {start: taken(values, grid.kept) for start, values in columns.items()}
    located = survey_coordinates(layout, grid, columns, options, notes)
    vertical = vertical_axis(layout, columns, options)
    notes += [*vertical.notes, *check_amplitudes(layout)]
    geometry = Geometry(
        axes=(vertical.axis, *_line_axes(grid)),
        live=None if index.live.all() else index.live,
        coordinates=located.matrix,
        source=path.resolve(),
        attributes={"segy": _facts(layout, grid, located, options)} | located.course,
    )
    evidence = {**grid.evidence, **located.evidence, **vertical.evidence}
    return Survey(layout, grid, index, geometry, options, tuple(notes), evidence)


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
        f"{layout.traces} traces do not have the {layout.samples} of {words.SAMPLES}"
    )
    if varies(counts) and layout.revision >= 1 and words.FIXED_LENGTH.get(layout.binary, layout.order) == 0:
        raise MtlError(f"{what}: traces of different lengths are not read. Set format.samples=N if all have N samples.")
    notes.append(f"{what}: {layout.samples} is used, which fits the file's size.")


def _line_axes(grid: TraceGrid) -> list[Axis]:
    if len(grid.lines) == 2:
        names = ["inline", "crossline"]
    else:
        known = {189: "inline", 193: "crossline"}
        names = [known.get(grid.words[0].start, "cdp") if grid.words else "cdp"]
    return [
        Axis(name, line.size, float(line.origin), float(line.step), "line")
        for name, line in zip(names, grid.lines, strict=True)
    ]


def _facts(layout: Layout, grid: TraceGrid, located: SurveyCoordinates, options: Options) -> dict[str, Any]:
    """What is told of the file and found again in its copies: geometry.attributes["segy"]."""
    names = ("inline", "crossline") if len(grid.words) == 2 else ("cdp",)
    positions = {name: word.start for name, word in zip(names, grid.words, strict=False)}
    if located.starts:
        positions |= {"cdp_x": located.starts[0], "cdp_y": located.starts[1]}
    facts: dict[str, Any] = {
        "revision": layout.revision,
        "byte_order": layout.order,
        "samples": layout.format.name,
        "sorting": _sorting(grid),
        "bytes": positions,
    }
    if words.MEASUREMENT_SYSTEM.get(layout.binary, layout.order) == 2:
        facts["coordinate_unit"] = "ft"
    return facts | ({"options": options.given()} if options.given() else {})


def _sorting(grid: TraceGrid) -> str:
    """Which line number changes slowest in the file."""
    if len(grid.lines) == 1:
        return "cdp" if (np.diff(grid.cells) > 0).all() else "none"
    if (np.diff(grid.cells) > 0).all():
        return "inline"
    rows, columns = np.unravel_index(grid.cells, grid.shape)
    return "crossline" if (np.diff(columns * grid.shape[0] + rows) > 0).all() else "none"
