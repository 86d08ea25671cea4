"""The layout of a SEG-Y file: what its first headers say, checked against its size."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import text, words
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.samples import FORMATS, SampleFormat
from mtl_seismic.segy.words import BINARY, TEXT, TRACE, ByteOrder, Word
from mtlcore.errors import MtlError
from mtlcore.io.files import file_size

BYTE_ORDER_VALUE = 16909060
FILE_HEADERS = TEXT + BINARY
END_OF_TEXT = "((SEG:ENDTEXT))"


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


def read_text(path: Path) -> bytes:
    """The text header, as far as there is one."""
    file_size(path)
    with path.open("rb") as file:
        return file.read(TEXT)


def read_layout(path: Path, options: Options) -> Layout:
    """Read and check a file's first headers; MtlError names the word at fault."""
    size = file_size(path)
    if size < FILE_HEADERS + TRACE:
        raise MtlError(
            f"{path} has {size} bytes: too short for SEG-Y, whose headers alone have {FILE_HEADERS + TRACE}. "
            "Is it another format, or cut short?"
        )
    with path.open("rb") as file:
        head = file.read(FILE_HEADERS)
    binary = head[TEXT:]
    order = options.byte_order or _byte_order(path, binary, options)
    chosen = FORMATS[options.code] if options.code else _sample_format(path, binary, order)
    revision = _revision(binary, order)
    header = TRACE * (1 + _more_headers(binary, order, revision))
    start = _start(path, binary, order, revision)
    trailer = TEXT * _trailers(binary, order, revision)
    notes: list[str] = []
    if revision < 1:
        start += _unannounced_texts(path, binary, order, size, chosen.bytes, notes)
    available = size - start - trailer
    samples = options.samples or _samples(path, binary, order, revision, start, available, header, chosen, notes)
    traces = _traces(path, available, header + samples * chosen.bytes, options.cut, f"{samples} samples", chosen, notes)
    return Layout(
        path, size, head[:TEXT], binary, order, revision, chosen, start, header, samples, traces, tuple(notes)
    )


def interval(layout: Layout, first: int, options: Options, notes: list[str]) -> float:
    """The sample interval in ms (or m, ft), 0 where the headers do not say; ``first``: bytes 117-118 of trace 1."""
    if options.interval:
        return options.interval
    if layout.revision >= 2:
        exact = words.LONG_INTERVAL.get(layout.binary, layout.order)
        if np.isfinite(exact) and 0 < exact < 1e9:
            return float(exact) / 1000
    general = words.INTERVAL.get(layout.binary, layout.order)
    if general and first and general != first:
        notes.append(
            f"{layout.path}: {words.INTERVAL} say {general}, but {words.TRACE_INTERVAL} of the first trace say "
            f"{first}, which is used. Say format.interval=MS if that is wrong."
        )
    if not (general or first):
        notes.append(
            f"{layout.path}: {words.INTERVAL} are 0 and so are {words.TRACE_INTERVAL}: the vertical axis counts "
            "samples. Say format.interval=MS."
        )
    return float(first or general) / 1000


def vertical_unit(layout: Layout, options: Options) -> str:
    """ms, m or ft."""
    unit = options.unit or text.depth_unit(text.decode(layout.text))
    feet = words.MEASUREMENT_SYSTEM.get(layout.binary, layout.order) == 2
    return "ft" if unit == "m" and feet and not options.unit else unit


def _byte_order(path: Path, binary: bytes, options: Options) -> ByteOrder:
    """Big, unless only little endian gives a known format code."""
    codes: dict[ByteOrder, int] = {order: words.FORMAT.get(binary, order) for order in ("big", "little")}
    for order, code in codes.items():
        if words.BYTE_ORDER_CONSTANT.get(binary, order) == BYTE_ORDER_VALUE and (code in FORMATS or options.code):
            return order
    for order, code in codes.items():
        if code in FORMATS:
            return order
    if options.code:
        # Sample counts and intervals are small numbers: read in the wrong order they are multiples of 256.
        counts: dict[ByteOrder, int] = {order: words.SAMPLES.get(binary, order) for order in ("big", "little")}
        return "little" if counts["little"] < counts["big"] else "big"
    known = ", ".join(f"{code} {item.name}" for code, item in FORMATS.items())
    raise MtlError(
        f"{path}: {words.FORMAT} hold {codes['big']}, which is no format that can be read ({known}). "
        "Is it SEG-Y? If so, say format.code=N."
    )


def _sample_format(path: Path, binary: bytes, order: ByteOrder) -> SampleFormat:
    code = words.FORMAT.get(binary, order)
    if code not in FORMATS:
        raise MtlError(f"{path}: {words.FORMAT} hold {code} read as {order} endian: say format.code=N.")
    return FORMATS[code]


def _revision(binary: bytes, order: ByteOrder) -> float:
    """0, 1, 2 or 2.1; some writers put a plain 1 or 2 where the standard has 256 and 512."""
    value = words.REVISION.get(binary, order)
    major, minor = (value, 0) if value in (1, 2) else divmod(value, 256)
    return major + minor / 10 if major in (1, 2) and minor < 10 else 0.0


def _more_headers(binary: bytes, order: ByteOrder, revision: float) -> int:
    if revision < 2:
        return 0
    word = words.EXTRA_TRACE_HEADERS if revision > 2 else words.EXTRA_TRACE_HEADERS_2_0
    count: int = word.get(binary, order)
    return count if 0 < count < 256 else 0


def _trailers(binary: bytes, order: ByteOrder, revision: float) -> int:
    count: int = words.TRAILERS.get(binary, order) if revision >= 2 else 0
    return max(count, 0)


def _start(path: Path, binary: bytes, order: ByteOrder, revision: float) -> int:
    """Where the first trace begins. Revision 0 knows no extended text headers: what stands there means nothing."""
    if revision < 1:
        return FILE_HEADERS
    offset: int = words.FIRST_TRACE_BYTE.get(binary, order) if revision >= 2 else 0
    count: int = words.EXTENDED_TEXTS.get(binary, order)
    start = offset if offset >= FILE_HEADERS else FILE_HEADERS + TEXT * max(count, 0)
    if count == -1 and offset < FILE_HEADERS:
        start = _after_last_text(path)
    if start + TRACE > path.stat().st_size:
        raise MtlError(
            f"{path}: {words.EXTENDED_TEXTS} say {count}, which reaches beyond the file's end "
            f"({path.stat().st_size} bytes). Is the file cut short?"
        )
    return start


def _unannounced_texts(
    path: Path, binary: bytes, order: ByteOrder, size: int, sample_bytes: int, notes: list[str]
) -> int:
    """Bytes of extended text headers in a file of revision 0, where only behind them traces begin.

    Some writers, segyio among them, leave the revision out.
    """
    count: int = words.EXTENDED_TEXTS.get(binary, order)
    samples: int = words.SAMPLES.get(binary, order)

    def begins(start: int) -> bool:
        fits = size > start and (size - start) % (TRACE + samples * sample_bytes) == 0
        return fits and _samples_of_trace(path, start, order) in (0, samples)

    if count < 1 or begins(FILE_HEADERS) or not begins(FILE_HEADERS + TEXT * count):
        return 0
    notes.append(
        f"{path}: {words.EXTENDED_TEXTS} say {count}, which means nothing in revision 0 ({words.REVISION}), but traces "
        "begin behind them: used."
    )
    return TEXT * count


def _samples_of_trace(path: Path, start: int, order: ByteOrder) -> int:
    """What the trace header at a byte of the file says of its samples."""
    with path.open("rb") as file:
        file.seek(start)
        trace = np.frombuffer(file.read(TRACE), np.uint8)[None]
    return int(words.TRACE_SAMPLES.column(trace, order)[0])


def _after_last_text(path: Path) -> int:
    """-1 extended text headers: the last one holds an end stanza."""
    with path.open("rb") as file:
        file.seek(FILE_HEADERS)
        start = FILE_HEADERS
        while len(block := file.read(TEXT)) == TEXT:
            start += TEXT
            if END_OF_TEXT in text.decode(block).upper().replace(" ", ""):
                return start
    raise MtlError(
        f"{path}: {words.EXTENDED_TEXTS} say -1 (variable), but no extended text header holds {END_OF_TEXT}."
    )


def _samples(
    path: Path,
    binary: bytes,
    order: ByteOrder,
    revision: float,
    start: int,
    available: int,
    header: int,
    chosen: SampleFormat,
    notes: list[str],
) -> int:
    """Samples per trace by the binary header, or by the first trace where only that fits the file's size."""
    long = words.LONG_SAMPLES.get(binary, order) if revision >= 2 else 0
    word: Word = words.LONG_SAMPLES if long > 0 else words.SAMPLES
    general: int = word.get(binary, order)
    first = _samples_of_trace(path, start, order)
    fitting = [count for count in (general, first) if count and available % (header + count * chosen.bytes) == 0]
    if general in fitting or (general and not fitting):
        return general
    if not fitting:
        raise MtlError(f"{path}: {word} hold 0, and {words.TRACE_SAMPLES} do not fit the file: say format.samples=N.")
    notes.append(f"{path}: {word} hold {general}, but the file's size fits {words.TRACE_SAMPLES}, {first}: used.")
    return first


def _traces(
    path: Path, available: int, length: int, cut: bool, samples: str, chosen: SampleFormat, notes: list[str]
) -> int:
    """How many traces there are; a part of one is an error unless the user says that the file is cut."""
    count, rest = divmod(available, length)
    if rest and not (cut and count):
        raise MtlError(
            f"{path} has room for {available / length:.2f} traces of {samples} ({words.SAMPLES}) as {chosen.name} "
            f"({words.FORMAT}): it is cut short or these are wrong. Say format.cut=true to read {count} whole "
            "traces, or format.samples=N or format.code=N."
        )
    if count < 1:
        raise MtlError(f"{path} holds no trace: {words.SAMPLES} say {samples}.")
    if rest:
        notes.append(f"{path} is cut short: {count} whole traces are read, {rest} bytes of another are not.")
    return count
