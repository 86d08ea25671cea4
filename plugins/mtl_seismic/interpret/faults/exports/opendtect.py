"""OpendTect's ASCII of fault sets: "name", X, Y, Z, stick, node, apart by tabs; indices from 0.

As OpendTect exports several faults to one file and imports them (its src/EarthModel/emfault3d.cc and
src/uiEarthModel/uiexpfault.cc). In the import, choose the positions, Z unit and the columns accordingly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from mtl_seismic.interpret.faults.exports.format import Export, write_lines
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.survey import Survey
from mtl_seismic.interpret.names import ascii_name


@dataclass(frozen=True)
class OpendTect(Export):
    """``positions``: X and Y, or line numbers with decimals (3D). ``names``, ``node_numbers``: these columns.
    ``line_name``: the last column on 2D lines, "" for none."""

    name: ClassVar[str] = "opendtect"
    positions: Literal["xy", "lines"] = "xy"
    names: bool = True
    node_numbers: bool = True
    line_name: str = ""

    def write(self, path: Path, faults: Sequence[FaultSurface], survey: Survey) -> None:
        write_lines(path, self.lines(faults, survey))

    def lines(self, faults: Sequence[FaultSurface], survey: Survey) -> Iterator[str]:
        by_lines = self.positions == "lines" and survey.ndim == 3
        for fault in faults:
            for number, stick in enumerate(fault.sticks):
                places = survey.numbers(stick.nodes) if by_lines else survey.xy(stick.nodes)
                depths = survey.z(stick.nodes, self.z_sign)
                for node, ((a, b), z) in enumerate(zip(places.tolist(), depths.tolist(), strict=True)):
                    row = [f'"{ascii_name(fault.name)}"'] if self.names else []
                    row += [f"{a:.2f}", f"{b:.2f}", f"{z:.3f}", str(number)]
                    row += [str(node)] if self.node_numbers else []
                    row += [f'"{self.line_name}"'] if self.line_name and survey.ndim == 2 else []
                    yield "\t".join(row)
