"""A picture of faults: lines by number over a 2D section; by strike over two sections and a map in 3D."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import Floats
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.surface import slice_cells
from mtlcore.io.atomic import atomic_path
from mtlcore.io.volume import Axis, Geometry, Volume
from mtlcore.pictures.colours import FAINT, INK, amplitude_limits, style_frame
from mtlcore.pictures.layout import reduce_to

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PIXELS = 1600
"""Samples of a section along an edge at most."""
MOST_LABELS = 40
LEVELS = 6
HALO: dict[str, Any] = {"linewidths": 3.2, "colors": "white", "alpha": 0.55}


def draw(path: Path, image: Volume | None, faults: Sequence[FaultSurface], geometry: Geometry) -> Path:
    """Draw the faults as one PNG; of a 3D image three sections are read. ``image``: of their shape, or None."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    flat = len(geometry.axes) == 2
    figure = Figure(figsize=(12, 5.5) if flat else (12, 10), dpi=150, facecolor="white", layout="constrained")
    if flat:
        _line(figure.add_subplot(), image, faults, geometry)
    else:
        _volume(figure, image, faults, geometry)
    canvas: Any = FigureCanvasAgg(figure)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        canvas.print_png(file, metadata={"Software": None})
    return path


def _line(axes: Axes, image: Volume | None, faults: Sequence[FaultSurface], geometry: Geometry) -> None:
    _section(axes, image, geometry, None, f"{len(faults)} faults, coloured by number")
    colours = _by_number(len(faults))
    for fault, colour in zip(faults, colours, strict=True):
        ends = fault.points[fault.triangles]
        _draw_lines(axes, ends[..., 1], ends[..., 0], geometry.axes[1], geometry.axes[0], colour)
        if fault.id <= MOST_LABELS:
            top = fault.points[fault.points[:, 0].argmin()]
            _label_at(axes, fault, top[1], top[0], geometry.axes[1], geometry.axes[0])


def _volume(figure: Figure, image: Volume | None, faults: Sequence[FaultSurface], geometry: Geometry) -> None:
    """The middle inline, crossline and depth, and a map of all sticks."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    shades = ScalarMappable(Normalize(0, 180), "hsv")
    grid = figure.subplots(2, 2)
    for axes, axis in zip((grid[0][0], grid[0][1], grid[1][0]), (1, 2, 0), strict=True):
        across = geometry.axes[axis]
        index = across.size // 2
        title = f"{across.name.capitalize()} {across.origin + index * across.step:g}"
        _section(axes, image, geometry, (axis, index), title)
        _cuts(axes, faults, geometry, axis, index, shades)
    _map(grid[1][1], faults, geometry, shades)
    bar = figure.colorbar(shades, ax=grid, shrink=0.5, pad=0.01)
    bar.set_label("strike (degrees, from the crossline axis towards the inline axis)", size=8)
    bar.ax.tick_params(labelsize=7, color=FAINT)


def _cuts(axes: Axes, faults: Sequence[FaultSurface], geometry: Geometry, axis: int, index: int, shades: Any) -> None:
    """Where the faults meet a section."""
    vertical, along = (other for other in range(3) if other != axis)
    for fault in faults:
        ends, _ = slice_cells(fault.surface, fault.throw[:, None], axis, index)
        if not len(ends):
            continue
        placed = (geometry.axes[along], geometry.axes[vertical])
        _draw_lines(axes, ends[..., along], ends[..., vertical], *placed, shades.to_rgba(fault.strike))
        if fault.id <= MOST_LABELS:
            place = ends.reshape(-1, 3)[ends[..., vertical].argmin()]
            _label_at(axes, fault, place[along], place[vertical], *placed)


def _map(axes: Axes, faults: Sequence[FaultSurface], geometry: Geometry, shades: Any) -> None:
    """Traces of the faults at several depths, the deeper the thinner."""
    from matplotlib.collections import LineCollection

    depth, rows, columns = geometry.axes
    levels = np.linspace(0.5 / LEVELS, 1 - 0.5 / LEVELS, LEVELS) * depth.size
    for number, level in enumerate(levels):
        for fault in faults:
            ends, _ = slice_cells(fault.surface, fault.throw[:, None], 0, level)
            lines: Any = np.stack([_numbers(columns, ends[..., 2]), _numbers(rows, ends[..., 1])], -1)
            width = 2.4 - 2 * number / LEVELS
            collection = LineCollection(lines, linewidths=width, colors=[shades.to_rgba(fault.strike)])
            axes.add_collection(collection, autolim=False)
    axes.set(xlim=_ends(columns), ylim=_ends(rows), xlabel=_label(columns), ylabel=_label(rows))
    title = f"{len(faults)} faults at {LEVELS} depths, thinner downwards"
    axes.set_title(title, loc="left", size=10, color=INK)
    style_frame(axes)


def _section(axes: Axes, image: Volume | None, geometry: Geometry, at: tuple[int, int] | None, title: str) -> None:
    """The image along a section; ``at``: axis and index, None in 2D. A map's second axis points up."""
    kept = [axis for k, axis in enumerate(geometry.axes) if at is None or k != at[0]]
    vertical, along = kept
    if image is not None:
        window = [slice(0, size) for size in image.shape]
        if at is not None:
            window[at[0]] = slice(at[1], at[1] + 1)
        values = np.nan_to_num(image.read(tuple(window)), posinf=0, neginf=0).reshape(vertical.size, along.size)
        low, high = amplitude_limits(values)
        factors = -(-values.shape[0] // PIXELS), -(-values.shape[1] // PIXELS)
        axes.imshow(
            reduce_to(values, factors),
            cmap="gray",
            vmin=low,
            vmax=high,
            extent=(*_ends(along), *_ends(vertical)[::-1]),
            aspect="auto",
            interpolation="bilinear",
        )
    up = at is not None and at[0] == 0
    axes.set(xlim=_ends(along), ylim=_ends(vertical) if up else _ends(vertical)[::-1])
    axes.set(xlabel=_label(along), ylabel=_label(vertical))
    axes.set_title(title, loc="left", size=10, color=INK, parse_math=False)
    style_frame(axes)


def _draw_lines(axes: Axes, x: Floats, y: Floats, along: Axis, vertical: Axis, colour: Any) -> None:
    """Segments (S x 2), with a light rim that parts them from the image."""
    from matplotlib.collections import LineCollection

    segments: Any = np.stack([_numbers(along, x), _numbers(vertical, y)], -1)
    axes.add_collection(LineCollection(segments, capstyle="round", **HALO), autolim=False)
    axes.add_collection(LineCollection(segments, linewidths=1.7, colors=[colour], capstyle="round"), autolim=False)


def _label_at(axes: Axes, fault: FaultSurface, x: float, y: float, along: Axis, vertical: Axis) -> None:
    box: Any = {"boxstyle": "round,pad=0.12", "facecolor": "white", "alpha": 0.75, "linewidth": 0}
    place = (along.origin + along.step * x, vertical.origin + vertical.step * y)
    axes.annotate(str(fault.id), place, (2, -2), textcoords="offset points", size=6.5, va="top", bbox=box)


def _by_number(count: int) -> list[Any]:
    """Colours of which neighbours in the list differ."""
    from matplotlib import colormaps

    return [colormaps["tab10"](number % 10) for number in range(count)]


def _numbers(axis: Axis, positions: Floats) -> NDArray[np.float64]:
    numbers: Floats = axis.origin + axis.step * positions
    return numbers


def _ends(axis: Axis) -> tuple[float, float]:
    """Half a sample beyond the outermost ones."""
    return axis.origin - axis.step / 2, axis.origin + (axis.size - 0.5) * axis.step


def _label(axis: Axis) -> str:
    unit = {"1": "", "line": "", "sample": " (samples)"}.get(axis.unit, f" ({axis.unit})")
    return axis.name.capitalize() + unit
