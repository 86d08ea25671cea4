"""Windows of a SEG-Y file: only the traces of the window are touched, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy.memmap import MappedTraces
from mtl_seismic.segy.survey import Survey
from mtl_seismic.segy.trace_reader import TraceReader
from mtlcore.io.volume import Volume, Window, Writer

Array = NDArray[np.float32]
CHUNK = 1 << 22
"""Samples decoded at once."""


class SegyVolume(Volume):
    """A survey's samples; places without a live trace are 0."""

    def __init__(self, survey: Survey) -> None:
        self.geometry = survey.geometry
        self._layout = survey.layout
        self._evidence = survey.evidence
        self._undefined = survey.options.undefined
        index = survey.index
        self._layers = index.layers or (
            np.where(index.live, index.first, -1) if index.repeated.size or not index.live.all() else index.first,
        )
        self._traces: TraceReader | None = TraceReader(survey.layout)

    def evidence(self) -> Mapping[str, Any]:
        return self._evidence

    def read(self, window: Window) -> Array:
        values = self._read_layer(self._layers[0], window)
        if len(self._layers) == 1:
            return values
        # Averages are taken sample by sample, of those that are numbers.
        total, count = np.zeros(values.shape), np.zeros(values.shape, np.int32)
        for layer in self._layers:
            part = self._read_layer(layer, window)
            used = np.isfinite(part) & (layer[tuple(window[1:])] >= 0)
            total += np.where(used, part, 0)
            count += used
        return np.asarray(total / np.maximum(count, 1), np.float32)

    def _read_layer(self, index: NDArray[Any], window: Window) -> Array:
        assert self._traces is not None, "the volume is closed"
        depth, *across = window
        values = np.zeros([part.stop - part.start for part in window], np.float32)
        flat = values.reshape(len(values), -1)
        for traces, places in _pieces(index[tuple(across)], len(values)):
            stored = self._traces.read(traces, depth)
            flat[:, _selection(places)] = self._layout.format.decode(stored, self._layout.order).T
        if self._undefined is not None:
            values[values == np.float32(self._undefined)] = np.nan
        return values

    def close(self) -> None:
        if self._traces is not None:
            self._traces.close()
        self._traces = None


class SegyWriter(Writer):
    """Writes samples into the traces of a file whose headers are there."""

    def __init__(self, traces: MappedTraces, encode: Any, index: NDArray[Any]) -> None:
        self._traces = traces
        self._encode = encode
        self._index = index

    def write(self, window: Window, values: Array) -> None:
        depth, *across = window
        places = self._index[tuple(across)]
        shape = (len(range(self._traces.samples.shape[1])[depth]), *places.shape)
        if shape != values.shape:
            raise ValueError(f"values of shape {values.shape} do not fit a window of shape {shape}")
        flat = values.reshape(len(values), -1)
        for traces, chosen in _pieces(places, len(values), self._traces.most):
            self._traces.samples[_selection(traces), depth] = self._encode(flat[:, _selection(chosen)].T)
            self._traces.touch(len(traces))


def _pieces(
    index: NDArray[Any], samples: int, most: int = CHUNK
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Traces in the file's order and their flat places in a window, at most so many at once, and CHUNK samples."""
    flat = index.reshape(-1)
    places = np.flatnonzero(flat >= 0)
    traces = flat[places]
    if traces.size and (np.diff(traces) < 0).any():
        order = np.argsort(traces)
        traces, places = traces[order], places[order]
    step = max(1, min(most, CHUNK // max(samples, 1)))
    for start in range(0, len(traces), step):
        yield traces[start : start + step], places[start : start + step]


def _selection(numbers: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Evenly spaced, ascending numbers as a slice, which numpy reads without a list of them."""
    if len(numbers) == 1:
        return slice(int(numbers[0]), int(numbers[0]) + 1)
    steps = np.diff(numbers)
    if steps[0] > 0 and (steps == steps[0]).all():
        return slice(int(numbers[0]), int(numbers[-1]) + 1, int(steps[0]))
    return numbers
