"""The header words that are read and written, by their byte positions (from 1, as in the standard and in manuals).

Source: SEG-Y revision 1 (2002) and revision 2.1 (2023), tables of the binary file header and the trace header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ByteOrder = Literal["big", "little"]
TEXT, BINARY, TRACE = 3200, 400, 240
"""Bytes of the textual file header, the binary file header and a trace header."""


@dataclass(frozen=True)
class Word:
    """A header word: its first byte, numpy's kind of number, and what it means."""

    start: int
    kind: str
    name: str

    @property
    def size(self) -> int:
        return int(self.kind[1:])

    def __str__(self) -> str:
        return f"bytes {self.start}-{self.start + self.size - 1} ({self.name})"

    def dtype(self, order: ByteOrder) -> np.dtype[Any]:
        """The number's type in a file of this byte order."""
        return np.dtype(self.kind).newbyteorder(">" if order == "big" else "<")

    def get(self, header: bytes, order: ByteOrder) -> Any:
        """The value in a binary file header (400 bytes)."""
        at = self.start - 1 - TEXT
        return np.frombuffer(header[at : at + self.size], self.dtype(order))[0].item()

    def put(self, header: bytearray, value: float, order: ByteOrder) -> None:
        """Set the value in a binary file header (400 bytes)."""
        at = self.start - 1 - TEXT
        header[at : at + self.size] = np.array(value, self.dtype(order)).tobytes()

    def column(self, headers: NDArray[np.uint8], order: ByteOrder) -> NDArray[Any]:
        """The values in trace headers (traces x 240 bytes), in the machine's byte order."""
        part = np.ascontiguousarray(headers[:, self.start - 1 : self.start - 1 + self.size])
        return part.view(self.dtype(order))[:, 0].astype(self.kind)

    def put_column(self, headers: NDArray[np.uint8], values: Any, order: ByteOrder) -> None:
        """Set the values in trace headers (traces x 240 bytes)."""
        column = np.broadcast_to(np.asarray(values), len(headers)).astype(self.dtype(order))
        part = np.ascontiguousarray(column)[:, None].view(np.uint8)
        headers[:, self.start - 1 : self.start - 1 + self.size] = part


# Binary file header.
INTERVAL = Word(3217, "u2", "sample interval in microseconds")
SAMPLES = Word(3221, "u2", "samples per trace")
FORMAT = Word(3225, "i2", "sample format code")
FOLD = Word(3227, "i2", "ensemble fold")
SORTING = Word(3229, "i2", "trace sorting code")
MEASUREMENT_SYSTEM = Word(3255, "i2", "measurement system: 1 metres, 2 feet")
LONG_SAMPLES = Word(3269, "i4", "extended samples per trace")
LONG_INTERVAL = Word(3273, "f8", "extended sample interval in microseconds")
BYTE_ORDER_CONSTANT = Word(3297, "i4", "byte order mark 16909060")
REVISION = Word(3501, "u2", "SEG-Y revision")
REVISION_MAJOR = Word(3501, "u1", "major revision")
REVISION_MINOR = Word(3502, "u1", "minor revision")
FIXED_LENGTH = Word(3503, "i2", "fixed trace length flag")
EXTENDED_TEXTS = Word(3505, "i2", "number of extended text headers")
EXTRA_TRACE_HEADERS_2_0 = Word(3507, "i4", "additional trace headers")
EXTRA_TRACE_HEADERS = Word(3507, "i2", "additional trace headers")
FIRST_TRACE_BYTE = Word(3521, "u8", "byte offset of the first trace")
TRAILERS = Word(3529, "i4", "number of data trailers")

# Trace header.
SEQUENCE_IN_LINE = Word(1, "i4", "trace sequence number within the line")
SEQUENCE = Word(5, "i4", "trace sequence number within the file")
FIELD_RECORD = Word(9, "i4", "original field record number")
FIELD_TRACE = Word(13, "i4", "trace number within the field record")
SOURCE_POINT = Word(17, "i4", "energy source point number")
CDP = Word(21, "i4", "CDP number")
TRACE_ID_CODE = Word(29, "i2", "trace identification code")
OFFSET = Word(37, "i4", "offset")
SCALAR = Word(71, "i2", "coordinate scalar")
SOURCE_X = Word(73, "i4", "source X")
SOURCE_Y = Word(77, "i4", "source Y")
GROUP_X = Word(81, "i4", "receiver X")
GROUP_Y = Word(85, "i4", "receiver Y")
COORDINATE_UNIT = Word(89, "i2", "coordinate units: 1 length, 2-4 angles")
DELAY = Word(109, "i2", "delay recording time in ms")
TRACE_SAMPLES = Word(115, "u2", "samples in this trace")
TRACE_INTERVAL = Word(117, "u2", "sample interval of this trace in microseconds")
WEIGHT = Word(169, "i2", "trace weighting factor")
CDP_X = Word(181, "i4", "CDP X")
CDP_Y = Word(185, "i4", "CDP Y")
INLINE = Word(189, "i4", "inline number")
CROSSLINE = Word(193, "i4", "crossline number")
TIME_SCALAR = Word(215, "i2", "time scalar")

KNOWN = {word.start: word for word in list(globals().values()) if isinstance(word, Word) and word.start <= TRACE}
DEAD = 2
"""The trace identification code of a dead trace."""


def line_word(start: int, name: str) -> Word:
    """The 4-byte word at a position, under the standard's name if it has one there."""
    known = KNOWN.get(start)
    return known if known and known.size == 4 else Word(start, "i4", name)
