"""Times of the strongest coherent reflectors."""

from __future__ import annotations

import numpy as np

from mtl_seismic.interpret.horizons.crossing import Floats, as_traces
from mtl_seismic.interpret.horizons.extraction import CHUNK, line_spans, line_window, read_traces
from mtlcore.io.volume import Volume

PER_SAMPLE = 2
"""Bins of time for each sample of the reference trace."""


def snap(values: Floats, curve: Floats, time: Volume, image: Volume, chunk: int = CHUNK) -> Floats:
    """Move each time to the strongest coherent reflector that is nearer to it than to the others.

    ``values`` increase and lie on the reference curve (time against depth). The strength of a time is the
    size of the image's mean over all samples of that time: what does not line up along it averages out.
    A time without a reflector near it stays.
    """
    edges = np.interp(np.arange(PER_SAMPLE * (len(curve) - 1) + 1) / PER_SAMPLE, np.arange(len(curve)), curve)
    edges = np.unique(edges)
    if len(edges) < 4 or not len(values):
        return values
    strength = np.abs(_means(edges, time, image, chunk))
    centres = (edges[1:] + edges[:-1]) / 2
    peak = np.zeros(len(centres), bool)
    peak[1:-1] = (strength[1:-1] > strength[:-2]) & (strength[1:-1] >= strength[2:])
    limits = np.concatenate([[edges[0]], (values[1:] + values[:-1]) / 2, [edges[-1]]])
    snapped = values.copy()
    for number in range(len(values)):
        near = np.flatnonzero(peak & (centres > limits[number]) & (centres < limits[number + 1]))
        if near.size:
            snapped[number] = centres[near[strength[near].argmax()]]
    return snapped


def _means(edges: Floats, time: Volume, image: Volume, chunk: int) -> Floats:
    """Mean of the image over the samples of each bin of time, smoothed over three bins; 0 in empty ones."""
    total, count = np.zeros(len(edges) + 1), np.zeros(len(edges) + 1)
    for span in line_spans(time.shape, chunk):
        times = read_traces(time, span.read)
        amplitudes = as_traces(image.read(line_window(image, span.read)))
        known = np.isfinite(times) & np.isfinite(amplitudes)
        bins = np.searchsorted(edges, times[known], side="right")
        total += np.bincount(bins, amplitudes[known], len(edges) + 1)
        count += np.bincount(bins, minlength=len(edges) + 1)
    smooth = [np.convolve(sums[1:-1], [0.25, 0.5, 0.25], mode="same") for sums in (total, count)]
    return np.asarray(smooth[0] / np.maximum(smooth[1], 1))
