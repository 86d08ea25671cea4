"""The traces of a 2D line: which header word numbers them, and what shows that they are no line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import gathers, text
from mtl_seismic.segy.candidates import COORDINATES, STANDARD, UNASSIGNED, USUAL, Lines, without_padding
from mtl_seismic.segy.header_numbers import as_line_numbers, as_numbers
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.lines import Line, Numbers, distinct, strays, varies
from mtl_seismic.segy.map_points import FITTED, MapPoints, map_points
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.trace_grid import Columns, TraceGrid
from mtl_seismic.segy.words import Word, line_word
from mtlcore.errors import MtlError

SINGLES = (21, 193, 189, 17, 9)
"""Words that may number the traces of a 2D line."""


def needed_words(options: Options) -> list[Word]:
    """The words that ``find_grid`` may look at."""
    starts = {start for pair in (STANDARD, *USUAL, *COORDINATES) for start in pair} | set(SINGLES) | set(UNASSIGNED)
    given = {options.inline, options.crossline, options.cdp} - {None}
    return [line_word(start, "line number") for start in sorted(starts | {int(start) for start in given if start})]


class LineFinder:
    """What the headers of one file say, and the search for the word that numbers the traces of a line."""

    def __init__(self, layout: Layout, columns: Columns, options: Options, notes: list[str]) -> None:
        self.layout = layout
        self.columns = columns
        self.options = options
        self.notes = notes
        self.kinds: dict[int, str] = {}
        self.points: list[MapPoints] = list(map_points(layout, columns, options))
        self.lines: Lines = {word.start: self._line_numbers(word.start) for word in needed_words(options)}

    def _line_numbers(self, start: int) -> Numbers:
        """A column as integers, of floats where it holds these."""
        values, code = self.columns[start], self.layout.format.code
        if self.options.line_words:
            return np.asarray(as_numbers(values, self.options.line_words)).astype(np.int64)
        # A writer of floats writes one kind.
        floats = next((one.kind for one in self.points if one.kind != "integer"), None)
        numbers, kind = as_line_numbers(values, code, floats)
        if kind != "integer":
            self.kinds[start] = kind
        return numbers

    def _line(self) -> TraceGrid:
        """A 2D line: by the word that has another number at each trace, else by counting."""
        layout, extracted = self.layout, self._extracted()
        single = text.dimensions(text.decode(layout.text), layout.traces) == 2
        for start in (*extracted, *SINGLES):
            values = self.lines[start]
            kept = without_padding([values])
            some = values if kept is None else values[kept]
            if (varies(some) or (single and start == 21)) and len(distinct(some)) == len(some):
                line = Line.through(some)
                if line.is_regular(len(some)):
                    if not extracted:
                        self._refuse_line_of_gathers(start)
                    return self._numbered(start, line, kept)
                self._refuse_stray(some, line_word(start, "CDP number"))
        if layout.traces > 1:
            self._refuse_line_of_gathers(21)
            self._refuse_repeated()
            self._refuse_area()
            tried = ", ".join(f"{start}-{start + 3}" for start in SINGLES)
            self.notes.append(
                f"{layout.path}: no header word numbers the traces regularly (looked at bytes {tried}): they are "
                "counted in the order of the file. Set format.cdp=BYTE, or format.inline=BYTE and "
                "format.crossline=BYTE."
            )
        return TraceGrid((), (Line(1, 1, layout.traces),), np.arange(layout.traces))

    def _extracted(self) -> list[int]:
        """One line of a 3D survey: one word is a constant line number, the other counts."""
        kept = without_padding([self.lines[start] for start in STANDARD])
        numbers = {start: self.lines[start] if kept is None else self.lines[start][kept] for start in STANDARD}
        moving = [start for start in STANDARD if varies(numbers[start])]
        return moving if len(moving) == 1 and all(values.any() for values in numbers.values()) else []

    def _numbered(self, start: int, line: Line, kept: NDArray[np.bool_] | None) -> TraceGrid:
        word, traces = line_word(start, "CDP number"), None if kept is None else np.flatnonzero(kept)
        values = self.lines[start] if traces is None else self.lines[start][traces]
        return TraceGrid((word,), (line,), line.indices(values), traces, {"trace_numbers": f"{word}: {line}"})

    def _refuse_line_of_gathers(self, start: int) -> None:
        """MtlError where offsets vary along what would be a 2D line."""
        if self.options.dimensions == 2 or self.options.offset is not None or self.layout.traces < 2:
            return
        filled = np.zeros(self.layout.traces, bool)
        for values in self.lines.values():
            filled |= values != 0
        varying = gathers.varying_offsets(self.columns, filled if filled.any() else ~filled)
        if varying:
            self._refuse_pre_stack(varying, f"format.dimensions=2 or format.cdp={start}", "no inlines and crosslines")

    def _refuse_repeated(self) -> None:
        """MtlError where CDP numbers count, but come several times each: gathers, not a stack."""
        for start in (21, 193, 189):
            values = self.lines[start]
            found = len(distinct(values))
            if found > 1 and Line.through(values).is_regular(found) and found * 1.5 <= self.layout.traces:
                where = np.flatnonzero(values == values[0])[:2] + 1
                word = line_word(start, "CDP number")
                also = f" ({values[0]} at traces {' and '.join(map(str, where))})" if len(where) > 1 else ""
                raise MtlError(
                    f"{self.layout.path}: {word} hold {found} numbers on {self.layout.traces} traces{also}: pre-stack "
                    "gathers, or a 3D volume whose lines are numbered elsewhere. Set format.inline=BYTE and "
                    f"format.crossline=BYTE, or format.cdp={start} and format.stack=true."
                )

    def _refuse_area(self) -> None:
        """MtlError where X and Y of unnumbered traces cover an area as those of a volume do."""
        known = next(iter(self.points), None)
        if known is None or self.options.dimensions == 2 or self.layout.traces < 16:
            return
        points = known.take(slice(0, max(FITTED, 1)))
        steps = np.hypot(*np.diff(points, axis=0).T)
        back = steps > 4 * max(float(np.median(steps)), known.unit)
        turns = int(back.sum())
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        if turns >= 2 and spread[1] > 0.05 * spread[0]:
            raise MtlError(
                f"{self.layout.path}: no header word numbers the traces, and X and Y in bytes {known.starts[0]}-"
                f"{known.starts[1] + 3} cover an area: a 3D volume whose lines are numbered elsewhere. Set "
                "format.inline=BYTE and format.crossline=BYTE, or format.dimensions=2 for a line."
            )

    def _single(self, start: int) -> TraceGrid:
        """The user's word for a 2D line."""
        kept = without_padding([self.lines[start]])
        values, word = self.lines[start] if kept is None else self.lines[start][kept], line_word(start, "CDP number")
        line = Line.through(values)
        if not line.is_regular(len(distinct(values))):
            self._refuse_stray(values, word)
            raise MtlError(f"{self.layout.path}: {word} hold no regular numbers ({line}). Set format.cdp=BYTE.")
        return self._numbered(start, line, kept)

    def _refuse_stray(self, values: Numbers, word: Word) -> None:
        """MtlError where a few damaged headers alone make the numbers irregular."""
        bad = strays(values)
        if len(values) > 3 and 0 < len(bad) <= 0.02 * len(values) + 1:
            raise MtlError(
                f"{self.layout.path}: trace {int(bad[0]) + 1} has {values[bad[0]]} in {word}, far from the others. "
                "Mend the header, or set format.cdp=BYTE."
            )

    def _refuse_pre_stack(self, varying: str, stacked: str, where: str) -> None:
        raise MtlError(
            f"{self.layout.path} looks like pre-stack data: {varying}, on {self.layout.traces} traces ({where}). "
            f"{gathers.WAYS_OUT}; if it is stacked already, set {stacked}."
        )
