"""Sample formats: numbers as SEG-Y stores them, and as float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy.words import ByteOrder
from mtlcore.errors import MtlError

Array = NDArray[np.float32]
IBM, IEEE, DOUBLE = 1, 5, 6


@dataclass(frozen=True)
class SampleFormat:
    """A sample format by the code in bytes 3225-3226. ``kind``: numpy's, but ``ibm`` and 3-byte integers."""

    code: int
    kind: str
    name: str

    @property
    def bytes(self) -> int:
        return 4 if self.kind == "ibm" else int(self.kind[1:])

    @property
    def is_float(self) -> bool:
        return self.code in (IBM, IEEE, DOUBLE)

    def dtype(self, order: ByteOrder) -> np.dtype[Any]:
        """What one stored sample is mapped to; three bytes are left as they are."""
        if self.bytes == 3:
            return np.dtype(("u1", (3,)))
        kind = "u4" if self.kind == "ibm" else self.kind
        return np.dtype(kind).newbyteorder(">" if order == "big" else "<")

    def decode(self, stored: NDArray[Any], order: ByteOrder) -> Array:
        """Stored samples as a new float32 array; doubles beyond its range become infinite."""
        if self.kind == "ibm":
            return from_ibm(stored)
        if self.bytes == 3:
            return _from_three_bytes(stored, order, signed=self.kind == "i3")
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array(stored, dtype=np.float32, order="C")

    def encode(self, values: Array) -> NDArray[Any]:
        """Float32 samples as they are stored, apart from the byte order; only for floating point formats."""
        return to_ibm(values) if self.kind == "ibm" else values


FORMATS = {
    code: SampleFormat(code, kind, name)
    for code, kind, name in (
        (IBM, "ibm", "4-byte IBM float"),
        (2, "i4", "4-byte integer"),
        (3, "i2", "2-byte integer"),
        (IEEE, "f4", "4-byte IEEE float"),
        (DOUBLE, "f8", "8-byte IEEE float"),
        (7, "i3", "3-byte integer"),
        (8, "i1", "1-byte integer"),
        (9, "i8", "8-byte integer"),
        (10, "u4", "4-byte unsigned integer"),
        (11, "u2", "2-byte unsigned integer"),
        (12, "u8", "8-byte unsigned integer"),
        (15, "u3", "3-byte unsigned integer"),
        (16, "u1", "1-byte unsigned integer"),
    )
}
"""Code 4, fixed point with gain, is obsolete and not read."""

_exponents = np.arange(256) % 128 - 64
# 16^62 is far beyond float32: doubles take it, and the cast makes it infinite.
_SCALES = np.where(np.arange(256) < 128, 1.0, -1.0) * 16.0**_exponents / 2.0**24


def from_ibm(words: NDArray[np.uint32]) -> Array:
    """IBM System/360 floats, as unsigned words, to float32: sign, base-16 exponent + 64, 24 bits of fraction."""
    native = np.ascontiguousarray(words, dtype=np.uint32)
    with np.errstate(over="ignore"):
        return np.asarray((native & 0xFFFFFF) * _SCALES[native >> 24], dtype=np.float32)


def to_ibm(values: Array) -> NDArray[np.uint32]:
    """Float32 to the nearest IBM floats (21 to 24 bits of fraction); MtlError for what these cannot say."""
    if not np.isfinite(values).all():
        raise MtlError(
            "IBM floats cannot hold NaN or infinity: write IEEE floats (format option write_as=ieee; in mtl convert: "
            "--set to.write_as=ieee)."
        )
    fraction, exponent = np.frexp(np.abs(values.astype(np.float64)))
    hexadecimal = -(-exponent // 4)
    digits = np.rint(np.ldexp(fraction, 24 + exponent - 4 * hexadecimal)).astype(np.int64)
    carried = digits == 1 << 24
    digits = np.where(carried, 1 << 20, digits)
    words = digits | (hexadecimal.astype(np.int64) + carried + 64) << 24 | np.signbit(values).astype(np.int64) << 31
    return np.where(digits == 0, 0, words).astype(np.uint32)


def _from_three_bytes(stored: NDArray[np.uint8], order: ByteOrder, signed: bool) -> Array:
    high, middle, low = np.moveaxis(stored if order == "big" else stored[..., ::-1], -1, 0).astype(np.int32)
    values = high << 16 | middle << 8 | low
    return np.asarray(values - ((values & 0x800000) << 1) if signed else values, dtype=np.float32)
