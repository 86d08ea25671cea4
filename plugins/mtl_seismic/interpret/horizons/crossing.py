"""Where traces of relative geological time reach a value.

Along a trace time is taken as linear between samples, and a horizon lies where it first reaches its value.
Depths of increasing values therefore never decrease in any trace: horizons cannot cross. Where time falls
and repeats (across a thrust), the shallowest place counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Traces = NDArray[np.float32]

AROUND = 17
"""Steps of a trace, centred on the crossing, whose median is the rate at which time advances there."""


def cross(traces: Traces, values: Floats) -> tuple[Floats, Floats]:
    """Depth of each value in each trace, and how abruptly time passes it there.

    ``traces``: (trace, depth), NaN where time is unknown, at least two samples. Both results are
    (value, trace): depth in samples, NaN where the trace does not reach the value or begins below it;
    the step of time between the two samples around it, in units of the rate of its surroundings (1 where
    time advances steadily; a step of n spans as much time as n samples around it do).
    """
    last = traces.shape[1] - 1
    below = _first_reaching(traces, values)
    lower_index = np.clip(below, 1, last)
    lower = np.take_along_axis(traces, lower_index, axis=1).astype(np.float64)
    upper = np.take_along_axis(traces, lower_index - 1, axis=1).astype(np.float64)
    at_sample = np.take_along_axis(traces, np.minimum(below, last), axis=1) == values
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (values - upper) / (lower - upper)
        steps = np.maximum(lower - upper, 0) / _rate(traces, lower_index - 1)
    between = (below >= 1) & (below <= last) & (share >= 0)
    depth = np.where(between, below - 1 + np.minimum(share, 1), np.nan)
    depth[at_sample] = below[at_sample]
    return depth.T, steps.T


def sample(traces: Traces, depth: Floats) -> Floats:
    """Values of traces (trace, depth) at depths in samples (any, trace), linear in between; NaN outside."""
    last = traces.shape[1] - 1
    inside = (depth >= 0) & (depth <= last)
    position = np.where(inside, depth, 0)
    above = np.minimum(position.astype(np.intp), max(last - 1, 0))
    share = position - above
    columns = np.arange(traces.shape[0])
    values = traces[columns, above] * (1 - share) + traces[columns, np.minimum(above + 1, last)] * share
    return np.where(inside, values, np.nan)


def as_traces(samples: NDArray[Any]) -> Traces:
    """(depth, ...) to contiguous (trace, depth), NaN where a sample is not finite."""
    traces = np.ascontiguousarray(samples.reshape(len(samples), -1).T, dtype=np.float32)
    traces[~np.isfinite(traces)] = np.nan
    return traces


def without_dead(traces: Traces, live: NDArray[np.bool_] | None = None) -> Traces:
    """NaN in traces that are not live or hold one value alone (results are 0 on dead traces)."""
    known = (
        np.where(np.isnan(traces), np.inf, traces).min(axis=1),
        np.where(np.isnan(traces), -np.inf, traces).max(axis=1),
    )
    dead = ~(known[1] > known[0])
    if live is not None:
        dead |= ~live.reshape(-1)
    return np.where(dead[:, None], np.float32(np.nan), traces)


def _first_reaching(traces: Traces, values: Floats) -> NDArray[np.intp]:
    """(trace, value): the first sample at or beyond a value; the number of samples where there is none."""
    reached = np.maximum.accumulate(np.where(np.isnan(traces), -np.inf, traces), axis=1)
    found = np.empty((len(traces), len(values)), np.intp)
    for trace, row in enumerate(reached):
        found[trace] = np.searchsorted(row, values)
    return found


def _rate(traces: Traces, step: NDArray[np.intp]) -> Floats:
    """(trace, value): time per sample around a step: the median step, or half the mean where that is more.

    The mean keeps a rate above 0 where coarsely quantised time stands still over many samples.
    """
    steps = np.diff(traces, axis=1)
    width = min(AROUND, steps.shape[1])
    start = np.clip(step - width // 2, 0, steps.shape[1] - width)
    around = sliding_window_view(steps, width, axis=1)[np.arange(len(traces))[:, None], start]
    unknown = np.isnan(around)
    if unknown.any():
        around = np.where(unknown & ~unknown.all(axis=-1, keepdims=True), 0, around)
    middle = np.median(around, axis=-1)
    return np.asarray(np.maximum(middle, around.mean(axis=-1) / 2), dtype=np.float64)
