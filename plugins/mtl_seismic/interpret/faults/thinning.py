"""Thinning: non-maximum suppression of the fault probability along the predicted normal, to a part of a sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import Floats, normals_from_angles
from mtl_seismic.interpret.faults.scientific import scipy_part
from mtlcore.errors import MtlError
from mtlcore.io.volume import Volume, Window

SLAB_SAMPLES = 2**24
"""Samples of a volume that are read at once."""
POINTS_AT_ONCE = 2**16
LIKE = 8.0
"""Degrees between normals at which two samples count little as of one fault."""
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Points:
    """Thinned fault samples: positions (N x d, in samples), unit normals (N x d) and probabilities (N).

    ``purity``: how much of the probability around has the same orientation, 0..1 (N): where another fault
    crosses, it is low, and the position is not to be trusted.
    """

    positions: Floats
    normals: Floats
    probability: Floats
    purity: Floats

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Points:
        """Some of the points."""
        return Points(*(getattr(self, name)[chosen] for name in Points.__dataclass_fields__))


def thin(probability: Volume, dip: Volume, strike: Volume | None, threshold: float, smoothing: float = 1.5) -> Points:
    """The ridges of the probability, read slab by slab: only what lies above the threshold stays in memory.

    ``smoothing``: standard deviation in samples of the Gaussian that smooths along the normal, so that a
    band of equal values has one ridge, in its middle.
    """
    parts = list(thin_slabs(probability, dip, strike, threshold, smoothing))
    if not parts:
        none = np.empty((0, len(probability.shape)))
        return Points(none, none.copy(), np.empty(0), np.empty(0))
    return Points(*(np.concatenate([getattr(part, name) for part in parts]) for name in Points.__dataclass_fields__))


def thin_slabs(
    probability: Volume, dip: Volume, strike: Volume | None, threshold: float, smoothing: float = 1.5
) -> Iterator[Points]:
    """The ridges of the probability, piece by piece (see thin)."""
    halo = ceil(3 * smoothing) + 2
    for start, stop in slabs(probability.shape):
        before, after = max(start - halo, 0), min(stop + halo, probability.shape[1])
        window = slab_window(probability.shape, before, after)
        values = checked(probability.read(window))
        inner = values[:, start - before : stop - before]
        places = np.argwhere(inner >= threshold)
        if not len(places):
            continue
        places[:, 1] += start - before
        slab = Slab(values, dip.read(window), None if strike is None else strike.read(window), smoothing)
        for first in range(0, len(places), POINTS_AT_ONCE):
            part = slab.ridges(places[first : first + POINTS_AT_ONCE])
            part.positions[:, 1] += before
            yield part


def slabs(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Ranges of axis 1 (whole inlines, or traces in 2D) that cover a volume in pieces of bounded size."""
    thickness = max(1, SLAB_SAMPLES * shape[1] // prod(shape))
    for start in range(0, shape[1], thickness):
        yield start, min(start + thickness, shape[1])


def slab_window(shape: tuple[int, ...], start: int, stop: int) -> Window:
    """All of a volume from ``start`` to ``stop`` along axis 1."""
    return tuple(slice(start, stop) if axis == 1 else slice(0, size) for axis, size in enumerate(shape))


def checked(values: Samples) -> Samples:
    """Probabilities without NaN; MtlError where they are none."""
    values = np.where(np.isfinite(values), values, np.float32(0))
    low, high = float(values.min()), float(values.max())
    if low < -0.01 or high > 1.01:
        raise MtlError(f"The fault probability reaches from {low:g} to {high:g}: expected 0 to 1.")
    return values


@dataclass(frozen=True)
class Slab:
    """A part of the fields in memory."""

    probability: Samples
    dip: Samples
    strike: Samples | None
    smoothing: float

    def ridges(self, places: NDArray[np.intp]) -> Points:
        """Those places (N x d) that are greatest along their normal, moved onto the ridge."""
        normals = self.normals(places)
        profile = self.profile(places, normals, order=1)
        before, here, after = (self.smooth(profile[:, k : profile.shape[1] - 2 + k]) for k in range(3))
        bend = before - 2 * here + after
        shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1), 0)
        # On a grid, neighbouring samples of a plane are this far apart along its normal.
        half = 0.5 * np.abs(normals).max(1) + 0.05
        kept = (here >= before) & (here >= after) & (np.abs(shift) <= half)
        places, normals = places[kept], normals[kept]
        return Points(
            places + shift[kept, None] * normals,
            normals,
            self.probability[tuple(places.T)].astype(np.float64),
            self.purity(places, normals),
        )

    def normals(self, places: NDArray[np.intp]) -> Floats:
        """Unit normals at places, N x d."""
        index = tuple(places.T)
        normals = normals_from_angles(self.dip[index], None if self.strike is None else self.strike[index])
        if not np.isfinite(normals).all():
            count = int((~np.isfinite(normals)).any(1).sum())
            raise MtlError(f"The fault angles are not finite at {count} fault samples.")
        return normals

    @property
    def reach(self) -> int:
        """How far the Gaussian goes."""
        return ceil(3 * self.smoothing)

    def profile(self, places: NDArray[np.intp], normals: Floats, order: int) -> Floats:
        """The probability along the normals at whole steps, N x S; the place itself is in the middle."""
        lines = self._lines(places, normals)
        sampled: Floats = scipy_part("ndimage").map_coordinates(
            self.probability, np.moveaxis(lines, -1, 0), order=order, mode="nearest", output=np.float64
        )
        return sampled

    def smooth(self, profile: Floats) -> Floats:
        """Gaussian mean of profiles, N."""
        weights = np.exp(-0.5 * np.square(np.arange(-self.reach, self.reach + 1) / self.smoothing))
        mean: Floats = profile @ (weights / weights.sum())
        return mean

    def purity(self, places: NDArray[np.intp], normals: Floats) -> Floats:
        """The share of the probability along the normals whose own normals are like them."""
        top = np.array(self.probability.shape) - 1
        near = np.clip(np.rint(self._lines(places, normals)[:, 1:-1]), 0, top).astype(np.intp)
        index = tuple(np.moveaxis(near, -1, 0))
        strike = None if self.strike is None else self.strike[index]
        own = normals_from_angles(self.dip[index], strike)
        cosine = np.einsum("nsd,nd->ns", own, normals)
        like = np.exp(-0.5 * (1 - np.square(cosine)) / np.sin(np.radians(LIKE)) ** 2)
        weight = self.probability[index].astype(np.float64)
        share: Floats = np.nan_to_num((weight * like).sum(1)) / np.maximum(weight.sum(1), 1e-9)
        return share

    def _lines(self, places: NDArray[np.intp], normals: Floats) -> Floats:
        offsets = np.arange(-self.reach - 1, self.reach + 2)
        lines: Floats = places[:, None] + offsets[:, None] * normals[:, None]
        return lines
