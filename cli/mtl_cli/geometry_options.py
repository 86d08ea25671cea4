"""Options that give a volume a geometry: that of another file, or its parts one by one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mtlcore.io.volume import Axis, Geometry, Volume

Pair = tuple[float, float]


class Numbers(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic since click 8.4
    """Numbers with something between them, ``least`` to ``most`` of them: 1000:2, or 500000,6000000."""

    name = "numbers"

    def __init__(self, separator: str, least: int, most: int) -> None:
        self.separator, self.least, self.most = separator, least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            found = tuple(float(part) for part in value.split(self.separator))
        except ValueError:
            found = ()
        if not self.least <= len(found) <= self.most:
            count = str(self.most) if self.least == self.most else f"{self.least} to {self.most}"
            self.fail(f"'{value}' is not {count} numbers separated by '{self.separator}'.", param, ctx)
        return found


class Interval(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A sample interval, with or without its unit: 4, 4ms, 12.5m, 10ft."""

    name = "interval"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"(\d*\.?\d+)\s*(ms|m|ft)?", value)
        if match is None or not float(match[1]) > 0:
            self.fail(f"'{value}' is not an interval: expected a number more than 0, with ms, m or ft.", param, ctx)
        return float(match[1]), match[2]


def geometry_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of ``Changes``, as click decorators."""
    for option in reversed(
        (
            click.option(
                "--like",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="Take the geometry and headers of this file. Default: of the input of the result folder of A.",
            ),
            click.option(
                "--interval", type=Interval(), help="Sample interval and unit of the vertical axis: 4ms, 12.5m."
            ),
            click.option("--start", type=float, metavar="NUMBER", help="Time or depth of the first sample."),
            click.option("--inlines", type=Numbers(":", 1, 2), metavar="FIRST[:STEP]", help="Inline numbers."),
            click.option(
                "--crosslines",
                type=Numbers(":", 1, 2),
                metavar="FIRST[:STEP]",
                help="Crossline (of a line: CDP) numbers.",
            ),
            click.option(
                "--origin",
                type=Numbers(",", 2, 2),
                metavar="X,Y",
                help="Coordinates of the first inline and crossline.",
            ),
            click.option(
                "--inline-step",
                type=Numbers(",", 2, 2),
                metavar="DX,DY",
                help="From one inline to the next on the map.",
            ),
            click.option(
                "--crossline-step",
                type=Numbers(",", 2, 2),
                metavar="DX,DY",
                help="From one crossline (or CDP) to the next on the map.",
            ),
        )
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class Changes:
    """What the options say; None: as it is."""

    like: Path | None = None
    interval: tuple[float, str | None] | None = None
    start: float | None = None
    inlines: tuple[float, ...] | None = None
    crosslines: tuple[float, ...] | None = None
    origin: Pair | None = None
    inline_step: Pair | None = None
    crossline_step: Pair | None = None

    def applied(self, geometry: Geometry) -> Geometry:
        """A geometry with these parts; OptionError where they do not go together."""
        from mtlcore.errors import OptionError

        if self.inlines is not None and len(geometry.axes) == 2:
            raise OptionError("--inlines is for volumes: a 2D line has --crosslines alone.")
        vertical, *lines = geometry.axes
        axes = (self._vertical(vertical), *self._lines(lines))
        changed = geometry.like(axes=axes, coordinates=self._coordinates(geometry, axes))
        # Headers that say something else are not to be copied.
        return changed if changed.axes == geometry.axes and not self.origin else _without_source(changed)

    def _vertical(self, axis: Axis) -> Axis:
        step, unit = self.interval or (axis.step, None)
        unit = unit or (axis.unit if axis.unit != "sample" or self.interval is None else "ms")
        name = {"ms": "time", "m": "depth", "ft": "depth"}.get(unit, axis.name)
        return replace(axis, name=name, step=step, unit=unit, origin=axis.origin if self.start is None else self.start)

    def _lines(self, lines: list[Axis]) -> list[Axis]:
        given = (self.inlines, self.crosslines) if len(lines) == 2 else (self.crosslines,)
        return [
            axis if numbers is None else replace(axis, origin=numbers[0], step=(*numbers, 1.0)[1], unit="line")
            for axis, numbers in zip(lines, given, strict=True)
        ]

    def _coordinates(self, geometry: Geometry, axes: tuple[Axis, ...]) -> Any:
        """The matrix from line numbers to X and Y."""
        from mtlcore.errors import OptionError

        steps = (self.inline_step, self.crossline_step) if len(axes) == 3 else (self.crossline_step,)
        if self.origin is None:
            if any(step is not None for step in (self.inline_step, self.crossline_step)):
                raise OptionError("--inline-step and --crossline-step need --origin X,Y.")
            # Line numbers that were changed no longer lead to the same places.
            return geometry.coordinates if axes[1:] == geometry.axes[1:] else None
        if any(step is None for step in steps):
            missing = "--inline-step and --crossline-step" if len(axes) == 3 else "--crossline-step"
            raise OptionError(f"--origin needs {missing}: the way from one line to the next on the map, as DX,DY.")
        rows = []
        for k in (0, 1):
            slopes = [step[k] / axis.step for step, axis in zip(steps, axes[1:], strict=True) if step is not None]
            base = self.origin[k] - sum(slope * axis.origin for slope, axis in zip(slopes, axes[1:], strict=True))
            rows.append((base, *slopes, 0.0)[:3])
        return tuple(rows)


def _without_source(geometry: Geometry) -> Geometry:
    kept = {name: value for name, value in geometry.attributes.items() if name != "segy"}
    return geometry.like(source=None, attributes=kept)


def taken_from(other: Volume, shape: tuple[int, ...], path: Path) -> Geometry:
    """The geometry of another file for a volume of a shape; MtlError where that does not fit."""
    from mtlcore.errors import MtlError
    from mtlcore.io.files import shape_text

    if other.shape != shape:
        raise MtlError(
            f"{path} has {shape_text(other.shape)} samples and the volume to convert {shape_text(shape)}: "
            "expected the same for --like."
        )
    return other.geometry
