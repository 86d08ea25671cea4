"""Which horizons a request asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtl_seismic.interpret.horizons.crossing import Floats
from mtl_seismic.interpret.horizons.extraction import Horizon, default_names, extract_horizons
from mtl_seismic.interpret.horizons.fields import Fields
from mtl_seismic.interpret.horizons.reflectors import snap
from mtl_seismic.interpret.horizons.request import Request
from mtl_seismic.interpret.horizons.seeds import Seed, locate, reference_curve, spread, value_at
from mtl_seismic.interpret.picks import PickedHorizon
from mtl_seismic.interpret.picks.horizons import surface_through
from mtlcore.errors import OptionError


def times_of(request: Request, fields: Fields, positions: Sequence[tuple[float, ...]]) -> Floats:
    """The horizons' times: at the seeds, or spread over the volume."""
    if positions:
        return np.array([value_at(fields.time, position) for position in positions])
    if not request.count:
        return np.empty(0)
    curve = curve_of(request, fields)
    values = spread(curve, request.count)
    reflectors = fields.others.get("dhr") or fields.image
    if request.spread == "depth" or reflectors is None:
        return values
    return snap(values, curve, fields.time, reflectors)


def curve_of(request: Request, fields: Fields) -> Floats:
    """Time against depth on the reference trace."""
    if request.reference is None:
        return reference_curve(fields.time)
    # Any depth will do.
    top = 0.0 if request.in_samples else fields.geometry.axes[0].origin
    position = locate(Seed((*request.reference, top)), fields.geometry, request.in_samples)
    return reference_curve(fields.time, tuple(int(index) for index in position[1:]))


def names_of(request: Request, count: int) -> list[str]:
    """Those that were given, those of the seeds, or numbers."""
    if len(request.names) > 1 and len(request.names) != count:
        raise OptionError(f"There are {len(request.names)} names for {count} horizons: give one, or one for each.")
    if len(request.names) == count:
        return list(request.names)
    own = [seed.name for seed in request.seeds]
    numbered = default_names(count, request.names[0] if request.names else "horizon")
    return [name or number for name, number in zip(own or [None] * count, numbered, strict=True)]


def extract(
    request: Request, fields: Fields, values: Floats, names: list[str], positions: list[tuple[float, ...]]
) -> list[Horizon]:
    """The horizons at times."""
    if not len(values):
        return []
    horizons = extract_horizons(
        fields.time,
        values.tolist(),
        image=fields.image,
        fault_probability=fields.others.get("fault_probability"),
        names=names,
        gap=request.gap,
        min_quality=request.min_quality,
    )
    if not positions:
        return horizons
    return [
        Horizon(each.name, each.value, each.depth, each.quality, seed)
        for each, seed in zip(horizons, positions, strict=True)
    ]


def picked(request: Request, fields: Fields, picks: Sequence[PickedHorizon]) -> list[Horizon]:
    """The horizons through picked points."""
    return [surface_through(pick, fields.all, request.gap, request.min_quality) for pick in picks]
