"""IESX / GeoFrame card images: horizon cards of 98 columns (3d_ci7m), of lines with CDP (2d_ci7m_gf).

Columns (from 1): X 1-16, Y 17-32, segment 33-35, constant 14 36-38, Z 39-47, crossline 48-57 and again
58-67, crossline 68-72, attribute (here the quality) 73-86, `` I``, inline 89-95, `` XX``. A 2D card has the
position along the line twice (what the two mean is not verified), the CDP in 68-72, and ends with
line::dataset. Undefined picks are always left out: readers take every card as a pick.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtl_seismic.interpret.horizons.exports.surface import Floats, Surface, whole, write_lines
from mtl_seismic.interpret.horizons.mapping import map_unit
from mtl_seismic.interpret.names import ascii_name
from mtlcore.errors import MtlError

NAME = "iesx"
LONGEST_NAME = 15
"""Letters: TYPE begins in column 25 and readers want a blank before it."""
LARGEST_Z = 99999.0


def write(path: Path, surface: Surface) -> None:
    """Write the picks with the two header lines and EOD."""
    check_name(surface.name)
    write_lines(path, lines(surface))


def check_name(name: str) -> None:
    """MtlError where the header has no room for a name: cut, two names could become one."""
    if len(ascii_name(name)) > LONGEST_NAME:
        raise MtlError(
            f"The name '{name}' is too long for iesx, which has room for {LONGEST_NAME} letters: choose a shorter one."
        )


def lines(surface: Surface) -> Iterator[str]:
    picks = surface.picks()
    defined = np.isfinite(picks["z"])
    picks = {name: values[defined] for name, values in picks.items()}
    if np.abs(picks["z"]).max(initial=0) > LARGEST_Z:
        raise MtlError(f"iesx has 9 columns for Z, and {np.abs(picks['z']).max():g} does not fit. Use xyz.")
    cards = _cards_2d(surface, picks) if surface.is_line else _cards_3d(picks)
    yield from _header(surface)
    yield from cards
    yield "EOD"


def _header(surface: Surface) -> Iterator[str]:
    kind, card = (5, "2d_ci7m_gf.ifdf") if surface.is_line else (4, "3d_ci7m.ifdf")
    start = f"PROFILE {ascii_name(surface.name):<16}TYPE 1  {kind}"
    yield f"{start}{'':46}{card}     {map_unit(surface.geometry)} {surface.unit}"
    yield "SNAPPING PARAMETERS 5     0 1"


def _cards_3d(picks: dict[str, Floats]) -> Iterator[str]:
    inline = whole(picks["inline"], "inline", NAME, 7)
    crossline = whole(picks["crossline"], "crossline", NAME, 5)
    rows = zip(_beginnings(picks), crossline, picks["quality"].tolist(), inline, strict=True)
    return (f"{start}{xl:10.2f}{xl:10.2f}{xl:5d}{quality:14.7E} I{il:7d} XX" for start, xl, quality, il in rows)


def _cards_2d(surface: Surface, picks: dict[str, Floats]) -> Iterator[str]:
    """The CDP is the trace's own number where those are whole, else its index from 1."""
    numbers = picks["trace"]
    if np.abs(numbers - np.rint(numbers)).max(initial=0) > 1e-6:
        axis = surface.geometry.axes[1]
        numbers = (numbers - axis.origin) / axis.step + 1
    cdp = whole(numbers, "CDP", NAME, 5)
    rows = zip(_beginnings(picks), picks["trace"].tolist(), cdp, picks["quality"].tolist(), strict=True)
    return (f"{start}{at:10.2f}{at:10.2f}{cdp:5d}{quality:14.7E} LINE::mtlcore" for start, at, cdp, quality in rows)


def _beginnings(picks: dict[str, Floats]) -> Iterator[str]:
    """Columns 1-47."""
    for x, y, z in zip(picks["x"].tolist(), picks["y"].tolist(), picks["z"].tolist(), strict=True):
        yield f"{x:16.8E}{y:16.8E}{0:3d}{14:3d}{z:9.2f}"
