"""What ``mtl horizons`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mtl_seismic.interpret.horizons.exports.surface import STYLE, Style
from mtl_seismic.interpret.horizons.extraction import GAP
from mtl_seismic.interpret.horizons.maps import Along
from mtl_seismic.interpret.horizons.seeds import Seed


@dataclass(frozen=True)
class Request:
    """What to deliver. ``seeds``, ``count`` or ``picks`` say which horizons; none of them: only stratal volumes.

    ``seeds`` are in the file's own numbers, or sample indexes (``in_samples``). ``spread``: horizons of a
    count are equally spaced in depth on the reference trace, and moved to the strongest reflectors near by
    or not. ``names``: one for each horizon, or one that is numbered. ``reference``: IL,XL (2D: X) of the
    reference trace; None: the live one nearest to the middle. ``stratal_fields``: what to flatten; (): the image
    and dhr, where they are there. ``picks``: those picked in the viewer. ``maps``: of fields along each horizon;
    ``isochrons``: maps of the thickness between neighbouring horizons.
    """

    result: Path
    output: Path
    seeds: tuple[Seed, ...] = ()
    count: int = 0
    spread: Literal["reflectors", "depth"] = "reflectors"
    names: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("xyz", "npy")
    style: Style = STYLE
    in_samples: bool = False
    gap: float = GAP
    min_quality: float = 0.0
    reference: tuple[float, ...] | None = None
    stratal: bool = False
    stratal_fields: tuple[str, ...] = ()
    stratal_axis: Literal["rgt", "depth"] = "rgt"
    stratal_format: str | None = None
    picks: bool = False
    maps: tuple[Along, ...] = ()
    isochrons: bool = False
    picture: bool = True
    force: bool = False
