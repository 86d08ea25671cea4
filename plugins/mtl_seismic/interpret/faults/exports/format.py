"""What the formats share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.survey import Sign, Survey
from mtlcore.io.atomic import atomic_path


@dataclass(frozen=True)
class Export(ABC):
    """A file format for faults. ``z_sign``: the direction in which written Z grows."""

    name: ClassVar[str]
    ndims: ClassVar[tuple[int, ...]] = (2, 3)
    z_sign: Sign = "down"

    @abstractmethod
    def write(self, path: Path, faults: Sequence[FaultSurface], survey: Survey) -> None:
        """Write all faults to one file, which appears whole or not at all."""

    def file_name(self, survey: Survey) -> str:
        """faults_UNIT_SIGN.FORMAT: most of the formats say neither unit nor sign."""
        return f"faults_{survey.file_unit()}_{self.z_sign}.{self.name}"


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """An ASCII file, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
