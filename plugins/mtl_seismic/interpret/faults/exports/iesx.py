"""IESX / GeoFrame fault cards, each fault with its own PROFILE line and EOD.

Columns (from 1): X 1-16, Y 17-32, stick 33-35, constant 14 36-38, Z 39-47; known from one source
(help.dugeo.com) that agrees with the horizon card. ``type`` 2 for faults, the constant and the card's name are
from memory. E16.8 leaves 0.01 m of a Y of millions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mtl_seismic.interpret.faults.exports.format import Export, write_lines
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.survey import Survey
from mtl_seismic.interpret.horizons.exports.iesx import check_name
from mtl_seismic.interpret.horizons.mapping import map_unit
from mtl_seismic.interpret.names import ascii_name
from mtlcore.errors import MtlError

MOST_STICKS = 999
LARGEST_Z = 99999.0


@dataclass(frozen=True)
class Iesx(Export):
    """``type``, ``constant``, ``card``: what differs from horizon files; ``card`` "" is that of 2D or 3D,
    ``xy_unit`` "" that of the survey."""

    name: ClassVar[str] = "iesx"
    type: int = 2
    constant: int = 14
    card: str = ""
    xy_unit: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.type <= 9:
            raise ValueError(f"type is {self.type}: expected one digit")
        if not 0 <= self.constant <= 99:
            raise ValueError(f"constant is {self.constant}: expected at most two digits")

    def write(self, path: Path, faults: Sequence[FaultSurface], survey: Survey) -> None:
        write_lines(path, self.lines(faults, survey))

    def lines(self, faults: Sequence[FaultSurface], survey: Survey) -> Iterator[str]:
        kind, card = ("5", "2d_ci7m_gf.ifdf") if survey.ndim == 2 else ("4", "3d_ci7m.ifdf")
        for fault in faults:
            if len(fault.sticks) > MOST_STICKS:
                raise MtlError(
                    f"{fault.name} has {len(fault.sticks)} sticks, but iesx has three columns for their number: "
                    "give a larger --spacing."
                )
            check_name(fault.name)
            start = f"PROFILE {ascii_name(fault.name):<16}TYPE {self.type}  {kind}"
            unit = self.xy_unit or map_unit(survey.geometry)
            yield f"{start}{'':46}{self.card or card}     {unit} {survey.depth_unit}"
            yield "SNAPPING PARAMETERS 5     0 1"
            for number, stick in enumerate(fault.sticks, 1):
                for x, y, z in survey.xyz(stick.nodes, self.z_sign).tolist():
                    if abs(z) > LARGEST_Z:
                        raise MtlError(f"{fault.name} reaches Z {z:g}, but iesx has 9 columns for it: use opendtect.")
                    yield f"{x:16.8E}{y:16.8E}{number:3d}{self.constant:3d}{z:9.2f}"
            yield "EOD"
