"""What a horizon lies on: a peak, a trough or a zero crossing of the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.horizons.crossing import as_traces, sample
from mtl_seismic.interpret.horizons.extraction import CHUNK, line_spans, line_window
from mtlcore.io.volume import Volume

HALF_WINDOW = 16
"""Samples above and below of which the phase is judged."""
COHERENT = 0.1
"""Least ratio of the mean waveform's RMS to that of single traces: below it there is no common reflector."""
NAMES = ("peak", "zero crossing, + to -", "trough", "zero crossing, - to +")


def polarity(horizon_depth: NDArray[np.float32], image: Volume, chunk: int = CHUNK) -> dict[str, Any]:
    """``polarity``, ``phase_degrees`` and ``mean_amplitude`` of the image's mean waveform along a horizon.

    The phase is that of the analytic signal at the horizon (Taner et al. 1979): 0 on a peak, 180 on a trough.
    Polarity is None where single traces have little in common there, and where the horizon is defined nowhere.
    """
    offsets = np.arange(-HALF_WINDOW, HALF_WINDOW + 1)
    total, squares, count = np.zeros(len(offsets)), 0.0, 0
    for span in line_spans(image.shape, chunk):
        depth = horizon_depth[span.read].reshape(-1).astype(np.float64)
        waveforms = sample(as_traces(image.read(line_window(image, span.read))), depth + offsets[:, None])
        waveforms = waveforms[:, np.isfinite(waveforms).all(axis=0)]
        total += waveforms.sum(axis=1)
        squares += float(np.square(waveforms).mean(axis=0).sum())
        count += waveforms.shape[1]
    nothing = {"polarity": None, "phase_degrees": None, "mean_amplitude": None}
    if not count:
        return nothing
    mean = total / count
    if not np.sqrt(np.square(mean).mean()) > COHERENT * np.sqrt(squares / count):
        return nothing | {"mean_amplitude": float(mean[HALF_WINDOW])}
    phase = float(np.degrees(np.angle(_analytic(mean)[HALF_WINDOW])))
    return {
        "polarity": NAMES[round(phase / 90) % 4],
        "phase_degrees": round(phase, 1),
        "mean_amplitude": float(mean[HALF_WINDOW]),
    }


def _analytic(waveform: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The waveform, tapered towards its ends, and its Hilbert transform as the imaginary part."""
    spectrum = np.fft.fft((waveform - waveform.mean()) * np.hanning(len(waveform)))
    spectrum[1 : (len(waveform) + 1) // 2] *= 2
    spectrum[len(waveform) // 2 + 1 :] = 0
    return np.fft.ifft(spectrum)
