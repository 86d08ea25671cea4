"""Curved faults that end: each is a smooth map from where a sample lies now to where it lay before that fault.

A fault dips towards +u; its surface is u = H(zeta) + bend s^2 / 2, with zeta the depth below its centre, s the
distance along strike, and H' = cot(dip) growing with depth (listric). Rock slides along surfaces parallel to it, so
the map never carries a sample across the fault. Displacement falls to zero at an elliptic tip line and away from
the fault, and is smaller right at it by the share that drag has bent instead of broken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtl_seismic.stochastic.draws import Array


@dataclass(frozen=True)
class CurvedFault:
    """A normal (positive displacement) or reverse fault. Lengths in samples, angles in degrees.

    `azimuth` is the direction of dip, from +x2 towards +x3; `dip` (0..90), `centre` (depth, x2[, x3]) and the greatest
    `displacement` are those at the centre; `half_height` (along dip) and `half_length` (along strike) reach to the
    tips; `listric` is the growth of cot(dip) per sample of depth (at most `most_listric`); `bend` the curvature along
    strike (1/samples); `reach` the distance at which rock no longer moved; `hanging_share` the share of displacement
    in the hanging wall; `drag` the share of it that is bent within `drag_width`; `washout` the loss of amplitude
    within `washout_width`.
    """

    centre: tuple[float, ...]
    azimuth: float
    dip: float
    displacement: float
    half_height: float
    half_length: float
    listric: float
    bend: float
    rake: float
    reach: float
    hanging_share: float
    drag: float
    drag_width: float
    washout: float
    washout_width: float

    @property
    def cotangent(self) -> float:
        """The cotangent of dip at the centre."""
        return float(1 / np.tan(np.radians(self.dip)))

    @property
    def half_depth(self) -> float:
        """The vertical distance from the centre to the upper and lower tips, in samples."""
        return self.half_height * float(np.sin(np.radians(self.dip)))

    @property
    def direction(self) -> tuple[float, float]:
        """The horizontal unit vector down the dip, along (x2, x3)."""
        angle = np.radians(self.azimuth)
        return float(np.cos(angle)), float(np.sin(angle))

    def slope(self, zeta: Array) -> Array:
        """Return cot(dip) at depths below the centre."""
        return zeta * np.float32(self.listric) + np.float32(self.cotangent)

    def surface(self, zeta: Array) -> Array:
        """Return H: how far down dip the fault lies at depths below its centre (at s = 0)."""
        curve = zeta * np.float32(self.listric / 2)
        curve += np.float32(self.cotangent)
        curve *= zeta
        return curve


def most_listric(cotangent: float, half_depth: float) -> float:
    """Return the greatest growth of cot(dip) per sample that keeps a fault within dips of 20 and 88 degrees."""
    steepest, flattest = 1 / np.tan(np.radians([88.0, 20.0]))
    return max(0.0, float(min(cotangent - steepest, flattest - cotangent) / half_depth))


@dataclass(frozen=True)
class Crossing:
    """A fault seen from some samples: signed distance (hanging wall positive) and displacement there, in samples."""

    distance: Array
    displacement: Array


def undo(fault: CurvedFault, points: Sequence[Array], active: Array | None) -> Crossing:
    """Move points (depth, x2[, x3]; float32, changed in place) to where they lay before the fault.

    Only points where `active` is 1 are moved (0: they are younger than the fault).
    """
    zeta = points[0] - np.float32(fault.centre[0])
    across, along = _horizontal(fault, points)
    slope = fault.slope(zeta)
    across -= fault.surface(zeta)
    steepness = 1 / np.sqrt(slope * slope + 1)
    distance = across * steepness if along is None else _bent(fault, across, along, slope)
    profile = _profile(fault, zeta, along)
    if active is not None:
        profile *= active
    slid = _share(fault, distance)
    slid *= profile
    slid *= np.float32(fault.displacement)
    _slide(fault, points, slid, along, slope, steepness)
    profile *= np.float32(fault.displacement * (1 - fault.drag))
    return Crossing(distance, profile)


def _horizontal(fault: CurvedFault, points: Sequence[Array]) -> tuple[Array, Array | None]:
    cosine, sine = (np.float32(part) for part in fault.direction)
    first = points[1] - np.float32(fault.centre[1])
    if len(points) == 2:
        return first * np.sign(cosine), None
    second = points[2] - np.float32(fault.centre[2])
    return first * cosine + second * sine, second * cosine - first * sine


def _bent(fault: CurvedFault, across: Array, along: Array, slope: Array) -> Array:
    turn = along * np.float32(fault.bend)
    distance: Array = across - turn * along / 2
    distance /= np.sqrt(slope * slope + turn * turn + 1)
    return distance


def _profile(fault: CurvedFault, zeta: Array, along: Array | None) -> Array:
    """Return displacement relative to the greatest: an ellipse-like fall to zero at the tips."""
    left = 1 - np.square(zeta * np.float32(1 / fault.half_depth))
    if along is not None:
        left -= np.square(along * np.float32(1 / fault.half_length))
    np.maximum(left, 0, out=left)
    left *= np.sqrt(left)
    return left


def _share(fault: CurvedFault, distance: Array) -> Array:
    """Return which share of the fault's displacement a sample at this distance has moved, up (-) or down (+)."""
    near = np.abs(distance)
    near *= np.float32(-1 / fault.reach)
    near += 1
    np.maximum(near, 0, out=near)
    near *= near
    if fault.drag > 0:
        bent = np.square(distance * np.float32(1 / fault.drag_width))
        bent += 1
        np.divide(np.float32(fault.drag), bent, out=bent)
        near *= np.subtract(1, bent, out=bent)
    near *= np.float32(fault.hanging_share) - (distance <= 0)
    return near


def _slide(
    fault: CurvedFault, points: Sequence[Array], slid: Array, along: Array | None, slope: Array, steepness: Array
) -> None:
    down = slid * steepness
    down *= np.float32(-np.sin(np.radians(fault.rake)))
    points[0][...] += down
    # The change of H over this way down.
    out = down * np.float32(fault.listric / 2)
    out += slope
    out *= down
    cosine, sine = (np.float32(part) for part in fault.direction)
    if along is None:
        out *= np.sign(cosine)
        points[1][...] += out
        return
    aside = slid
    aside *= np.float32(-np.cos(np.radians(fault.rake)))
    bent = along * 2
    bent += aside
    bent *= aside
    bent *= np.float32(fault.bend / 2)
    out += bent
    points[1][...] += out * cosine - aside * sine
    out *= sine
    aside *= cosine
    out += aside
    points[2][...] += out


def reach_box(
    fault: CurvedFault, margin: tuple[float, float], rows: range, lateral: Sequence[int]
) -> tuple[slice, ...] | None:
    """Return the part of rows x lateral that the fault can have changed, if later events moved it less than `margin`.

    The margin is in samples along depth and laterally.
    """
    down, aside = margin
    low = max(-fault.half_depth, rows.start - down - fault.centre[0])
    high = min(fault.half_depth, rows.stop + down - fault.centre[0])
    if low >= high:
        return None
    sideways = _lateral_extents(fault, np.array([low, high]), len(lateral))
    bounds = [(rows.start, rows.stop), *((0, size) for size in lateral)]
    extents = [(low - down, high + down), *((start - aside, stop + aside) for start, stop in sideways)]
    box = []
    for (start, stop), at, (before, behind) in zip(bounds, fault.centre, extents, strict=True):
        first, last = int(np.floor(at + before)) - 1, int(at + behind) + 2
        box.append(slice(max(first, start) - start, max(min(last, stop) - start, 0)))
    return None if any(part.start >= part.stop for part in box) else tuple(box)


def _lateral_extents(fault: CurvedFault, zeta: Array, axes: int) -> list[tuple[float, float]]:
    """Return how far a fault reaches from its centre along each lateral axis, between two depths below the centre."""
    nearest_tip = float(np.clip(0, *zeta)) / fault.half_depth
    along = fault.half_length * float(np.sqrt(max(1 - nearest_tip**2, 0))) if axes == 2 else 0.0
    turn = along * abs(fault.bend)
    width = max(fault.reach, 4 * fault.washout_width)
    width *= float(np.sqrt(1 + np.square(fault.slope(zeta)).max() + turn**2))
    sag = along**2 * fault.bend / 2
    # H rises all the way down.
    out = np.array([fault.surface(zeta)[0] + min(sag, 0) - width, fault.surface(zeta)[1] + max(sag, 0) + width])
    cosine, sine = fault.direction
    ways = [(cosine, abs(sine)), (sine, abs(cosine))] if axes == 2 else [(float(np.sign(cosine)), 0.0)]
    return [(float((out * way).min()) - along * side, float((out * way).max()) + along * side) for way, side in ways]


def angles(gradient: Sequence[Array]) -> tuple[Array, Array]:
    """Return dip and strike in degrees from the gradient (depth, x2[, x3]) of a distance across a fault.

    The reference's convention: strike in 0..180 from +x3 towards +x2, with dip above 90 where the fault dips
    against (cos strike, -sin strike) along (x2, x3); in 2D dip is below 90 towards low x. 2D strikes are 180.
    """
    down, *sideways = gradient
    sign = np.where(down > 0, -1.0, 1.0)
    second = sideways[1] if len(sideways) == 2 else np.zeros_like(down)
    towards = (sideways[0] * sign, second * sign)
    dip = np.degrees(np.arctan2(np.hypot(*towards), np.abs(down)))
    if len(sideways) == 1:
        return np.where(towards[0] > 0, 180 - dip, dip), np.full_like(dip, 180)
    strike = np.degrees(np.arctan2(-towards[1], towards[0])) % 360
    return np.where(strike >= 180, 180 - dip, dip), strike % 180
