"""What each program gets, and how it is loaded there."""

from __future__ import annotations

from dataclasses import dataclass

from mtl_seismic.interpret.horizons.exports.surface import Style


@dataclass(frozen=True)
class Program:
    """``horizons_3d`` and so on: names of formats. ``steps``: of the import, for people."""

    title: str
    horizons_3d: tuple[str, ...]
    horizons_2d: tuple[str, ...]
    faults_3d: str
    faults_2d: str
    style: Style
    steps: str


PROGRAMS = {
    "petrel": Program(
        "Petrel",
        ("charisma", "zmap"),
        ("iesx",),
        "charisma",
        "iesx",
        Style(),
        "Horizons: import *.charisma as Charisma 3D interpretation lines (on a 2D line *.iesx as IESX), and\n"
        "*.zmap as ZMAP+ grids. Faults: import as Charisma fault sticks (on a 2D line as IESX).\n"
        "Petrel's elevations are negative below the datum: choose to negate Z.",
    ),
    "kingdom": Program(
        "Kingdom",
        ("xyz", "zmap"),
        ("xyz",),
        "charisma",
        "iesx",
        Style(columns=("inline", "crossline", "x", "y", "z"), header=False),
        "Horizons: import *.xyz as a text file with the columns inline, crossline, X, Y, Z (on a 2D line trace,\n"
        "X, Y, Z), and *.zmap as ZMAP+ grids. Faults: import as Charisma fault sticks (on a 2D line as IESX).",
    ),
    "opendtect": Program(
        "OpendTect",
        ("xyz",),
        ("xyz",),
        "opendtect",
        "opendtect",
        Style(),
        "Horizons: Survey - Import - Horizon - Ascii - Geometry 3D; the header of two lines names the columns.\n"
        "Faults: Survey - Import - FaultSet - Ascii; the columns are name, X, Y, Z, stick, node.",
    ),
}
