"""The traces of a survey: which header words number its inlines and crosslines, checked for sense."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mtl_seismic.segy import gathers, text, words
from mtl_seismic.segy.candidates import (
    COORDINATES,
    STANDARD,
    USUAL,
    Candidate,
    candidate,
    candidates,
    without_padding,
)
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.line_finder import LineFinder
from mtl_seismic.segy.lines import Line, cells, grid, strays, taken, varies
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.trace_grid import Columns, TraceGrid
from mtl_seismic.segy.words import line_word
from mtlcore.errors import MtlError

HOLES = 0.1
"""Share of filled places between traces below which words are no line numbers, unless the user says so."""


def find_grid(layout: Layout, columns: Columns, options: Options, notes: list[str]) -> TraceGrid:
    """Each trace's place; MtlError names the words where these make no regular grid, or show pre-stack data."""
    if options.offset is None:
        return GridFinder(layout, columns, options, notes).find()
    chosen = gathers.of_offset(layout, columns, options.offset)
    some = {start: taken(values, chosen) for start, values in columns.items()}
    found = GridFinder(replace(layout, traces=int(chosen.sum())), some, options, notes).find()
    traces = np.flatnonzero(chosen)
    evidence = {**found.evidence, "offset": f"{options.offset}: {len(traces)} of {layout.traces} traces"}
    return replace(found, kept=traces[found.selection], evidence=evidence)


class GridFinder(LineFinder):
    """The search for line numbers of a survey; of a line where there are none."""

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
        numbers = [self.lines[start] for start in best.pair]
        if best.pair == STANDARD and best.grid.is_unique and not gathers.follow_a_line(self.columns, kept, numbers):
            self.notes.append(
                f"{self.layout.path}: {varying}, but each trace has an inline and crossline of its own: taken for a "
                "stacked volume."
            )
            return
        where = f"{best.words[0]} and {best.words[1]}"
        self._refuse_pre_stack(varying, f"format.inline={best.pair[0]} and format.crossline={best.pair[1]}", where)

    def _grid(self, best: Candidate, others: list[Candidate]) -> TraceGrid:
        kept = None if best.kept is None else np.flatnonzero(best.kept)
        selection = slice(None) if kept is None else kept
        first, second = (self.lines[start][selection] for start in best.pair)
        evidence: dict[str, Any] = {"line_numbers": str(best)}
        if others:
            evidence["also_possible"] = [str(one) for one in others]
        return TraceGrid(best.words, best.grid.lines, cells(best.grid.lines, (first, second)), kept, evidence)

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
