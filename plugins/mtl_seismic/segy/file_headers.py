"""The first headers of a file as they stand in it: text, binary file header, byte order and revision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mtl_seismic.segy import text, words
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.samples import FORMATS, SampleFormat
from mtl_seismic.segy.words import BINARY, TEXT, TRACE, ByteOrder, Word
from mtlcore.errors import MtlError
from mtlcore.io.files import file_size

BYTE_ORDER_VALUE = 16909060
FILE_HEADERS = TEXT + BINARY
END_OF_TEXT = "((SEG:ENDTEXT))"
MAX_TEXTS = 4096
"""Extended text headers that a file may claim; more is not a count."""


@dataclass(frozen=True)
class HeaderReader:
    """Reads words of the binary file header, and of trace headers wherever these may begin."""

    path: Path
    size: int
    text: bytes
    binary: bytes
    order: ByteOrder

    @classmethod
    def open(cls, path: Path, options: Options) -> HeaderReader:
        """MtlError where the file is too short, or has a format code of neither byte order."""
        size = file_size(path)
        if size < FILE_HEADERS + TRACE:
            raise MtlError(
                f"{path} has {size} bytes: too short for SEG-Y, whose headers alone have {FILE_HEADERS + TRACE}. "
                "Is it another format, or cut short?"
            )
        with path.open("rb") as file:
            head = file.read(FILE_HEADERS)
        return cls(path, size, head[:TEXT], head[TEXT:], _byte_order(path, head[TEXT:], options))

    def get(self, word: Word) -> Any:
        """A word of the binary file header."""
        return word.get(self.binary, self.order)

    def trace_word(self, start: int, word: Word) -> int | None:
        """A word of the trace header at a byte of the file; None beyond its end."""
        with self.path.open("rb") as file:
            file.seek(start)
            header = np.frombuffer(file.read(TRACE), np.uint8)
        return int(word.column(header[None], self.order)[0]) if len(header) == TRACE else None

    @cached_property
    def revision(self) -> float:
        """0, 1, 2 or 2.1. The two bytes are single numbers, which no byte order swaps; writers that take them for
        one number put 256 or 512 in either order, or a plain 1 or 2."""
        major, minor = self.get(words.REVISION_MAJOR), self.get(words.REVISION_MINOR)
        if (major, minor) == (1, 2) and self.order == "little":
            major, minor = minor, major  # there is no revision 1.2
        if major == 0 and minor in (1, 2):
            major, minor = minor, 0
        return major + minor / 10 if major in (1, 2) and minor < 10 else 0.0

    @property
    def format(self) -> SampleFormat:
        """That of the header; MtlError where it is not known."""
        code = self.get(words.FORMAT)
        if code not in FORMATS:
            raise MtlError(f"{self.path}: {words.FORMAT} hold {code} read as {self.order} endian: set format.code=N.")
        return FORMATS[code]

    @cached_property
    def text_blocks(self) -> int:
        """How many blocks of text (of 3200 bytes) follow the binary file header, announced or not."""
        count = 0
        for block in self._blocks():
            if not text.is_text(block):
                break
            count += 1
        return count

    def after_end_stanza(self) -> int | None:
        """The byte behind the extended text header that holds the end stanza."""
        for number, block in enumerate(self._blocks(), 1):
            if END_OF_TEXT in text.decode(block).upper().replace(" ", ""):
                return FILE_HEADERS + number * TEXT
        return None

    def _blocks(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(FILE_HEADERS)
            for _ in range(MAX_TEXTS):
                if len(block := file.read(TEXT)) < TEXT:
                    return
                yield block


def read_text(path: Path) -> bytes:
    """The text header, as far as there is one."""
    file_size(path)
    with path.open("rb") as file:
        return file.read(TEXT)


def _byte_order(path: Path, binary: bytes, options: Options) -> ByteOrder:
    """Big, unless only little endian gives a known format code."""
    if options.byte_order:
        return options.byte_order
    orders: tuple[ByteOrder, ByteOrder] = ("big", "little")
    codes = {order: words.FORMAT.get(binary, order) for order in orders}
    for order in orders:
        if words.BYTE_ORDER_CONSTANT.get(binary, order) == BYTE_ORDER_VALUE and (
            codes[order] in FORMATS or options.code
        ):
            return order
    for order in orders:
        if codes[order] in FORMATS:
            return order
    if options.code:
        # Sample counts and intervals are small numbers: read in the wrong order they are multiples of 256.
        counts = {order: words.SAMPLES.get(binary, order) for order in orders}
        return "little" if counts["little"] < counts["big"] else "big"
    known = ", ".join(f"{code} {item.name}" for code, item in FORMATS.items())
    raise MtlError(
        f"{path}: {words.FORMAT} hold {codes['big']}, which is not a format that can be read ({known}). "
        "Is it SEG-Y? If so, set format.code=N."
    )
