"""Are the samples what the format code says? Some traces are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import words
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.samples import IBM, IEEE
from mtl_seismic.segy.trace_reader import TraceReader
from mtlcore.inference.undefined import find_undefined

TRACES, SAMPLES = 64, 2000
"""How much is looked at."""
ENOUGH = 500
"""Samples below which nothing is concluded."""
HUGE, TINY = 1e20, 1e-20
INTEGER = 2


def check_amplitudes(layout: Layout) -> list[str]:
    """Warnings about samples that do not look like numbers of the format that the header names."""
    stored = _some(layout)
    values = layout.format.decode(stored, layout.order)
    if layout.format.code in (IBM, IEEE):
        if _are_integers(stored):
            return [_say(layout, "4-byte integers", INTEGER)]
        note = _other_float(layout, np.ascontiguousarray(stored).view(">u4" if layout.order == "big" else "<u4"))
        if note:
            return [note]
    if layout.format.code == INTEGER and _are_floats(stored):
        return [_say(layout, "IEEE floats", IEEE)]
    # Constants that mean undefined say nothing of the format.
    size = np.abs(values[(values != 0) & ~(find_undefined([values.T]).mask(values) & np.isfinite(values))])
    odd = ~np.isfinite(size) | (size > HUGE) | (size < TINY)
    if size.size >= ENOUGH and odd.mean() > 0.1:
        return [
            f"{layout.path}: {odd.mean():.0%} of the samples are not finite or have implausible sizes as "
            f"{layout.format.name}, {layout.order} endian: are {words.FORMAT} right? "
            "Set format.code=N or format.byte_order=big|little."
        ]
    return []


def _are_floats(stored: NDArray[Any]) -> bool:
    """Whether 4-byte integers are the bytes of floats of usual sizes: no other integers are all so large."""
    bits = stored.astype(np.int32).view(np.uint32)
    exponents = bits[bits != 0] >> 23 & 0xFF
    return exponents.size >= ENOUGH and float(((exponents > 90) & (exponents < 160)).mean()) > 0.99


def _are_integers(stored: NDArray[Any]) -> bool:
    """Whether the bytes of 4-byte floats are integers on both sides of 0, of sizes that amplitudes have."""
    integers = stored.astype(np.uint32) if stored.dtype.kind == "u" else stored.astype(stored.dtype.newbyteorder("="))
    values = np.ascontiguousarray(integers).view(np.int32)
    values = values[values != 0].astype(np.float64)
    return values.size >= ENOUGH and bool(np.abs(values).max() < 2**26 and 0.2 < (values > 0).mean() < 0.8)


def _some(layout: Layout) -> NDArray[Any]:
    chosen = np.unique(np.linspace(0, layout.traces - 1, TRACES).astype(int))
    step = max(1, layout.samples // SAMPLES)
    reader = TraceReader(layout)
    try:
        return reader.read(chosen, slice(0, layout.samples))[:, ::step]
    finally:
        reader.close()


def _other_float(layout: Layout, stored: NDArray[np.uint32]) -> str | None:
    """IBM floats that are IEEE ones, and the reverse.

    The first hexadecimal digit of an IBM fraction is never 0. In an IEEE float these four bits are the end of
    the exponent and the start of the fraction, and are 0 once in about twelve for amplitudes of any size.
    """
    bits = stored.astype(np.uint32).ravel()
    # Round numbers prove nothing: 2.0 has a zero digit in IEEE, and a volume may hold many of it.
    bits = bits[(bits & 0xFFF) != 0]
    zero = (bits & 0x00F00000) == 0
    if bits.size < ENOUGH:
        return None
    if layout.format.code == IBM and zero.mean() > 0.01:
        return _say(layout, "IEEE floats", IEEE)
    if layout.format.code == IEEE and not zero.any() and _ones(bits) >= 2:
        return _say(layout, "IBM floats", IBM)
    return None


def _ones(bits: NDArray[np.uint32]) -> int:
    """In how many powers of 16 the digit 1 is common; in IEEE floats, 0 would be as common as 1 there."""
    _, counts = np.unique(bits[(bits & 0x00F00000) == 0x00100000] >> 24 & 0x7F, return_counts=True)
    return int((counts >= 10).sum()) if counts.sum() >= 40 else 0


def _say(layout: Layout, kind: str, code: int) -> str:
    return (
        f"{layout.path}: {words.FORMAT} say {layout.format.code} ({layout.format.name}), but the samples look like "
        f"{kind}. Set format.code={code} if they are."
    )
