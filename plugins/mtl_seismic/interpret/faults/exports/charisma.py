"""Charisma fault sticks: keyword, inline, crossline, X, Y, Z, fault name, stick number.

Eight columns apart by blanks, no header. Order and count are known from one reader
(gazprom-neft/seismiqb, src/fault.py), which takes any keyword; the keyword itself is from memory. Line numbers
are the nearest whole ones unless ``line_decimals`` says otherwise; X and Y are exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mtl_seismic.interpret.faults.exports.format import Export, write_lines
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.survey import Survey
from mtl_seismic.interpret.names import one_word


@dataclass(frozen=True)
class Charisma(Export):
    """``keyword``: of sticks on inlines (and all others unless ``crossline_keyword`` is given).
    ``stick_numbers``: the last column; without it readers form sticks from equal inlines."""

    name: ClassVar[str] = "charisma"
    ndims: ClassVar[tuple[int, ...]] = (3,)
    keyword: str = "INLINE-"
    crossline_keyword: str = ""
    line_decimals: int = 0
    stick_numbers: bool = True

    def write(self, path: Path, faults: Sequence[FaultSurface], survey: Survey) -> None:
        write_lines(path, self.lines(faults, survey))

    def lines(self, faults: Sequence[FaultSurface], survey: Survey) -> Iterator[str]:
        places = self.line_decimals
        for fault in faults:
            for number, stick in enumerate(fault.sticks, 1):
                keyword = self.crossline_keyword if stick.axis == 2 and self.crossline_keyword else self.keyword
                end = f" {one_word(fault.name)}" + (f" {number:4d}" if self.stick_numbers else "")
                lines, positions = survey.numbers(stick.nodes), survey.xyz(stick.nodes, self.z_sign)
                for (inline, crossline), (x, y, z) in zip(lines.tolist(), positions.tolist(), strict=True):
                    numbers = f"{inline:8.{places}f} {crossline:8.{places}f}"
                    yield f"{keyword:<7} {numbers} {x:14.2f} {y:14.2f} {z:10.3f}{end}"
