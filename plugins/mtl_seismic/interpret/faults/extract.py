"""From fields to faults: thinning, grouping, filters, surfaces, throw and sticks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import Floats, angles_from_normals
from mtl_seismic.interpret.faults.grouping import group
from mtl_seismic.interpret.faults.options import ExtractOptions, Range
from mtl_seismic.interpret.faults.scientific import scipy_part
from mtl_seismic.interpret.faults.sticks import Stick, make_sticks
from mtl_seismic.interpret.faults.surface import Integers, Surface, fit_frame, fit_surface
from mtl_seismic.interpret.faults.thinning import Points, thin, thin_slabs
from mtl_seismic.interpret.faults.threshold import LEAST, automatic, count, count_ridges, of_density
from mtl_seismic.interpret.faults.throw import measure
from mtlcore.errors import MtlError
from mtlcore.io.files import shape_text
from mtlcore.io.volume import ArrayVolume, Volume

PROBABILITY, DIP, STRIKE, RGT = "fault_probability", "fault_dip", "fault_strike", "rgt"


@dataclass(frozen=True, eq=False)
class FaultSurface:
    """One fault; positions are in samples on (depth, x) or (depth, inline, crossline).

    ``dip``, ``strike``: of its mean plane, in degrees of the grid of samples, with the fields' convention
    (0..180, see heads/orientation.py); strike is NaN in 2D. ``size``: how many thinned samples it has.
    ``probability``: their mean. ``samples``: they themselves (N x d), ``misfit``: their median distance from
    the surface.
    ``points``: the surface's vertices (M x d) with ``normals``, ``point_probability`` and ``throw`` (M; samples,
    NaN where unknown, positive where the hanging wall lies deeper, see throw.py).
    ``triangles``: K x 3 numbers of points; in 2D K x 2, the edges of a line. ``sticks``: see sticks.py.
    """

    id: int
    dip: float
    strike: float
    size: int
    probability: float
    misfit: float
    samples: Floats
    points: Floats
    normals: Floats
    point_probability: Floats
    throw: Floats
    triangles: Integers
    sticks: list[Stick]
    label: str = ""

    @property
    def name(self) -> str:
        """How interpretation systems call it: the name that it was given, or a number."""
        return self.label or f"FAULT_{self.id:03d}"

    @property
    def drawn(self) -> bool:
        """Whether it was drawn by hand."""
        return bool(self.label)

    @property
    def median_throw(self) -> float:
        """Over the whole surface, in samples; NaN where it is known nowhere."""
        known = self.throw[np.isfinite(self.throw)]
        return float(np.median(known)) if known.size else float("nan")

    @property
    def surface(self) -> Surface:
        return Surface(self.points, self.normals, self.point_probability, self.triangles)


def extract_faults(
    fields: Mapping[str, Volume | NDArray[np.floating]],
    options: ExtractOptions | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> list[FaultSurface]:
    """The faults of a result, largest first.

    ``fields``: ``fault_probability`` (0..1), ``fault_dip`` and, in 3D, ``fault_strike`` (degrees), and for the
    throw ``rgt``: volumes, or arrays with depth first. Of volumes only slabs are loaded at once; what stays in
    memory are the thinned samples. MtlError where a field lacks or does not fit. ``say`` gets lines for users.
    """
    options = options or ExtractOptions()
    volumes = {name: value if isinstance(value, Volume) else ArrayVolume(value) for name, value in fields.items()}
    check_fields(volumes)
    probability = volumes[PROBABILITY]
    options, threshold = with_threshold(options, volumes, say)
    points = thin(probability, volumes[DIP], volumes.get(STRIKE), threshold, options.smoothing)
    points, labels = group(points, options)
    faults: list[FaultSurface] = []
    for members in _members(labels, options.least(probability.ndim)):
        fault = _fault(len(faults) + 1, points.take(members), volumes.get(RGT), probability.shape, options)
        if fault is not None:
            faults.append(fault)
    say(f"{len(points)} thinned fault samples, {len(faults)} faults.")
    return faults


def with_threshold(
    options: ExtractOptions, volumes: Mapping[str, Volume], say: Callable[[str], None]
) -> tuple[ExtractOptions, float]:
    """The options with the threshold that a result's probabilities give, where they ask for one, and the threshold."""
    threshold, probability = options.threshold, volumes[PROBABILITY]
    if options.density is not None:
        threshold = of_density(count(probability), options.density)
        say(f"Threshold {threshold:.3f}: the probability that a share {options.density:g} of the samples reaches.")
    elif threshold == "auto":
        ridges = thin_slabs(probability, volumes[DIP], volumes.get(STRIKE), LEAST, options.smoothing)
        threshold = automatic(count_ridges(ridges))
        say(f"Threshold {threshold:.3f}: of the greatest F1 to expect from the distribution of the probabilities.")
    return replace(options, threshold=threshold, density=None), threshold


def check_fields(volumes: Mapping[str, Volume]) -> None:
    """MtlError unless all fields that planes need are there, of one shape."""
    for name in (PROBABILITY, DIP):
        if name not in volumes:
            raise MtlError(f"Faults need the field '{name}': run mtl run with the task fault.")
    shape = volumes[PROBABILITY].shape
    if len(shape) == 3 and STRIKE not in volumes:
        raise MtlError(f"Faults in 3D need the field '{STRIKE}': run mtl run with the task fault.")
    for name in (DIP, STRIKE, RGT):
        if name in volumes and volumes[name].shape != shape:
            raise MtlError(
                f"The field '{name}' has the shape {shape_text(volumes[name].shape)}: "
                f"expected {shape_text(shape)}, that of {PROBABILITY}."
            )


def _members(labels: Integers, least: int) -> list[Integers]:
    """The points of each large enough fault."""
    if not labels.size:
        return []
    order = np.argsort(labels, kind="stable")
    names, first = np.unique(labels[order], return_index=True)
    parts = np.split(order, first[1:])
    return [part for name, part in zip(names, parts, strict=True) if name >= 0 and part.size >= least]


def _fault(
    number: int, points: Points, rgt: Volume | None, shape: tuple[int, ...], options: ExtractOptions
) -> FaultSurface | None:
    """One fault, or None where a filter drops it."""
    frame = fit_frame(points)
    dip, strike = _angles(frame.normal)
    if not _within(min(dip, 180 - dip), options.dip) or not _within(strike, options.strike):
        return None
    surface = fit_surface(points, frame, shape, options.cell, options.merge_distance)
    if not len(surface.cells):
        return None
    throw = np.full(len(surface.vertices), np.nan) if rgt is None else measure(surface, rgt, options)
    return FaultSurface(
        id=number,
        dip=dip,
        strike=strike,
        size=len(points),
        probability=float(points.probability.mean()),
        misfit=_misfit(points, surface),
        samples=points.positions,
        points=surface.vertices,
        normals=surface.normals,
        point_probability=surface.probability,
        throw=throw,
        triangles=surface.cells,
        sticks=make_sticks(surface, throw, frame, options.spacing),
    )


def _angles(normal: Floats) -> tuple[float, float]:
    """Dip and strike of one normal; NaN for the strike in 2D."""
    dip, strike = angles_from_normals(normal)
    return float(dip), float("nan") if strike is None else float(strike)


def _within(angle: float, limits: Range | None) -> bool:
    """Whether an angle lies in a range; one whose first limit is the larger goes through 0."""
    if limits is None or np.isnan(angle):
        return True
    low, high = limits
    return low <= angle <= high if low <= high else angle >= low or angle <= high


def _misfit(points: Points, surface: Surface) -> float:
    """Median distance of the samples from the tangent plane of the nearest vertex."""
    nearest = scipy_part("spatial").cKDTree(surface.vertices).query(points.positions)[1]
    step = points.positions - surface.vertices[nearest]
    return float(np.median(np.abs(np.einsum("ij,ij->i", step, surface.normals[nearest]))))
