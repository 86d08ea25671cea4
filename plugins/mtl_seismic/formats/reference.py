"""Results under the names and in the units of the reference's programs (Gao 2024, doi 10.1093/gji/ggad424)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.raw import Raw
from mtlcore.io.volume import Geometry, Volume, Window, Writer
from mtlcore.plugin.interfaces import Format
from mtlcore.plugin.outputs import Output

Array = NDArray[np.float32]
UNITS = {".rgt": 1.0, ".dhr": 1.0, ".fsem": 1.0, ".fdip": 180.0, ".fstrike": 180.0}
"""By suffix, what 1 stands for: dip and strike are shares of 180 degrees."""


@dataclass(frozen=True)
class ReferenceResults(Format):
    """Files PREFIX.rgt, .dhr, .fsem, .fdip and .fstrike: raw little-endian float32, depth fastest.

    Dip and strike are shares of 180 degrees; unlike the reference's they are not multiplied by the probability. Outputs
    that the reference does not have keep their names and units. ``shape``: of files that are read and have no sidecar.
    """

    name: ClassVar[str] = "reference"
    suffixes: ClassVar[tuple[str, ...]] = tuple(UNITS)
    prefix: str = "out"
    shape: tuple[int, ...] | None = None

    def file_name(self, output: Output) -> str:
        return f"{self.prefix}.{output.alias or output.name}"

    def open(self, path: Path) -> Volume:
        return Scaled(Raw(shape=self.shape).open(path), UNITS.get(path.suffix, 1.0))

    def create(self, path: Path, geometry: Geometry, output: Output) -> AbstractContextManager[Writer]:
        return _scaling(Raw().create(path, geometry, output), output.alias_unit if output.alias else 1.0)


class Scaled(Volume):
    """A volume whose samples are multiplied by a factor."""

    def __init__(self, volume: Volume, factor: float) -> None:
        self.geometry = volume.geometry
        self._volume, self._factor = volume, np.float32(factor)

    def read(self, window: Window) -> Array:
        return self._volume.read(window) * self._factor

    def close(self) -> None:
        self._volume.close()


class ScaledWriter(Writer):
    """A writer of samples that are multiplied by a factor."""

    def __init__(self, writer: Writer, factor: float) -> None:
        self._writer, self._factor = writer, np.float32(factor)

    def write(self, window: Window, values: Array) -> None:
        self._writer.write(window, values * self._factor)


@contextmanager
def _scaling(opened: AbstractContextManager[Writer], factor: float) -> Iterator[Writer]:
    with opened as writer:
        yield ScaledWriter(writer, factor)
