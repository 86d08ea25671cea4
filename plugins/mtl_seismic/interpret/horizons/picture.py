"""A picture of horizons: over the section in 2D; over two sections, and as maps, in 3D."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.horizons.extraction import Horizon
from mtl_seismic.interpret.horizons.mapping import line_numbers
from mtlcore.io.atomic import atomic_path
from mtlcore.io.volume import Axis, Geometry, Volume
from mtlcore.pictures.colours import FAINT, INK, amplitude_limits, style_frame
from mtlcore.pictures.layout import reduce_to

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[Any]

PIXELS = 1600
"""Samples of a section along an edge at most."""
GOOD = 0.5
"""Picks of at least this quality are drawn strong."""
MOST_LABELS = 15


def draw(path: Path, image: Volume, horizons: list[Horizon], geometry: Geometry) -> Path:
    """Draw the horizons as one PNG; of a 3D image two sections are read. ``image``: a volume of their shape."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wide = len(geometry.axes) == 2
    figure = Figure(figsize=(12, 5.5) if wide else (12, 10), dpi=150, facecolor="white", layout="constrained")
    if wide:
        axes = figure.add_subplot()
        _section(axes, image, horizons, geometry, None, "Horizons")
    else:
        _volume(figure, image, horizons, geometry)
    canvas: Any = FigureCanvasAgg(figure)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        canvas.print_png(file, metadata={"Software": None})
    return path


def _volume(figure: Figure, image: Volume, horizons: list[Horizon], geometry: Geometry) -> None:
    """An inline, a crossline, and the depth and quality of the horizon that is defined on most traces."""
    grid = figure.subplots(2, 2)
    shown = max(horizons, key=lambda horizon: horizon.coverage)
    at = shown.seed[1:] if shown.seed else tuple((size - 1) / 2 for size in image.shape[1:])
    for axis, axes in zip((0, 1), grid[0], strict=True):
        lateral = geometry.axes[1 + axis]
        index = int(at[axis])
        title = f"{lateral.name.capitalize()} {lateral.origin + index * lateral.step:g}"
        _section(axes, image, horizons, geometry, (axis, index), title)
    depth = geometry.axes[0]
    unit = "samples" if depth.unit == "sample" else depth.unit
    z = depth.origin + depth.step * shown.depth
    _map(grid[1][0], z, geometry, f"{shown.name}: {depth.name} ({unit})", "viridis_r", None)
    _map(grid[1][1], shown.quality, geometry, f"{shown.name}: quality", "RdYlGn", (0.0, 1.0))


def _section(
    axes: Axes, image: Volume, horizons: list[Horizon], geometry: Geometry, at: tuple[int, int] | None, title: str
) -> None:
    """The image along one line, and the horizons on it; ``at``: horizontal axis and index, None in 2D."""
    lateral: list[Any] = [slice(None)] * (len(geometry.axes) - 1)
    along = geometry.axes[1]
    if at is not None:
        lateral[at[0]] = slice(at[1], at[1] + 1)
        along = geometry.axes[2 - at[0]]
    window = [slice(0, size) for size in image.shape]
    for axis, part in enumerate(lateral, 1):
        window[axis] = slice(0, image.shape[axis]) if part == slice(None) else part
    values = np.nan_to_num(image.read(tuple(window)), posinf=0, neginf=0).reshape(image.shape[0], -1)
    _image(axes, values, geometry.axes[0], along)
    for number, horizon in enumerate(horizons):
        parts = [part[tuple(lateral)].reshape(-1) for part in (horizon.depth, horizon.quality)]
        _line(axes, horizon, parts[0], parts[1], number, len(horizons), geometry.axes[0], along)
    axes.set_title(title, loc="left", size=10, color=INK, parse_math=False)
    style_frame(axes)


def _image(axes: Axes, values: Array, depth: Axis, along: Axis) -> None:
    factors = -(-values.shape[0] // PIXELS), -(-values.shape[1] // PIXELS)
    low, high = amplitude_limits(values)
    axes.imshow(
        reduce_to(values, factors),
        cmap="gray",
        vmin=low,
        vmax=high,
        extent=(*_ends(along), *_ends(depth)[::-1]),
        aspect="auto",
        interpolation="bilinear",
    )
    axes.set(xlabel=_label(along), ylabel=_label(depth))


def _line(
    axes: Axes, horizon: Horizon, depth: Array, quality: Array, number: int, count: int, vertical: Axis, along: Axis
) -> None:
    from matplotlib import colormaps

    colour = colormaps["turbo"](0.08 + 0.84 * number / max(count - 1, 1))
    positions = line_numbers(along)
    z = vertical.origin + vertical.step * depth
    axes.plot(positions, z, color=colour, linewidth=0.7, alpha=0.6)
    axes.plot(positions, np.where(quality >= GOOD, z, np.nan), color=colour, linewidth=1.6)
    defined = np.flatnonzero(np.isfinite(z))
    if not defined.size or count > MOST_LABELS:
        return
    last = int(defined[-1])
    # Beside the section where the horizon reaches its end, else on it.
    inside = last < len(z) - 1
    style: dict[str, Any] = {"bbox": {"facecolor": "white", "alpha": 0.7, "pad": 1, "linewidth": 0}} if inside else {}
    at, offset = (positions[last], z[last]), (3 if axes.get_xlim()[1] >= axes.get_xlim()[0] else -3, 0)
    style |= {"size": 7, "color": INK, "va": "center", "textcoords": "offset points", "parse_math": False}
    axes.annotate(horizon.name, at, offset, annotation_clip=False, **style)


def _map(
    axes: Axes, values: Array, geometry: Geometry, title: str, colours: str, limits: tuple[float, float] | None
) -> None:
    rows, columns = geometry.axes[1:]
    low, high = limits or (None, None)
    shown = axes.imshow(
        values,
        cmap=colours,
        vmin=low,
        vmax=high,
        extent=(*_ends(columns), *_ends(rows)),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    axes.set(xlabel=_label(columns), ylabel=_label(rows))
    axes.set_facecolor("#dddddd")
    axes.set_title(title, loc="left", size=10, color=INK, parse_math=False)
    bar = axes.figure.colorbar(shown, ax=axes, pad=0.01)
    bar.ax.tick_params(labelsize=7, color=FAINT)
    style_frame(axes)


def _ends(axis: Axis) -> tuple[float, float]:
    """Half a sample beyond the outermost ones."""
    return axis.origin - axis.step / 2, axis.origin + (axis.size - 0.5) * axis.step


def _label(axis: Axis) -> str:
    unit = {"1": "", "line": "", "sample": " (samples)"}.get(axis.unit, f" ({axis.unit})")
    return axis.name.capitalize() + unit
