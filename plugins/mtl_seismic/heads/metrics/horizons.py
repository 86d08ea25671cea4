"""How well a relative geologic time (RGT) carries horizons from one trace to all others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def horizon_depth_error(
    estimate_rgt: Array, true_rgt: Array, seed: int | tuple[int, ...] | None = None
) -> dict[str, float]:
    """Depth error, in samples, of the horizons through every sample of one seed trace.

    The horizon through depth k of the seed trace (a lateral index; default: the central trace) lies in any
    other trace at the shallowest depth where RGT reaches its value at k, by linear interpolation along the
    trace, for the estimate with its own value at k. Only the order of values matters, so any increasing
    transform of the estimate scores the same up to interpolation. A horizon counts in a trace where the true
    one exists: its value lies within that trace's range (of the running maximum) and not in an unlabelled
    gap. Where the estimate's value lies outside its trace's range, the nearest end is taken, so that a lost
    horizon is an error.

    Traces need not be monotone (RGT falls across a thrust): each is replaced by its running maximum,
    ``numpy.maximum.accumulate``, so that of repeated strata the shallowest counts.

    Both arrays have the shape (depth, x) or (depth, x2, x3). Returns `mean` and `p95` (95th percentile), in
    samples, and `within_2`, the share at most 2 samples off; all NaN where no horizon can be followed.
    """
    if estimate_rgt.shape != true_rgt.shape:
        raise ValueError(f"The estimate has shape {estimate_rgt.shape}, the truth {true_rgt.shape}.")
    estimate, truth = _traces(estimate_rgt), _traces(true_rgt)
    errors = _errors(estimate, truth, _seed_index(true_rgt.shape[1:], seed))
    if errors.size == 0 or np.isnan(errors).any():
        return {"mean": math.nan, "p95": math.nan, "within_2": math.nan}
    mean, p95, within = errors.mean(), np.percentile(errors, 95), (errors <= 2).mean()
    return {"mean": float(mean), "p95": float(p95), "within_2": float(within)}


def share_not_increasing(rgt: Array) -> float:
    """Share of vertical neighbours between which RGT does not increase with depth; 0 is best.

    Shape (depth, ...). Pairs with an unlabelled (NaN) sample are left out.
    """
    upper, lower = rgt[:-1], rgt[1:]
    pairs = np.count_nonzero(~np.isnan(upper) & ~np.isnan(lower))
    return float(np.count_nonzero(lower <= upper) / pairs) if pairs else math.nan


def _errors(estimate: Floats, truth: Floats, seed: int) -> Floats:
    """Absolute depth errors, one per horizon and trace that has it."""
    labelled = ~np.isnan(truth)
    if np.isnan(estimate[labelled]).any():
        return np.array([math.nan])
    values = truth[seed, labelled[seed]]
    depth = _follow(truth, labelled, values)
    counted = _exists(truth, labelled, values, depth)
    counted[seed] = False
    found = _follow(estimate, labelled, estimate[seed, labelled[seed]])
    return np.abs(found[counted] - depth[counted])


def _follow(traces: Floats, labelled: Mask, values: Floats) -> Floats:
    """Depth (trace, value) at which a trace first reaches a value; its nearest end where it never does."""
    depths = np.full((len(traces), values.size), math.nan)
    # Upwards and negated: of equal samples numpy.interp takes the last, which is then the shallowest.
    reached = -np.maximum.accumulate(np.where(labelled, traces, -np.inf), axis=1)[:, ::-1]
    labelled = labelled[:, ::-1]
    samples = np.arange(traces.shape[1] - 1, -1, -1)
    for trace in np.flatnonzero(labelled.any(axis=1)):
        known = labelled[trace]
        depths[trace] = np.interp(-values, reached[trace, known], samples[known])
    return depths


def _exists(truth: Floats, labelled: Mask, values: Floats, depth: Floats) -> Mask:
    """Where (trace, value) the trace holds the value, between labelled samples."""
    first = truth[np.arange(len(truth)), labelled.argmax(axis=1), None]
    last = np.fmax.reduce(truth, axis=1)[:, None]
    above, below = (np.nan_to_num(end(depth)).astype(np.intp) for end in (np.floor, np.ceil))
    known = np.take_along_axis(labelled, above, axis=1) & np.take_along_axis(labelled, below, axis=1)
    return np.asarray((first <= values) & (values <= last) & known)


def _traces(field: Array) -> Floats:
    """The field as (trace, depth)."""
    return field.reshape(len(field), -1).T.astype(np.float64, order="C")


def _seed_index(lateral: tuple[int, ...], seed: int | tuple[int, ...] | None) -> int:
    """The seed's row in `_traces`."""
    if seed is None:
        seed = tuple(size // 2 for size in lateral)
    return int(np.ravel_multi_index(seed if isinstance(seed, tuple) else (seed,), lateral))
