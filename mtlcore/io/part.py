"""A part of a volume, named by positions on its axes: inlines, crosslines, depths or times in the file's numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mtlcore.errors import OptionError
from mtlcore.io.volume import Axis, Geometry, Volume, Window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Range = tuple[float | None, float | None]
"""First and last position, both included; None: as far as the volume reaches."""


@dataclass(frozen=True)
class Part:
    """``depths``, ``inlines``, ``crosslines``: ranges on the axes, in the order depth, second and third; of a 2D line
    ``inlines`` must stay empty, and ``crosslines`` are its traces. None: the whole axis."""

    depths: Range | None = None
    inlines: Range | None = None
    crosslines: Range | None = None

    @property
    def is_whole(self) -> bool:
        return self.depths is self.inlines is self.crosslines is None

    def of(self, volume: Volume) -> Volume:
        """The part of a volume; OptionError where nothing of it is left, or the axis does not exist."""
        return volume if self.is_whole else PartVolume(volume, self.window(volume.geometry))

    def window(self, geometry: Geometry) -> Window:
        """The samples of the part."""
        if len(geometry.axes) == 2:
            if self.inlines is not None:
                raise OptionError("--inlines selects from a 3D volume, but the image is 2D: use --crosslines.")
            ranges = [self.depths, self.crosslines]
            names = ["--depths", "--crosslines"]
        else:
            ranges = [self.depths, self.inlines, self.crosslines]
            names = ["--depths", "--inlines", "--crosslines"]
        return tuple(_samples(*item) for item in zip(names, geometry.axes, ranges, strict=True))


def parse_range(text: str) -> Range:
    """A:B, A: or :B as a range of positions; OptionError for anything else."""
    first, colon, last = text.partition(":")
    try:
        found = (float(first) if first else None, float(last) if last else None)
    except ValueError:
        found = (math.nan, math.nan)
    if not colon or any(value is not None and not math.isfinite(value) for value in found):
        raise OptionError(f"'{text}' is not a range: expected FIRST:LAST, as 1000:1200, in the file's numbers.")
    return found


def _samples(name: str, axis: Axis, part: Range | None) -> slice:
    if part is None:
        return slice(0, axis.size)
    ends = [axis.origin if part[0] is None else part[0], _last(axis) if part[1] is None else part[1]]
    indices = sorted((end - axis.origin) / axis.step for end in ends)
    start, stop = max(math.ceil(indices[0] - 1e-6), 0), min(math.floor(indices[1] + 1e-6) + 1, axis.size)
    if stop - start < 2:
        raise OptionError(
            f"{name} {_text(part[0])}:{_text(part[1])} leaves fewer than 2 samples: the {axis.name} axis goes from "
            f"{axis.origin:g} to {_last(axis):g} in steps of {axis.step:g}."
        )
    return slice(start, stop)


def _last(axis: Axis) -> float:
    return axis.origin + (axis.size - 1) * axis.step


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


class PartVolume(Volume):
    """A window of another volume, with its geometry: positions, coordinates and live traces stay those of the file."""

    def __init__(self, volume: Volume, window: Window) -> None:
        self._volume, self._window = volume, window
        self.geometry = part_of_geometry(volume.geometry, window)

    def read(self, window: Window) -> NDArray[np.float32]:
        inside = zip(window, self._window, strict=True)
        return self._volume.read(tuple(slice(own.start + at.start, own.stop + at.start) for own, at in inside))

    def close(self) -> None:
        self._volume.close()


def part_of_geometry(geometry: Geometry, window: Window) -> Geometry:
    """The geometry of a window of a volume."""
    axes = tuple(
        replace(axis, size=part.stop - part.start, origin=axis.origin + part.start * axis.step)
        for axis, part in zip(geometry.axes, window, strict=True)
    )
    live = None if geometry.live is None else geometry.live[window[1:]]
    attributes = geometry.attributes
    if len(axes) == 2:
        # What a 2D line has for each trace, as the points of its course.
        count, traces = geometry.shape[1], window[1]
        attributes = {
            name: value[traces] if isinstance(value, list) and len(value) == count else value
            for name, value in attributes.items()
        }
    return geometry.like(axes=axes, live=live, attributes=attributes)
