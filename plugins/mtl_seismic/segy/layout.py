"""The layout of a SEG-Y file: what its first headers say, checked against its size and its first traces.

What headers claim is often not so: extended text that is announced and absent, counts of 2 bytes where the revision
has 4, additional trace headers likewise. Every reading of the words is tried, in the order in which the standard
would have them, and the first that fits the file's size and the sample counts of some traces is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import words
from mtl_seismic.segy.file_headers import FILE_HEADERS, HeaderReader
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.samples import FORMATS, SampleFormat
from mtl_seismic.segy.words import TEXT, TRACE, ByteOrder, Word
from mtlcore.errors import MtlError

MAX_EXTRA_HEADERS = 255


@dataclass(frozen=True)
class Layout:
    """Where things lie in a file. ``start``: the first trace's byte, from 0; ``notes``: warnings for users."""

    path: Path
    size: int
    text: bytes
    binary: bytes
    order: ByteOrder
    revision: float
    format: SampleFormat
    start: int
    trace_header: int
    samples: int
    traces: int
    notes: tuple[str, ...] = field(default=())

    @property
    def trace_bytes(self) -> int:
        return self.trace_header + self.samples * self.format.bytes

    def record(self) -> np.dtype[Any]:
        """The type of one trace in the file."""
        stored = self.format.dtype(self.order)
        more = [("more", "u1", (self.trace_header - TRACE,))] if self.trace_header > TRACE else []
        return np.dtype([("header", "u1", (TRACE,)), *more, ("samples", stored, (self.samples,))])

    def map(self, first: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Traces, by default all, as a read-only memory map."""
        count = (self.traces if stop is None else stop) - first
        return np.memmap(self.path, self.record(), "r", self.start + first * self.trace_bytes, (count,))


@dataclass(frozen=True)
class Reading:
    """One way to read the counts. ``word``: that of the samples; ``notes``: what it passes over."""

    start: int
    header: int
    samples: int
    trailer: int
    word: Word
    notes: tuple[str, ...] = ()


def read_layout(path: Path, options: Options) -> Layout:
    """Read and check a file's first headers; MtlError names the word at fault."""
    reader = HeaderReader.open(path, options)
    chosen = FORMATS[options.code] if options.code else reader.format
    readings = list(_readings(reader, options))
    if not readings:
        raise _unreadable(reader)
    best = max(readings, key=lambda reading: _rank(reader, reading, chosen))
    traces, notes = _traces(reader, best, chosen, options.cut)
    return Layout(
        path=path,
        size=reader.size,
        text=reader.text,
        binary=reader.binary,
        order=reader.order,
        revision=reader.revision,
        format=chosen,
        start=best.start,
        trace_header=best.header,
        samples=best.samples,
        traces=traces,
        notes=(*best.notes, *notes),
    )


def _readings(reader: HeaderReader, options: Options) -> Iterator[Reading]:
    """All ways to read the words, the standard's first."""
    for (start, text_note), extra, trailer in product(_starts(reader), _extra_headers(reader), _trailers(reader)):
        for samples, word, samples_note in _samples(reader, options, start):
            notes = tuple(note for note in (text_note, samples_note) if note)
            yield Reading(start, TRACE * (1 + extra), samples, trailer, word, notes)


def _rank(reader: HeaderReader, reading: Reading, chosen: SampleFormat) -> tuple[bool, int]:
    """Whether a reading fits the file's size, and in how many of a few traces the sample count agrees with it."""
    length = reading.header + reading.samples * chosen.bytes
    count, rest = divmod(reader.size - reading.start - reading.trailer, length)
    if count < 1:
        return False, -1
    places = {0, min(1, count - 1), count // 2, count - 1}
    found = [reader.trace_word(reading.start + place * length, words.TRACE_SAMPLES) for place in sorted(places)]
    agreeing = sum(value in (0, reading.samples % 65536) for value in found)
    return rest == 0, agreeing * 4 // len(found)


def _starts(reader: HeaderReader) -> list[tuple[int, str]]:
    """Bytes at which the first trace may begin, with what is to be said if it does."""
    count = reader.get(words.EXTENDED_TEXTS)
    says = f"{reader.path}: {words.EXTENDED_TEXTS} say {count}"
    found: list[tuple[int, str]] = []
    if reader.revision >= 2 and (offset := reader.get(words.FIRST_TRACE_BYTE)) >= FILE_HEADERS:
        found.append((offset, ""))
    announced = reader.after_end_stanza() if count == -1 else FILE_HEADERS + TEXT * max(count, 0)
    present = reader.text_blocks
    behind_text = FILE_HEADERS + TEXT * present
    if reader.revision < 1:
        # Revision 0 has no extended text headers: bytes that hold anything. Some writers leave the revision out.
        unsaid = f"{says}, which means nothing in revision 0 ({words.REVISION}), but traces begin behind them: used."
        if announced and 0 < count <= present:
            found.append((announced, unsaid))
        announced = FILE_HEADERS
    elif announced is None:
        found.append((behind_text, f"{says} (variable), but none holds an end stanza: {present} are there."))
    elif count > present:
        found.append((behind_text, f"{says}, but {present or 'none'} are there: traces begin at byte {behind_text}."))
    if announced is not None:
        found.append((announced, ""))
    if present:
        found.append((behind_text, f"{says}, but {present} blocks of text follow the file headers: skipped."))
    found.append((FILE_HEADERS, f"{says}, but traces begin directly behind the file headers."))
    unique = dict(reversed(found))
    return [(start, unique[start]) for start in dict(found) if start + TRACE <= reader.size]


def _extra_headers(reader: HeaderReader) -> list[int]:
    """Counts of additional trace headers: of 2 bytes in revision 2.1, of 4 in 2.0 and files that say 2.1."""
    if reader.revision < 2:
        return [0]
    short, long = reader.get(words.EXTRA_TRACE_HEADERS), reader.get(words.EXTRA_TRACE_HEADERS_2_0)
    counts = [short, long] if reader.revision > 2 else [long, short]
    return list(dict.fromkeys([*(count for count in counts if 0 <= count <= MAX_EXTRA_HEADERS), 0]))


def _trailers(reader: HeaderReader) -> list[int]:
    """Bytes behind the last trace, as announced or absent."""
    count = reader.get(words.TRAILERS) if reader.revision >= 2 else 0
    return list(dict.fromkeys([TEXT * count if count > 0 and TEXT * count < reader.size else 0, 0]))


def _samples(reader: HeaderReader, options: Options, start: int) -> list[tuple[int, Word, str]]:
    """Samples per trace by the words of the binary header, or by the trace at a byte, with what is to be said."""
    if options.samples:
        return [(options.samples, words.SAMPLES, "")]
    named: list[tuple[int, Word]] = [(reader.get(words.SAMPLES), words.SAMPLES)]
    if reader.revision >= 2:
        named.insert(0, (reader.get(words.LONG_SAMPLES), words.LONG_SAMPLES))
    first = reader.trace_word(start, words.TRACE_SAMPLES) or 0
    claimed = [(count, word) for count, word in named if count > 0]
    known = claimed[0] if claimed else (0, words.SAMPLES)
    found = [*claimed, (first, words.TRACE_SAMPLES)]
    unique = {count: word for count, word in reversed(found) if 0 < count <= reader.size}
    says = f"{reader.path}: {known[1]} hold {known[0]}, but the file's size fits"
    return [
        (count, word, "" if word == known[1] or not claimed else f"{says} {word}, {count}: used.")
        for count, word in sorted(unique.items(), key=lambda pair: [count for count, _ in found].index(pair[0]))
    ]


def _traces(reader: HeaderReader, reading: Reading, chosen: SampleFormat, cut: bool) -> tuple[int, list[str]]:
    """How many traces there are; a part of one is an error unless the user says that the file is cut."""
    available = reader.size - reading.start - reading.trailer
    length = reading.header + reading.samples * chosen.bytes
    count, rest = divmod(available, length)
    if count < 1:
        raise MtlError(f"{reader.path} contains no trace: {reading.word} say {reading.samples}.")
    if rest and not cut:
        raise MtlError(
            f"{reader.path} has room for {available / length:.2f} traces of {reading.samples} samples ({reading.word}) "
            f"as {chosen.name} ({words.FORMAT}): it is cut short or these are wrong. Set format.cut=true to read "
            f"{count} whole traces, or format.samples=N or format.code=N."
        )
    note = f"{reader.path} is cut short: {count} whole traces are read, {rest} bytes of another are not."
    return count, [note] if rest else []


def _unreadable(reader: HeaderReader) -> MtlError:
    count = reader.get(words.EXTENDED_TEXTS)
    if reader.revision >= 1 and count and FILE_HEADERS + TEXT * max(count, 0) + TRACE > reader.size:
        return MtlError(
            f"{reader.path}: {words.EXTENDED_TEXTS} say {count}, which reaches beyond the file's end "
            f"({reader.size} bytes). Is the file cut short?"
        )
    return MtlError(f"{reader.path}: {words.SAMPLES} hold 0, and so do {words.TRACE_SAMPLES}: set format.samples=N.")
