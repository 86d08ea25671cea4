"""Mean amplitude spectra of traces."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-12
"""Amplitudes below so many times the largest are no more than rounding."""
CHUNK = 2**22


@dataclass
class Spectrum:
    """Root of the mean power of Hann-tapered traces of so many samples, ``step`` apart."""

    samples: int
    step: float
    power: NDArray[np.float64] = field(init=False)
    traces: int = 0

    def __post_init__(self) -> None:
        self.power = np.zeros(self.samples // 2 + 1)

    def add(self, traces: NDArray[np.float32]) -> None:
        """Traces as depth x trace."""
        taper = np.hanning(self.samples + 2)[1:-1, None]
        for start in range(0, traces.shape[1], max(1, CHUNK // self.samples)):
            part = traces[:, start : start + max(1, CHUNK // self.samples)].astype(np.float64)
            transformed = np.fft.rfft((part - part.mean(axis=0)) * taper, axis=0)
            self.power += (np.abs(transformed) ** 2).sum(axis=1)
            self.traces += part.shape[1]

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Cycles per unit of the depth axis."""
        return np.asarray(np.fft.rfftfreq(self.samples, abs(self.step) or 1.0), dtype=np.float64)

    @property
    def amplitudes(self) -> NDArray[np.float64]:
        return np.asarray(np.sqrt(self.power / max(self.traces, 1)))

    def decibels(self, reference: float) -> NDArray[np.float64]:
        """Amplitudes relative to a reference."""
        relative = self.amplitudes / reference if reference > 0 else np.zeros_like(self.power)
        return np.asarray(20 * np.log10(np.maximum(relative, FLOOR)))

    @property
    def peak(self) -> float:
        """The frequency of the largest amplitude."""
        return float(self.frequencies[np.argmax(self.power)])

    @property
    def centroid(self) -> float:
        """The mean frequency, weighted by power."""
        total = float(self.power.sum())
        return float((self.frequencies * self.power).sum() / total) if total > 0 else float("nan")

    def band(self, decibels: float = -20.0) -> tuple[float, float]:
        """The lowest and the highest frequency within so many decibels of the peak."""
        amplitudes = self.amplitudes
        within = np.flatnonzero(amplitudes >= amplitudes.max(initial=0.0) * 10 ** (decibels / 20))
        return float(self.frequencies[within[0]]), float(self.frequencies[within[-1]])


def frequency_unit(unit: str, frequencies: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Frequencies as people say them, with the axis' name: Hz for seconds and milliseconds."""
    lower = unit.lower()
    if lower in ("s", "second", "seconds"):
        return frequencies, "Frequency (Hz)"
    if lower in ("ms", "millisecond", "milliseconds"):
        return frequencies * 1000, "Frequency (Hz)"
    if lower in ("us", "µs", "microsecond", "microseconds"):
        return frequencies * 1e6, "Frequency (Hz)"
    if lower in ("m", "metre", "meter", "ft", "feet", "km"):
        return frequencies * 1000, f"Wavenumber (cycles per 1000 {unit})" if lower != "km" else "Wavenumber (1/1000 km)"
    return frequencies, "Frequency (cycles per sample)" if lower in ("", "1", "sample") else f"Frequency (1/{unit})"
