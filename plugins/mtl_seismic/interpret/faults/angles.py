"""Normals of fault planes from dip and strike, and back; conventions as in heads/orientation.py.

Normals are axes: n and -n are one plane. Arrays of vectors are N x d on (depth, x) or (depth, inline, crossline).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.heads.metrics.angles import plane_normal

Floats = NDArray[np.float64]
Convention = Literal["mtl", "right-hand", "azimuth"]


def normals_from_angles(dip: Floats, strike: Floats | None) -> Floats:
    """Unit normals, N x 2 or N x 3, from N angles in degrees."""
    if strike is None:
        angle = np.radians(np.asarray(dip, np.float64))
        return np.stack([np.cos(angle), np.sin(angle)], -1)
    return np.moveaxis(plane_normal(strike, dip), 0, -1)


def angles_from_normals(normals: Floats) -> tuple[Floats, Floats | None]:
    """(dip, strike) in degrees, 0 <= angle < 180, of N x d normals; strike is None in 2D."""
    normals = np.asarray(normals, np.float64)
    if normals.shape[-1] == 2:
        return _below_180(np.degrees(np.arctan2(normals[..., 1], normals[..., 0]))), None
    # Of both signs the one with sin d sin s >= 0; on the last axis' zero, the one with a strike of 0.
    turned = (normals[..., 2] > 0) | ((normals[..., 2] == 0) & (normals[..., 1] < 0))
    n = np.where(turned[..., None], -normals, normals)
    dip = np.degrees(np.arctan2(np.hypot(n[..., 1], n[..., 2]), -n[..., 0]))
    strike = np.degrees(np.arctan2(-n[..., 2], n[..., 1]))
    wraps = strike >= 180
    return _below_180(np.where(wraps, 180 - dip, dip)), np.where(wraps, 0.0, np.abs(strike))


def steepness(dip: Floats) -> Floats:
    """The angle from the horizontal, 0..90 degrees, of a dip of 0..180."""
    return np.minimum(dip, 180 - dip)


def converted(
    dip: Floats, strike: Floats | None, convention: Convention, signs: tuple[int, int] = (1, 1)
) -> tuple[Floats, Floats | None]:
    """Dip and strike in another convention; the angles in the grid of samples stay what they are.

    ``mtl``: as given. ``right-hand``: dip 0..90, strike 0..360 from the last axis towards the second, the plane
    dipping to the right of it (Hale 2013, github.com/dhale/ipf). ``azimuth``: dip 0..90, and in the place of
    the strike the direction of dip, -180..180: 0 towards increasing crossline numbers, 90 towards increasing
    inline numbers (OpendTect's Fault Dip-Azimuth). ``signs``: -1 for a horizontal axis whose numbers decrease.
    """
    if convention == "mtl":
        return dip, strike
    over = dip > 90
    folded = np.where(over, 180 - dip, dip)
    if strike is None:
        return folded, None
    turned = np.where(over, strike + 180, strike) % 360
    if convention == "right-hand":
        return folded, turned
    angle = np.radians(turned)
    return folded, np.degrees(np.arctan2(signs[0] * np.cos(angle), -signs[1] * np.sin(angle)))


def upward(normal: Floats) -> Floats:
    """The sign of one normal that points up (to smaller depth); of a vertical plane's, to larger last axis."""
    vertical = abs(normal[0]) < 1e-9
    down = normal[-1] < 0 if vertical else normal[0] > 0
    return -normal if down else normal


def _below_180(angle: Floats) -> Floats:
    angle = angle % 180
    return np.where(angle >= 180, 0.0, angle)
