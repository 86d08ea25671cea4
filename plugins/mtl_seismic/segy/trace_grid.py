"""Where each trace lies: which header words number the lines, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import text, words
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.lines import Grid, Line, Numbers, distinct, grid, is_survey, strays, varies
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.words import Word, line_word
from mtlcore.errors import MtlError

PAIRS = ((189, 193), (9, 21), (5, 21), (17, 21), (13, 17), (73, 77), (181, 185))
"""Words that may number inlines and crosslines, the standard's first."""
SINGLES = (21, 193, 189, 17, 9)
"""Words that may number the traces of a 2D line."""

PLACES = 1 << 24
"""A grid of so many places costs little however few traces there are."""

Columns = Mapping[int, NDArray[Any]]


@dataclass(frozen=True)
class Places:
    """``words``: that number the lines, none where traces are counted; ``lines``: the horizontal axes;
    ``cells``: each trace's flat index on them."""

    words: tuple[Word, ...]
    lines: tuple[Line, ...]
    cells: Numbers

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(line.size for line in self.lines)

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
    """The words that ``find_places`` may look at."""
    starts = {start for pair in PAIRS for start in pair} | set(SINGLES)
    given = {options.inline, options.crossline, options.cdp} - {None}
    return [line_word(start, "line number") for start in sorted(starts | {int(start) for start in given if start})]


def find_places(layout: Layout, columns: Columns, options: Options, notes: list[str]) -> Places:
    """Each trace's place; MtlError names the words where these make no regular grid."""
    lines = {start: values.astype(np.int64) for start, values in columns.items()}
    if options.cdp:
        return _single(layout, lines, options.cdp)
    if options.inline and options.crossline:
        return _given_pair(layout, lines, (options.inline, options.crossline), options.dimensions)
    dimensions = options.dimensions or text.dimensions(text.decode(layout.text), layout.traces)
    if dimensions == 3:
        pair = next((pair for pair in PAIRS if _fits(lines, pair, loose=True)), PAIRS[0])
        return _pair(layout, lines, pair)
    if dimensions is None:
        for pair in PAIRS:
            _refuse_strays(layout, lines, pair)
            if _fits(lines, pair):
                return _pair(layout, lines, pair)
    return _line(layout, lines, notes)


def _given_pair(layout: Layout, lines: Mapping[int, Numbers], pair: tuple[int, int], dimensions: int | None) -> Places:
    """The user's words: a 2D line if one of them is constant, unless told otherwise."""
    moving = [start for start in pair if varies(lines[start])]
    said = dimensions or text.dimensions(text.decode(layout.text), layout.traces)
    if said == 2 or (said is None and len(moving) == 1):
        return _single(layout, lines, moving[0] if moving else pair[1])
    return _pair(layout, lines, pair)


def _fits(lines: Mapping[int, Numbers], pair: tuple[int, int], loose: bool = False) -> bool:
    """Whether two words number a survey's lines; ``loose``: one line, of one trace or more, is enough."""
    first, second = (lines[start] for start in pair)
    if not (varies(first) and varies(second)) and not loose:
        return False
    found = grid(first, second)
    if found is None:
        return False
    return len(distinct(found.cells)) == len(first) if loose else is_survey(found)


def _pair(layout: Layout, lines: Mapping[int, Numbers], pair: tuple[int, int]) -> Places:
    names = [line_word(start, name) for start, name in zip(pair, ("inline number", "crossline number"), strict=True)]
    found: Grid | None = grid(lines[pair[0]], lines[pair[1]])
    if found is None or found.lines[0].size * found.lines[1].size > max(64 * layout.traces, PLACES):
        _refuse_strays(layout, lines, pair, certain=True)
        spans = [f"{word}: {Line.through(lines[word.start])}" for word in names]
        raise MtlError(
            f"{layout.path}: no regular grid of {layout.traces} traces in {' and '.join(spans)}. "
            "Say format.inline=BYTE and format.crossline=BYTE."
        )
    return Places(tuple(names), found.lines, found.cells)


def _refuse_strays(layout: Layout, lines: Mapping[int, Numbers], pair: tuple[int, int], certain: bool = False) -> None:
    """MtlError where two words would number a survey's lines but for a few damaged headers."""
    first, second = (lines[start] for start in pair)
    if not certain and (not (varies(first) and varies(second)) or grid(first, second) is not None):
        return
    bad = np.union1d(strays(first), strays(second))
    if not 0 < len(bad) <= 0.02 * len(first) + 1:
        return
    kept = np.ones(len(first), bool)
    kept[bad] = False
    found = grid(first[kept], second[kept])
    if found is None or not is_survey(found):
        return
    trace = int(bad[0])
    wrong = next(start for start in pair if trace in strays(lines[start]))
    others = Line.through(lines[wrong][kept])
    raise MtlError(
        f"{layout.path}: trace {trace + 1} has {lines[wrong][trace]} in {line_word(wrong, 'line number')}, far from "
        f"the others ({others}); so have {len(bad) - 1} more. Mend the headers, or say format.inline=BYTE and "
        "format.crossline=BYTE."
    )


def _line(layout: Layout, lines: Mapping[int, Numbers], notes: list[str]) -> Places:
    """A 2D line: by the word that has another number at each trace, else by counting."""
    extracted = [start for start in (189, 193) if varies(lines[start])]
    # One line of a 3D survey: one word is a constant line number, the other counts.
    first = extracted if len(extracted) == 1 and all(lines[start].all() for start in (189, 193)) else []
    single = text.dimensions(text.decode(layout.text), layout.traces) == 2
    for start in (*first, *SINGLES):
        values = lines[start]
        if (varies(values) or (single and start == 21)) and len(distinct(values)) == layout.traces:
            line = Line.through(values)
            if line.is_regular(layout.traces):
                return Places((line_word(start, "CDP number"),), (line,), line.places(values))
            _refuse_stray(layout, values, line_word(start, "CDP number"))
    if layout.traces > 1:
        _refuse_repeated(layout, lines)
        tried = ", ".join(f"{start}-{start + 3}" for start in SINGLES)
        notes.append(
            f"{layout.path}: no header word numbers the traces regularly (looked at bytes {tried}): they are counted "
            "in the order of the file. Say format.cdp=BYTE, or format.inline=BYTE and format.crossline=BYTE."
        )
    return Places((), (Line(1, 1, layout.traces),), np.arange(layout.traces))


def _refuse_repeated(layout: Layout, lines: Mapping[int, Numbers]) -> None:
    """MtlError where CDP numbers count, but come several times each: gathers, not a stack."""
    values = lines[21]
    found = len(distinct(values))
    if found > 1 and Line.through(values).is_regular(found) and found * 1.5 <= layout.traces:
        sample = int(values[0])
        where = np.flatnonzero(values == sample)[:2] + 1
        also = f" (CDP {sample} at traces {' and '.join(map(str, where))})" if len(where) > 1 else ""
        raise MtlError(
            f"{layout.path}: {words.CDP} hold {found} numbers on {layout.traces} traces{also}: pre-stack gathers, or a "
            "3D volume whose lines are numbered elsewhere. Say format.inline=BYTE and format.crossline=BYTE."
        )


def _single(layout: Layout, lines: Mapping[int, Numbers], start: int) -> Places:
    """The user's word for a 2D line."""
    values, word = lines[start], line_word(start, "CDP number")
    line = Line.through(values)
    if not line.is_regular(len(distinct(values))):
        _refuse_stray(layout, values, word)
        raise MtlError(f"{layout.path}: {word} hold no regular numbers ({line}). Say format.cdp=BYTE.")
    return Places((word,), (line,), line.places(values))


def _refuse_stray(layout: Layout, values: Numbers, word: Word) -> None:
    """MtlError where a few damaged headers alone make the numbers irregular."""
    bad = strays(values)
    if len(values) > 3 and 0 < len(bad) <= 0.02 * len(values) + 1:
        raise MtlError(
            f"{layout.path}: trace {int(bad[0]) + 1} has {values[bad[0]]} in {word}, far from the others. "
            "Mend the header, or say format.cdp=BYTE."
        )
