"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mtl_seismic.interpret import names
from mtl_seismic.interpret.horizons.exports import charisma, cps3, iesx, npy, xyz, zmap
from mtl_seismic.interpret.horizons.exports.surface import Style, Surface
from mtl_seismic.interpret.horizons.extraction import Horizon
from mtlcore.errors import OptionError, suggestion
from mtlcore.io.volume import Geometry

WRITERS: dict[str, Callable[[Path, Surface], None]] = {
    "xyz": xyz.write,
    "charisma": charisma.write,
    "iesx": iesx.write,
    "cps3": cps3.write,
    "zmap": zmap.write,
    "npy": npy.write,
}
LINES: dict[str, Callable[[Surface], Iterator[str]]] = {
    "xyz": xyz.lines,
    "charisma": charisma.lines,
    "iesx": iesx.lines,
    "cps3": cps3.lines,
    "zmap": zmap.lines,
}
ONLY_3D = ("charisma", "cps3", "zmap")
GRIDS = ("cps3", "zmap")
"""Formats that cannot hold a rotated survey without resampling."""


def check_formats(formats: Sequence[str], ndim: int) -> None:
    """MtlError for a format that is unknown or does not hold 2D lines."""
    for name in formats:
        if name not in WRITERS:
            raise OptionError(f"Unknown format '{name}'. {suggestion(name, WRITERS)}Formats: {', '.join(WRITERS)}.")
        if ndim == 2 and name in ONLY_3D:
            raise OptionError(f"The format {name} needs a 3D survey: for a 2D line use xyz, iesx or npy.")


def check_names(horizons: Sequence[str], formats: Sequence[str]) -> None:
    """MtlError for names that cannot be, whose files would be one, or that a format has no room for."""
    names.check_names(horizons, "horizon")
    if "iesx" in formats:
        for name in horizons:
            iesx.check_name(name)


def check_survey(geometry: Geometry, style: Style, formats: Sequence[str]) -> None:
    """MtlError where a format cannot hold this survey's numbers, or the style is none for it.

    Every format says so before its first line: of a horizon at both ends of the volume that line is made.
    """
    if style.undefined is not None and not np.isfinite(style.undefined):
        raise OptionError(f"The number for undefined nodes is {style.undefined}: expected a finite one, as 1e30.")
    depth = np.zeros(geometry.shape[1:], np.float32)
    depth.flat[::2] = geometry.shape[0] - 1
    probe = Surface(Horizon("probe", 0.0, depth, np.ones_like(depth)), geometry, style)
    for name in formats:
        if name in LINES:
            next(iter(LINES[name](probe)))


def file_name(surface: Surface, format: str) -> str:
    """NAME_UNIT_SIGN.FORMAT: most of the formats say neither unit nor sign; of a map NAME_UNIT.FORMAT."""
    unit = {"sample": "samples", "1": "" if surface.values is not None else "rgt"}.get(surface.unit, surface.unit)
    safe = "".join(letter if letter.isalnum() else "-" for letter in unit)
    sign = surface.style.z_sign if surface.values is None else ""
    return "_".join(part for part in (names.file_stem(surface.name), safe, sign) if part) + f".{format}"
