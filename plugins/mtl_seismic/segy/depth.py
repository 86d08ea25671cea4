"""The vertical axis in header words: sample count, interval and delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy import words
from mtl_seismic.segy.words import ByteOrder
from mtlcore.io.volume import Axis

SCALARS = (0, -10, -100, -1000, -10000, 10, 100, 1000, 10000)
LARGEST = 65535
"""What an unsigned 2-byte word holds."""
UNITS = {
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), ("ms", 1.0)),
    **dict.fromkeys(("s", "sec", "second", "seconds"), ("ms", 1000.0)),
    **dict.fromkeys(("us", "µs", "microsecond", "microseconds"), ("ms", 0.001)),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), ("m", 1.0)),
    **dict.fromkeys(("km", "kilometer", "kilometers", "kilometre", "kilometres"), ("m", 1000.0)),
    **dict.fromkeys(("ft", "foot", "feet"), ("ft", 1.0)),
}
"""What a file calls each unit, and the factor to that."""


@dataclass(frozen=True)
class DepthWords:
    """What the words say of a vertical axis. ``interval`` is in microseconds, or thousandths of m or ft."""

    samples: int
    interval: float
    delay: int
    scalar: int

    @classmethod
    def of(cls, axis: Axis) -> DepthWords:
        """Of a unit that SEG-Y does not know (samples, relative time), one stands for 1 ms."""
        factor = UNITS.get(axis.unit.lower(), ("ms", 1.0))[1]
        delay, scalar = _scaled(axis.origin * factor)
        return cls(axis.size, round(axis.step * factor * 1000, 6), delay, scalar)

    @property
    def needs_revision_2(self) -> bool:
        """Whether the 2-byte words of revision 1 are too short."""
        return self.samples > LARGEST or not self.interval.is_integer() or not 0 < self.interval <= LARGEST

    def put_binary(self, binary: bytearray, order: ByteOrder, long: bool) -> None:
        """Set the words of the binary file header; ``long``: those of revision 2 too."""
        words.INTERVAL.put(binary, min(round(self.interval), LARGEST), order)
        words.SAMPLES.put(binary, self._short_samples, order)
        if long:
            words.LONG_SAMPLES.put(binary, self.samples, order)
            words.LONG_INTERVAL.put(binary, self.interval, order)

    def put_traces(self, headers: NDArray[np.uint8], order: ByteOrder) -> None:
        """Set the words of trace headers (traces x 240 bytes)."""
        words.DELAY.put_column(headers, self.delay, order)
        words.TIME_SCALAR.put_column(headers, self.scalar, order)
        words.TRACE_SAMPLES.put_column(headers, self._short_samples, order)
        words.TRACE_INTERVAL.put_column(headers, min(round(self.interval), LARGEST), order)

    @property
    def _short_samples(self) -> int:
        return self.samples if self.samples <= LARGEST else 0


def unit_name(axis: Axis) -> str:
    """ms, m or ft: what a file of this axis will be read as."""
    return UNITS.get(axis.unit.lower(), ("ms", 1.0))[0]


def _scaled(value: float) -> tuple[int, int]:
    """A number as a 2-byte integer and the scalar of bytes 215-216 that gives it back as exactly as may be."""

    def parts(scalar: int) -> tuple[float, int]:
        factor = float(-scalar) if scalar < 0 else 1 / (scalar or 1)
        whole = max(-32768, min(32767, round(value * factor)))
        return abs(whole / factor - value), whole

    scalar = min(SCALARS, key=lambda scalar: round(parts(scalar)[0], 9))
    return parts(scalar)[1], scalar
