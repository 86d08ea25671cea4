"""Faults as lines or surfaces one sample thick, so that a network gains nothing from drawing them thick."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.heads.metrics.angles import plane_normal

Array = NDArray[Any]
Mask = NDArray[np.bool_]


def thinned(probability: Array, dip: Array, strike: Array | None, threshold: float = 0.5) -> Mask:
    """Where a probability reaches ``threshold`` and is no less than one sample away on either side of the fault plane.

    It is smoothed first, so that a band of equal values has its ridge in its middle. Dip (and in 3D strike) in
    degrees; arrays of one shape. NaN counts as 0.
    """
    known = np.nan_to_num(probability).astype(np.float64)
    smooth = _smoothed(known)
    places = np.argwhere(known >= threshold)
    index = tuple(places.T)
    # In 2D strikes are 180 degrees.
    normals = plane_normal(180.0 if strike is None else strike[index], dip[index])[: probability.ndim].T
    here = smooth[index]
    # Values that differ by rounding alone are equal: both sides of a ridge between two samples stay.
    sides = [_between(smooth, places + step * normals) for step in (-1, 1)]
    kept = np.all([here >= side - 1e-9 for side in sides], axis=0)
    result = np.zeros(probability.shape, dtype=bool)
    result[tuple(places[kept].T)] = True
    return result


def _smoothed(values: Array) -> Array:
    """Weighted means over five samples along each axis, mirrored at the edges: a Gaussian of one sample, nearly."""
    for axis in range(values.ndim):
        padded = np.pad(values, [(2, 2) if at == axis else (0, 0) for at in range(values.ndim)], mode="edge")
        size = values.shape[axis]
        parts = [padded.take(range(step, step + size), axis) for step in range(5)]
        values = (parts[0] + parts[4] + 4 * (parts[1] + parts[3]) + 6 * parts[2]) / 16
    return values


def _between(values: Array, places: Array) -> Array:
    """Values at places (N x d) between samples, linearly along each axis; beyond the edges those at the edge."""
    top = np.array(values.shape) - 1
    places = np.clip(places, 0, top)
    lower = np.minimum(np.floor(places).astype(np.intp), np.maximum(top - 1, 0))
    part = places - lower
    found = np.zeros(len(places))
    for corner in itertools.product((0, 1), repeat=values.ndim):
        weight = np.prod(np.where(corner, part, 1 - part), axis=1)
        found += weight * values[tuple(np.minimum(lower + corner, top).T)]
    return found
