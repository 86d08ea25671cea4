"""A horizon with all that the file formats need of it, and what users may choose about the files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.horizons.extraction import Horizon
from mtl_seismic.interpret.horizons.mapping import line_numbers, map_positions
from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path
from mtlcore.io.volume import Geometry

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Style:
    """Choices of all formats.

    ``z_sign``: ``down`` writes depth or time positive downwards, ``up`` negative (some set-ups of Petrel).
    ``undefined``: the number for undefined nodes; None: point formats leave them out, and grids have their
    own null. ``columns`` and ``header``: of xyz; () for columns: the default ones. ``charisma_layout``:
    ``full`` has 9 columns, ``short`` is IL XL Z (one source); ``charisma_mark``: what stands in columns 2
    and 5, which readers skip (the colon is from memory). ``cps3_order``: the order of values, on which
    sources disagree (see cps3.py).
    """

    z_sign: Literal["down", "up"] = "down"
    undefined: float | None = None
    columns: tuple[str, ...] = ()
    header: bool = True
    charisma_layout: Literal["full", "short"] = "full"
    charisma_mark: str = ":"
    cps3_order: Literal["columns-down", "rows-up", "rows-down"] = "columns-down"


STYLE = Style()


@dataclass(frozen=True, eq=False)
class Surface:
    """A horizon in its survey; or a map on one, where there are ``values`` (over the horizontal axes) in some unit."""

    horizon: Horizon
    geometry: Geometry
    style: Style = STYLE
    values: Floats | None = None
    values_unit: str = ""

    @property
    def name(self) -> str:
        return self.horizon.name

    @property
    def is_line(self) -> bool:
        return len(self.geometry.axes) == 2

    @property
    def unit(self) -> str:
        return self.geometry.axes[0].unit if self.values is None else self.values_unit

    @cached_property
    def z(self) -> Floats:
        """Depth or time in the file's own unit with the sign asked for, over the horizontal axes; or the values."""
        if self.values is not None:
            return self.values
        axis = self.geometry.axes[0]
        z = axis.origin + axis.step * self.horizon.depth.astype(np.float64)
        return -z if self.style.z_sign == "up" else z

    def picks(self) -> dict[str, Floats]:
        """Columns of all picks that are to be written, sorted by inline, then crossline (2D: by position)."""
        keep = np.ones(self.z.shape, bool) if self.style.undefined is not None else np.isfinite(self.z)
        x, y = map_positions(self.geometry)
        arrays = {"x": x, "y": y, **self._lines(), "z": self.z, "sample": self.horizon.depth}
        arrays |= {"quality": self.horizon.quality, "rgt": np.full(x.shape, self.horizon.value)}
        columns = {name: np.asarray(values, dtype=np.float64)[keep] for name, values in arrays.items()}
        order = np.lexsort([columns[name] for name in reversed(list(self._lines()))])
        return {name: values[order] for name, values in columns.items()}

    def _lines(self) -> dict[str, Floats]:
        numbers = [line_numbers(axis) for axis in self.geometry.axes[1:]]
        names = ("trace",) if self.is_line else ("inline", "crossline")
        return dict(zip(names, np.meshgrid(*numbers, indexing="ij"), strict=True))


def whole(numbers: Floats, name: str, format: str, most: int) -> list[int]:
    """Line numbers as integers; MtlError where they are not, or have more digits than the format's columns."""
    rounded = np.rint(numbers)
    if np.abs(numbers - rounded).max(initial=0) > 1e-6:
        raise MtlError(f"{format} holds whole {name} numbers only, and this survey has others. Use xyz.")
    integers = [int(number) for number in rounded]
    if integers and max(len(str(min(integers))), len(str(max(integers)))) > most:
        raise MtlError(f"{format} has {most} columns for the {name} number, and this survey's are longer. Use xyz.")
    return integers


def need_volume(surface: Surface, format: str) -> None:
    """MtlError on a 2D line."""
    if surface.is_line:
        raise MtlError(f"The format {format} needs a 3D survey: for a 2D line use xyz, iesx or npy.")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """A text file, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
