"""Where each trace lies: which header words number the lines, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import gathers, text, words
from mtl_seismic.segy.candidates import (
    COORDINATES,
    STANDARD,
    UNASSIGNED,
    USUAL,
    Candidate,
    Lines,
    candidate,
    candidates,
    without_padding,
)
from mtl_seismic.segy.header_numbers import as_line_numbers, as_numbers
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.lines import Line, Numbers, distinct, grid, strays, varies
from mtl_seismic.segy.map_points import FITTED, MapPoints, map_points
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.words import Word, line_word
from mtlcore.errors import MtlError

SINGLES = (21, 193, 189, 17, 9)
"""Words that may number the traces of a 2D line."""
HOLES = 0.1
"""Share of filled places between traces below which words are no line numbers, unless the user says so."""

Columns = Mapping[int, NDArray[Any]]


@dataclass(frozen=True)
class TraceGrid:
    """``words``: that number the lines, none where traces are counted; ``lines``: the horizontal axes;
    ``cells``: the flat index on them of each trace that is read; ``kept``: these traces' numbers in the file, None for
    all. ``evidence``: why these words, for ``mtl inspect``."""

    words: tuple[Word, ...]
    lines: tuple[Line, ...]
    cells: Numbers
    kept: Numbers | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(line.size for line in self.lines)

    @property
    def selection(self) -> Any:
        """Indexes the columns of all traces."""
        return slice(None) if self.kept is None else self.kept

    def traces(self) -> Numbers:
        """The number in the file of each trace that is read."""
        return np.arange(len(self.cells)) if self.kept is None else self.kept

    def numbers(self, cells: Numbers) -> list[Numbers]:
        """The line numbers at flat indices, one array for each axis."""
        indices = np.unravel_index(cells, self.shape)
        return [line.origin + line.step * index for line, index in zip(self.lines, indices, strict=True)]

    def describe(self, cell: int) -> str:
        """A place for people: inline 4, crossline 7."""
        values = [int(part[0]) for part in self.numbers(np.array([cell]))]
        names = ("inline", "crossline") if len(values) == 2 else ("CDP",)
        return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


def needed_words(options: Options) -> list[Word]:
    """The words that ``find_grid`` may look at."""
    starts = {start for pair in (STANDARD, *USUAL, *COORDINATES) for start in pair} | set(SINGLES) | set(UNASSIGNED)
    given = {options.inline, options.crossline, options.cdp} - {None}
    return [line_word(start, "line number") for start in sorted(starts | {int(start) for start in given if start})]


def find_grid(layout: Layout, columns: Columns, options: Options, notes: list[str]) -> TraceGrid:
    """Each trace's place; MtlError names the words where these make no regular grid, or show pre-stack data."""
    if options.offset is None:
        return _Finder(layout, columns, options, notes).find()
    chosen = gathers.of_offset(layout, columns, options.offset)
    some = {start: _part(values, chosen) for start, values in columns.items()}
    found = _Finder(replace(layout, traces=int(chosen.sum())), some, options, notes).find()
    traces = np.flatnonzero(chosen)
    evidence = {**found.evidence, "offset": f"{options.offset}: {len(traces)} of {layout.traces} traces"}
    return replace(found, kept=traces[found.selection], evidence=evidence)


def _part(values: NDArray[Any], chosen: NDArray[np.bool_]) -> NDArray[Any]:
    return np.broadcast_to(values[0], int(chosen.sum())) if values.strides == (0,) else values[chosen]


class _Finder:
    """The search through the words of one file."""

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

    def find(self) -> TraceGrid:
        found = self._find()
        held = {line_word(word.start, word.name): self.kinds.get(word.start) for word in found.words}
        floats = [f"{word} ({kind.upper()})" for word, kind in held.items() if kind]
        if floats:
            self.notes.append(f"{self.layout.path}: floats are read as line numbers in {' and '.join(floats)}.")
        skipped = self.layout.traces - len(found.cells)
        if skipped:
            kept = np.ones(self.layout.traces, bool)
            kept[found.selection] = False
            self.notes.append(
                f"{self.layout.path}: {skipped} traces, the first of them trace {int(kept.argmax()) + 1}, have no "
                f"number in {' and '.join(map(str, found.words))}: they are not read."
            )
        return found

    def _find(self) -> TraceGrid:
        options, layout = self.options, self.layout
        if options.cdp:
            return self._single(options.cdp)
        if options.inline and options.crossline:
            return self._given_pair((options.inline, options.crossline))
        if options.stack:
            return self._stacked()
        dimensions = options.dimensions or text.dimensions(text.decode(layout.text), layout.traces)
        if dimensions == 3:
            pair = next((pair for pair in (STANDARD, *USUAL, *COORDINATES) if self._fits_loosely(pair)), STANDARD)
            return self._pair(pair)
        if dimensions is None:
            for pair in (STANDARD, *USUAL):
                self._refuse_strays(pair)
            if found := candidates(self.lines, self.points):
                return self._survey(found)
        return self._line()

    def _survey(self, found: list[Candidate]) -> TraceGrid:
        """The grid of the best candidate, if it makes sense; the others are named where they are close."""
        best = found[0]
        self._refuse_gathers(best)
        if best.grid.between < HOLES or (best.pair in COORDINATES and not best.grid.is_full):
            raise MtlError(
                f"{self.layout.path}: no header words number the lines sensibly. The best, {best}, are hardly line "
                "numbers. Set format.inline=BYTE and format.crossline=BYTE, or format.dimensions=2 for a line."
            )
        self._doubt(best, found[1:])
        return self._grid(best, found[1:])

    def _doubt(self, best: Candidate, others: list[Candidate]) -> None:
        """Say where line numbers are only the best guess."""
        ways = "Set format.inline=BYTE and format.crossline=BYTE to be sure."
        rivals = [one for one in others if one.is_good and not self._same_grid(best, one)]
        if best.pair in COORDINATES and (best.miss is None or best.miss > 0.5):
            self.notes.append(
                f"{self.layout.path}: no header words number the lines: coordinates in {best.words[0]} and "
                f"{best.words[1]} are taken for line numbers. {ways}"
            )
        elif not best.is_good and best.pair != STANDARD:
            self.notes.append(f"{self.layout.path}: lines are numbered by {best}: a guess. {ways}")
        elif rivals and best.pair != STANDARD and best.miss is None:
            self.notes.append(f"{self.layout.path}: lines are numbered by {best}. It could be {rivals[0]}. {ways}")

    def _same_grid(self, one: Candidate, other: Candidate) -> bool:
        """Whether two pairs tell the same traces together, in either order of the axes."""
        sizes = sorted(line.size for line in one.grid.lines)
        return sizes == sorted(line.size for line in other.grid.lines) and one.grid.filled == other.grid.filled

    def _refuse_gathers(self, best: Candidate) -> None:
        """MtlError where offsets vary, unless each trace has a place of its own where the standard has line numbers."""
        kept = np.ones(self.layout.traces, bool) if best.kept is None else best.kept
        varying = gathers.varying_offsets(self.columns, kept)
        if not varying:
            return
        if best.pair == STANDARD and best.grid.is_unique:
            self.notes.append(
                f"{self.layout.path}: {varying}, but each trace has an inline and crossline of its own: taken for a "
                "stacked volume."
            )
            return
        where = f"{best.words[0]} and {best.words[1]}"
        self._refuse_pre_stack(varying, f"format.inline={best.pair[0]} and format.crossline={best.pair[1]}", where)

    def _refuse_pre_stack(self, varying: str, stacked: str, where: str) -> None:
        raise MtlError(
            f"{self.layout.path} looks like pre-stack data: {varying}, on {self.layout.traces} traces ({where}). "
            f"{gathers.WAYS_OUT}; if it is stacked already, set {stacked}."
        )

    def _grid(self, best: Candidate, others: list[Candidate]) -> TraceGrid:
        kept = None if best.kept is None else np.flatnonzero(best.kept)
        selection = slice(None) if kept is None else kept
        rows, columns = (
            line.indices(self.lines[start][selection]) for line, start in zip(best.grid.lines, best.pair, strict=True)
        )
        evidence: dict[str, Any] = {"line_numbers": str(best)}
        if others:
            evidence["also_possible"] = [str(one) for one in others]
        return TraceGrid(best.words, best.grid.lines, rows * best.grid.lines[1].size + columns, kept, evidence)

    def _given_pair(self, pair: tuple[int, int]) -> TraceGrid:
        """The user's words: a 2D line if one of them is constant, unless told otherwise."""
        kept = without_padding([self.lines[start] for start in pair])
        moving = [start for start in pair if varies(self.lines[start] if kept is None else self.lines[start][kept])]
        said = self.options.dimensions or text.dimensions(text.decode(self.layout.text), self.layout.traces)
        if said == 2 or (said is None and len(moving) == 1):
            return self._single(moving[0] if moving else pair[1])
        return self._pair(pair)

    def _fits_loosely(self, pair: tuple[int, int]) -> bool:
        """Whether two words number lines, be it one line or one trace."""
        found = candidate(self.lines, pair, self.points, any_grid=True)
        return found is not None and found.grid.is_unique

    def _pair(self, pair: tuple[int, int]) -> TraceGrid:
        found = candidate(self.lines, pair, self.points, any_grid=True)
        if found is None:
            self._refuse_strays(pair, certain=True)
            names = [line_word(start, name) for start, name in zip(pair, ("inline", "crossline"), strict=True)]
            spans = [f"{word}: {Line.through(self.lines[word.start])}" for word in names]
            raise MtlError(
                f"{self.layout.path}: no regular grid of {self.layout.traces} traces in {' and '.join(spans)}. "
                "Set format.inline=BYTE and format.crossline=BYTE."
            )
        if not found.grid.is_full:
            self.notes.append(f"{self.layout.path}: lines are numbered by {found}: are these the right words?")
        return self._grid(found, [])

    def _refuse_strays(self, pair: tuple[int, int], certain: bool = False) -> None:
        """MtlError where two words would number a survey's lines but for a few damaged headers."""
        first, second = (self.lines[start] for start in pair)
        if not certain and (not (varies(first) and varies(second)) or grid(first, second) is not None):
            return
        bad = np.union1d(strays(first), strays(second))
        if not 0 < len(bad) <= 0.02 * len(first) + 1:
            return
        kept = np.ones(len(first), bool)
        kept[bad] = False
        found = grid(first[kept], second[kept])
        if found is None or not found.is_survey or not (first[bad] | second[bad]).any():
            return
        trace = int(bad[0])
        wrong = next(start for start in pair if trace in strays(self.lines[start]))
        others = Line.through(self.lines[wrong][kept])
        raise MtlError(
            f"{self.layout.path}: trace {trace + 1} has {self.lines[wrong][trace]} in {line_word(wrong, 'line number')}"
            f", far from the others ({others}); so have {len(bad) - 1} more. Mend the headers, or set "
            "format.inline=BYTE and format.crossline=BYTE."
        )

    def _stacked(self) -> TraceGrid:
        """The places to stack at: inlines and crosslines, else CDPs."""
        found = candidate(self.lines, STANDARD, self.points)
        if found is not None:
            return self._grid(found, [])
        for start in (*self._extracted(), 21):
            values = self.lines[start]
            if varies(values):
                return self._single(start)
        raise MtlError(
            f"{self.layout.path}: no header words say where to stack (looked at {words.INLINE}, {words.CROSSLINE} and "
            f"{words.CDP}). Set format.inline=BYTE and format.crossline=BYTE, or format.cdp=BYTE."
        )

    def _extracted(self) -> list[int]:
        """One line of a 3D survey: one word is a constant line number, the other counts."""
        kept = without_padding([self.lines[start] for start in STANDARD])
        numbers = {start: self.lines[start] if kept is None else self.lines[start][kept] for start in STANDARD}
        moving = [start for start in STANDARD if varies(numbers[start])]
        return moving if len(moving) == 1 and all(values.any() for values in numbers.values()) else []

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
