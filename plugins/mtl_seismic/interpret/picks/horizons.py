"""From picked points to the surface of equal relative geological time that passes through them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.horizons.extraction import GAP, Horizon, extract_horizons
from mtl_seismic.interpret.horizons.seeds import value_at
from mtl_seismic.interpret.picks.model import PickedHorizon
from mtlcore.errors import MtlError
from mtlcore.io.volume import Volume

Floats = NDArray[np.float64]
REACH = 16.0
"""Traces at which the correction of a single point has faded to 1/e."""
MOST_CORRECTIONS = 2000


def surface_through(
    picked: PickedHorizon, volumes: Mapping[str, Volume], gap: float = GAP, min_quality: float = 0.0
) -> Horizon:
    """The horizon at the median time of the points, moved so that it passes through every one of them.

    ``volumes``: of the result, ``rgt`` among them; ``image`` (or ``dhr``) and ``fault_probability`` serve the
    quality. The misses at the points are spread by simple kriging with an exponential covariance of the distance in
    traces: the horizon is exact at the points, as time has it far from them, and overshoots nowhere between. Points
    on dead traces, and beyond where the horizon is defined, correct nothing. MtlError where no point has a time.
    """
    time = volumes.get("rgt")
    if time is None:
        raise MtlError(f"The horizon '{picked.name}' needs rgt, which this result lacks: mtl run --tasks rgt.")
    value = float(np.median(times_at(picked, time)))
    image = volumes.get("image") or volumes.get("dhr")
    fault = volumes.get("fault_probability")
    found = extract_horizons(
        time,
        [value],
        image=image,
        fault_probability=fault,
        names=[picked.name],
        gap=gap,
        min_quality=min_quality,
    )[0]
    if len(picked.points) == 1:
        return Horizon(found.name, value, found.depth, found.quality, picked.points[0])
    depth = corrected(found.depth.astype(np.float64), np.array(picked.points), time.shape[0])
    return Horizon(found.name, value, depth.astype(np.float32), found.quality, picked.points[0])


def times_at(picked: PickedHorizon, time: Volume) -> list[float]:
    """Time at each point that has one."""
    times, reason = [], ""
    for point in picked.points:
        try:
            inside = tuple(min(max(at, 0.0), size - 1.0) for at, size in zip(point, time.shape, strict=True))
            times.append(value_at(time, inside))
        except MtlError as error:
            reason = str(error)
    if not times:
        raise MtlError(f"The horizon '{picked.name}' passes through no live trace: {reason}")
    return times


def corrected(depth: Floats, points: Floats, samples: int, reach: float = REACH) -> Floats:
    """Depths (over the horizontal axes) that pass through points (N x d) and are as before far from them."""
    places = np.rint(points[:, 1:]).astype(int)
    places, first = np.unique(places, axis=0, return_index=True)
    misses = points[first, 0] - depth[tuple(places.T)]
    known = np.isfinite(misses)
    places, misses = places[known][:MOST_CORRECTIONS], misses[known][:MOST_CORRECTIONS]
    if not len(places):
        return depth
    weights = np.linalg.solve(_kernel(places, places, reach) + 1e-9 * np.eye(len(places)), misses)
    grid = np.indices(depth.shape).reshape(depth.ndim, -1).T
    total = np.zeros(len(grid))
    for at, weight in zip(places, weights, strict=True):
        total += weight * _kernel(grid, at[None], reach)[:, 0]
    return np.clip(depth + total.reshape(depth.shape), 0, samples - 1)


def _kernel(one: NDArray[np.int_], other: NDArray[np.int_], reach: float) -> Floats:
    distance = np.sqrt(((one[:, None] - other[None]) ** 2).sum(-1))
    return np.asarray(np.exp(-distance / reach), dtype=np.float64)
