"""Maps on horizons: a field along one, or the thickness between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mtl_seismic.interpret.horizons.along import STATISTICS, sample_along
from mtl_seismic.interpret.horizons.exports.surface import Style, Surface
from mtl_seismic.interpret.horizons.extraction import Horizon
from mtlcore.errors import OptionError, suggestion
from mtlcore.io.volume import Geometry, Volume

FORMATS = ("xyz", "cps3", "zmap", "npy")
"""Formats that hold any value at a place; the others are of horizons alone."""
HALF_WINDOW = 8


@dataclass(frozen=True)
class Along:
    """FIELD, FIELD:STATISTIC or FIELD:STATISTIC:HALF, as ``dhr:rms:12``."""

    field: str
    statistic: str = "value"
    half_window: int = HALF_WINDOW

    @property
    def label(self) -> str:
        """For names: dhr, dhr_rms_12."""
        return self.field if self.statistic == "value" else f"{self.field}_{self.statistic}_{self.half_window}"


def parse_along(text: str) -> Along:
    """From the command line; OptionError where it is none."""
    field, *more = text.split(":")
    if not field or len(more) > 2 or (len(more) == 2 and not more[1].isdigit()):
        raise OptionError(
            f"The map '{text}': expected FIELD, FIELD:STATISTIC or FIELD:STATISTIC:SAMPLES, as dhr:rms:8."
        )
    if more and more[0] not in STATISTICS:
        raise OptionError(
            f"The map '{text}': unknown statistic. {suggestion(more[0], STATISTICS)}Known: {', '.join(STATISTICS)}."
        )
    return Along(field, more[0] if more else "value", int(more[1]) if len(more) == 2 else HALF_WINDOW)


def check_maps(maps: Sequence[Along], fields: Mapping[str, Volume], formats: Sequence[str]) -> None:
    """OptionError for a field that the result lacks, and where no format could hold a map."""
    for each in maps:
        if each.field not in fields:
            known = ", ".join(fields)
            raise OptionError(
                f"There is no field '{each.field}' to map. {suggestion(each.field, fields)}Fields: {known}."
            )
    if maps and not set(formats) & set(FORMATS):
        raise OptionError(f"Maps are written as {', '.join(FORMATS)}: add one of them to --format.")


def map_along(horizon: Horizon, wanted: Along, field: Volume, unit: str, geometry: Geometry, style: Style) -> Surface:
    """A field along a horizon."""
    values = sample_along(field, horizon.depth, wanted.statistic, wanted.half_window).astype(np.float64)
    named = Horizon(f"{horizon.name} {wanted.label}", horizon.value, horizon.depth, horizon.quality)
    return Surface(named, geometry, style, values, unit)


def isochrons(horizons: Sequence[Horizon], geometry: Geometry, style: Style) -> list[Surface]:
    """Thickness, in the vertical axis' unit, between each horizon and the next deeper one; NaN where undefined."""
    ordered = sorted(horizons, key=lambda horizon: float(np.nanmean(horizon.depth)))
    axis = geometry.axes[0]
    found = []
    for upper, lower in pairwise(ordered):
        thickness = (lower.depth.astype(np.float64) - upper.depth) * abs(axis.step)
        named = Horizon(
            f"{upper.name} to {lower.name}", lower.value, upper.depth, np.fmin(upper.quality, lower.quality)
        )
        found.append(Surface(named, geometry, style, thickness, axis.unit))
    return found
