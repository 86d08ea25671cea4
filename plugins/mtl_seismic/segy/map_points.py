"""X and Y of traces, from the header words that hold them, as integers with a scalar or as floats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats import coordinates
from mtl_seismic.segy import words
from mtl_seismic.segy.header_numbers import ABSURD, Kind, as_numbers, kind_of, may_be_floats
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.lines import varies
from mtl_seismic.segy.options import Options

XY = ((181, 185), (73, 77), (81, 85))
"""Words that may hold coordinates, the standard's first."""
FITTED = 4096
"""Traces on which the agreement of line numbers with coordinates is measured."""

Columns = Mapping[int, NDArray[Any]]


@dataclass(frozen=True)
class MapPoints:
    """``starts``: the first bytes of the words; ``kind``: how they hold numbers; ``scalars``: bytes 71-72."""

    starts: tuple[int, int]
    columns: tuple[NDArray[Any], NDArray[Any]]
    scalars: NDArray[Any]
    kind: Kind

    def take(self, traces: slice | NDArray[Any]) -> NDArray[np.float64]:
        """X and Y (traces x 2) of some traces."""
        points = np.stack([as_numbers(values[traces], self.kind) for values in self.columns], axis=1).astype(np.float64)
        return points * coordinates.factors(self.scalars[traces])[:, None]

    @property
    def unit(self) -> float:
        """To what the numbers are rounded, in map units."""
        scale = float(coordinates.factors(self.scalars[:1] if self.scalars.strides == (0,) else self.scalars).max())
        return scale if self.kind == "integer" else 0.01


def map_points(layout: Layout, columns: Columns, options: Options) -> Iterator[MapPoints]:
    """The words that hold something like coordinates, the likeliest first."""
    given = [(options.cdp_x, options.cdp_y)] if options.cdp_x and options.cdp_y else []
    for first, second in given or list(XY):
        x, y = columns[int(first or 0)], columns[int(second or 0)]
        if not (x.any() or y.any()) or (len(x) > 1 and not (varies(x) or varies(y))):
            continue
        scalars = columns[words.SCALAR.start]
        if options.scalar is not None:
            scalars = np.broadcast_to(np.int16(options.scalar), len(x))
        scale = float(coordinates.factors(scalars[:1])[0])
        kind = options.coordinate_words or _kind(x, y, layout.format.code, scale)
        if kind != "integer" and options.scalar is None and not _too_large((x, y), kind):
            # Floats are written in full; a scalar that stands beside them was meant for integers.
            scalars = np.broadcast_to(np.int16(1), len(x))
        yield MapPoints((int(first or 0), int(second or 0)), (x, y), scalars, kind)


def _kind(x: NDArray[Any], y: NDArray[Any], code: int, scale: float) -> Kind:
    """That of both words: where one holds floats for certain, the other does if it may."""
    kinds = [kind_of(values, code, scale) for values in (x, y)]
    for kind, other in zip(kinds, (y, x), strict=True):
        if kind != "integer" and (not other.any() or may_be_floats(other)):
            return kind
    return "integer"


def _too_large(columns: tuple[NDArray[Any], NDArray[Any]], kind: Kind) -> bool:
    return any(float(np.abs(as_numbers(values[:FITTED], kind)).max()) > ABSURD / 2 for values in columns)
