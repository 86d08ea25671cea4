"""Throw of faults from relative geological time (RGT).

Equal relative times on both sides of a fault are one horizon: the throw is the vertical distance between its
two cutoffs on the fault, in samples. It is positive where the hanging wall (the side above the fault) lies
deeper, as at a normal fault, and negative at a reverse fault; of a vertical fault the side of larger last
axis counts as the hanging wall. It is NaN where a side has no horizon of that time within the limit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import Floats
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtl_seismic.interpret.faults.scientific import scipy_part
from mtl_seismic.interpret.faults.surface import Surface
from mtlcore.io.volume import Volume, Window

BLOCK = 64
NEIGHBOURS = {2: 5, 3: 13}
FLATTEST = 0.1
"""Least sine of the dip: on a flat fault there is no vertical distance along it."""


def measure(surface: Surface, rgt: Volume, options: ExtractOptions) -> Floats:
    """The throw at each vertex, in samples: the median of those measured at it and at its neighbours."""
    raw = np.full(len(surface.vertices), np.nan)
    keys = np.floor(surface.vertices / BLOCK).astype(int)
    for key in np.unique(keys, axis=0):
        chosen = np.flatnonzero((keys == key).all(1))
        track, across, steps = _track(surface.vertices[chosen], surface.normals[chosen], options)
        window = _window(track, across, rgt.shape)
        values = _known(rgt.read(window), rgt.geometry.live, window)
        track -= np.array([part.start for part in window])
        throw = _throws(values, track, across, steps)
        raw[chosen] = np.where(_sine(surface.normals[chosen]) > FLATTEST, throw, np.nan)
    return _local_median(surface.vertices, raw)


def _sine(normals: Floats) -> Floats:
    """Sines of the dips, not below FLATTEST."""
    sine: Floats = np.maximum(np.linalg.norm(normals[:, 1:], axis=1), FLATTEST)
    return sine


def _track(places: Floats, normals: Floats, options: ExtractOptions) -> tuple[Floats, Floats, Floats]:
    """Positions down the fault's dip (N x S x d) one sample of depth apart, at depths S relative to the middle
    one, and the horizontal step across (N x d) that ends ``throw_reach`` samples off the fault."""
    half = np.floor(options.throw_limit / 2)
    steps = np.arange(-half, half + 1)
    square = np.square(_sine(normals))[:, None]
    across = normals * options.throw_reach / square
    across[:, 0] = 0
    down = -normals * normals[:, :1] / square
    down[:, 0] = 1
    return places[:, None] + steps[:, None] * down[:, None], across, steps


def _window(track: Floats, across: Floats, shape: tuple[int, ...]) -> Window:
    """What of a volume is needed, at least one sample of it."""
    aside = 2 * np.abs(across)[:, None]
    low = np.floor((track - aside).min((0, 1))).astype(int)
    high = np.ceil((track + aside).max((0, 1))).astype(int) + 1
    starts = [min(max(int(a), 0), size - 1) for a, size in zip(low, shape, strict=True)]
    stops = [max(min(int(b), size), a + 1) for a, b, size in zip(starts, high, shape, strict=True)]
    return tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))


def _known(values: NDArray[np.float32], live: NDArray[np.bool_] | None, window: Window) -> NDArray[np.float32]:
    """Relative times, NaN on dead traces."""
    if live is not None:
        values[:, ~live[window[1:]]] = np.nan
    return values


def _throws(values: NDArray[np.float32], track: Floats, across: Floats, steps: Floats) -> Floats:
    """Unsmoothed throws from tracks whose positions are relative to ``values``."""

    def side(sign: float) -> Floats:
        """Relative time down the fault on one side, drawn on from two distances to the fault itself."""
        near, far = (_sample(values, track + sign * k * across[:, None]) for k in (1.0, 2.0))
        return 2 * near - far

    above, below = side(1.0), side(-1.0)
    middle = len(steps) // 2
    time = 0.5 * (above[:, middle] + below[:, middle])
    return _depth_of(time, above, steps) - _depth_of(time, below, steps)


def _sample(values: NDArray[np.float32], places: Floats) -> Floats:
    """Linear interpolation; NaN outside and next to NaN."""
    sampled: Floats = scipy_part("ndimage").map_coordinates(
        values, np.moveaxis(places, -1, 0), order=1, mode="constant", cval=np.nan, output=np.float64
    )
    return sampled


def _depth_of(time: Floats, profile: Floats, steps: Floats) -> Floats:
    """Where each profile (N x S) reaches its time: the crossing nearest to the middle, NaN where there is none."""
    before, after = profile[:, :-1] - time[:, None], profile[:, 1:] - time[:, None]
    crosses = (before <= 0) & (after > 0)
    distance = np.where(crosses, np.abs(steps[:-1] + 0.5), np.inf)
    at = distance.argmin(1)
    rows = np.arange(len(time))
    low, high = before[rows, at], after[rows, at]
    with np.errstate(invalid="ignore", divide="ignore"):
        depth = steps[at] + low / (low - high)
    return np.where(np.isfinite(distance[rows, at]), depth, np.nan)


def _local_median(vertices: Floats, raw: Floats) -> Floats:
    """Medians over each vertex and its nearest, where at least half of these are known."""
    count = min(NEIGHBOURS[vertices.shape[1]], len(vertices))
    if count == 0:
        return raw
    near = scipy_part("spatial").cKDTree(vertices).query(vertices, count)[1].reshape(len(vertices), count)
    known = np.isfinite(raw[near]).sum(1) >= 0.5 * count
    smooth = np.full(len(raw), np.nan)
    smooth[known] = np.nanmedian(raw[near[known]], 1)
    return smooth
