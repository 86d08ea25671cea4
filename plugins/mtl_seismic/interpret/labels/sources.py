"""The interpretation that labels are made of: files of interpretation programs, and the picks of a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.imports import Placing, read_horizons, read_sticks
from mtl_seismic.interpret.labels.build import Interpretation
from mtl_seismic.interpret.labels.horizons import gridded
from mtl_seismic.interpret.picks import PickedHorizon, read_picks
from mtl_seismic.interpret.picks.horizons import surface_through
from mtlcore.errors import MtlError
from mtlcore.io.volume import Volume

Floats = NDArray[np.float64]
Say = Callable[[str], None]
LOOKED = 12.0
"""Traces around a picked point on which somebody has looked where the horizon goes."""


def from_files(
    horizons: Sequence[Path],
    sticks: Sequence[Path],
    place: Placing,
    say: Say,
    columns: Sequence[str] = (),
    undefined: float | None = None,
) -> Interpretation:
    """Horizons and fault sticks of text files, in samples of a volume; MtlError where a file lies beside it.

    Horizons of one name in several files are one; so are faults.
    """
    picks: dict[str, list[Floats]] = {}
    for path in horizons:
        for horizon in read_horizons(path, columns=columns, undefined=undefined):
            samples = place.samples(horizon.points)
            inside = place.inside(samples)
            _say_how_many(path, horizon.name, inside, say)
            picks.setdefault(horizon.name, []).append(samples[inside])
    faults: dict[str, list[Floats]] = {}
    for path in sticks:
        for fault in read_sticks(path, undefined=undefined):
            lines = [place.samples(stick) for stick in fault.sticks]
            inside = np.concatenate([place.inside(line) for line in lines])
            _say_how_many(path, fault.name, inside, say)
            # A stick may reach beyond the volume; one that lies beside it as a whole says nothing of it.
            faults.setdefault(fault.name, []).extend(line for line in lines if place.inside(line).any())
    shape = place.geometry.shape
    return Interpretation(faults, {name: gridded(np.concatenate(parts), shape) for name, parts in picks.items()})


def _say_how_many(path: Path, name: str, inside: NDArray[np.bool_], say: Say) -> None:
    if not inside.any():
        raise MtlError(
            f"{path}: no point of '{name}' lies in the volume. Do its coordinates, its unit of Z (--z-factor) and its "
            "sign (--z-sign) fit?"
        )
    outside = int((~inside).sum())
    if outside:
        say(f"{path}: {outside} of {len(inside)} points of '{name}' lie outside of the volume.")


def from_picks(result: Path, volumes: dict[str, Volume], shape: tuple[int, ...]) -> Interpretation:
    """What was picked in a result: drawn faults, and horizons near their points."""
    picks = read_picks(result, shape)
    faults = {fault.name: [np.array(stick, np.float64) for stick in fault.sticks] for fault in picks.faults}
    horizons = {picked.name: _near_points(picked, volumes, shape) for picked in picks.horizons}
    return Interpretation(faults, horizons)


def _near_points(picked: PickedHorizon, volumes: dict[str, Volume], shape: tuple[int, ...]) -> Floats:
    """The horizon's depths on traces near one of its points; without a time to follow, at the points alone."""
    points = np.array(picked.points)
    if "rgt" not in volumes:
        return gridded(points, shape)
    depth = surface_through(picked, volumes).depth.astype(np.float64)
    places = np.indices(shape[1:]).reshape(len(shape) - 1, -1).T.astype(np.float64)
    near = np.zeros(len(places), bool)
    for point in points:
        near |= ((places - point[1:]) ** 2).sum(axis=1) <= LOOKED**2
    return np.where(near.reshape(shape[1:]), depth, np.nan)


def joined(one: Interpretation, other: Interpretation) -> Interpretation:
    """Both; MtlError where they have a horizon of one name."""
    both = set(one.horizons) & set(other.horizons)
    if both:
        raise MtlError(f"The horizon '{min(both)}' is in a file and among the picks: rename one.")
    faults = {name: [*one.faults.get(name, []), *other.faults.get(name, [])] for name in {**one.faults, **other.faults}}
    return Interpretation(faults, {**one.horizons, **other.horizons})
