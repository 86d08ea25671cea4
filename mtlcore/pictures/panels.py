"""One panel of a picture: an output drawn as its Display says, with axes, title and colour bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from mtlcore.io.volume import Axis
from mtlcore.pictures.colours import (
    BACKGROUND,
    FAINT,
    INK,
    Limits,
    amplitude_limits,
    colour_map,
    coloured,
    draw_bar,
    limits_of,
    number,
    opacity_of,
    style_frame,
)
from mtlcore.pictures.layout import BAR, BAR_GAP, BAR_NUMBERS, LETTER, Array, Grid, fit, reduce_to
from mtlcore.plugin.outputs import IMAGE, Output

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

TITLE_SIZE, SMALL_TITLE, LABEL_SIZE, NOTE_SIZE = 9.5, 7.5, 8.5, 7.5
LINES, LINE_GAP = 25, 0.07
"""Contours at most, and the inches of a panel's height that each needs."""


@dataclass(frozen=True)
class Section:
    """What all panels share: the reduced image, its limits, and where the samples lie."""

    image: Array
    limits: Limits
    axes: tuple[Axis, Axis]
    factors: tuple[int, int]
    map_view: bool

    @classmethod
    def of(cls, image: NDArray[Any], axes: tuple[Axis, Axis], grid: Grid, map_view: bool) -> Self:
        rows, columns = grid.pixels
        factors = -(-image.shape[0] // rows), -(-image.shape[1] // columns)
        return cls(reduce_to(image, factors), amplitude_limits(image), axes, factors, map_view)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top, half a sample beyond the outermost ones."""
        ends = []
        for axis, factor, size in zip(self.axes, self.factors, self.image.shape, strict=True):
            start = axis.origin - axis.step / 2
            ends.append((start, start + axis.step * factor * size))
        vertical, horizontal = ends
        return *horizontal, *(vertical if self.map_view else vertical[::-1])

    def positions(self, number: int) -> Array:
        """Coordinates of the reduced samples along an axis."""
        axis, factor, size = self.axes[number], self.factors[number], self.image.shape[number]
        return np.asarray(axis.origin + axis.step * (factor * np.arange(size) + (factor - 1) / 2))


def draw_panel(
    figure: Figure,
    grid: Grid,
    panel: int,
    section: Section,
    output: Output,
    values: NDArray[Any],
    mask: NDArray[Any] | None,
) -> None:
    """Draw one output; ``values`` and ``mask`` are still of full size."""
    axes = figure.add_axes(grid.panel_box(panel))
    colours = colour_map(output)
    kind = output.display.kind
    guide = None if kind != "overlay" else values if mask is None else mask
    reduced = reduce_to(values, section.factors, guide)
    limits = limits_of(output, section.limits, reduced)
    note = output.unit if output.amplitude else ""
    if kind == "image":
        _draw_image(axes, section, reduced, limits, colours)
    else:
        _draw_image(axes, section, section.image, section.limits, colour_map(IMAGE), BACKGROUND)
    if kind == "contours":
        note = _draw_contours(axes, section, reduced, limits, colours, grid.panel_height)
    if kind == "overlay":
        opacity = opacity_of(output, reduced, limits, None if mask is None else reduce_to(mask, section.factors, mask))
        _draw_colours(axes, section, coloured(reduced, opacity, limits, colours))
    _finish_axes(axes, grid, panel, section)
    _write_title(axes, grid, output, note)
    draw_bar(figure.add_axes(grid.bar_box(panel)), grid.panel_height, output, limits, colours, mask is None)


def _draw_image(
    axes: Axes, section: Section, values: Array, limits: Limits, colours: Colormap, opacity: float = 1.0
) -> None:
    axes.imshow(
        values,
        cmap=colours,
        vmin=limits[0],
        vmax=limits[1],
        alpha=opacity,
        extent=section.extent,
        origin="lower" if section.map_view else "upper",
        aspect="auto",
        interpolation="bicubic",
    )


def _draw_colours(axes: Axes, section: Section, colours: Array) -> None:
    """Lay rows x columns x RGBA over the panel."""
    origin: Any = "lower" if section.map_view else "upper"
    # Neighbours' colours do not mix: angles of 1 and 179 degrees would give 90.
    axes.imshow(colours, extent=section.extent, origin=origin, aspect="auto", interpolation="nearest")


def _draw_contours(
    axes: Axes, section: Section, values: Array, limits: Limits, colours: Colormap, height: float
) -> str:
    """Lines of equal value; a note on their spacing."""
    from matplotlib.ticker import MaxNLocator

    lowest, highest = max(float(values.min()), limits[0]), min(float(values.max()), limits[1])
    if min(values.shape) < 2 or not highest > lowest:
        return "constant"
    lines = min(LINES, max(5, round(height / LINE_GAP)))
    ticks = MaxNLocator(lines, steps=[1, 2, 2.5, 4, 5, 10]).tick_values(lowest, highest)
    levels = [level for level in ticks if lowest < level < highest]
    if not levels:
        return "constant"
    axes.contour(
        section.positions(1),
        section.positions(0),
        values,
        levels=levels,
        cmap=colours,
        vmin=limits[0],
        vmax=limits[1],
        linewidths=0.8,
    )
    return f"every {ticks[1] - ticks[0]:.3g}"


def _finish_axes(axes: Axes, grid: Grid, panel: int, section: Section) -> None:
    left, right, bottom, top = section.extent
    axes.set(xlim=(left, right), ylim=(bottom, top))
    vertical, horizontal = section.axes
    _mark(axes.xaxis, horizontal, grid.panel_width, grid.is_lowest(panel))
    _mark(axes.yaxis, vertical, grid.panel_height, grid.is_left(panel))
    style_frame(axes)


def _mark(axis: Any, meaning: Axis, length: float, labelled: bool) -> None:
    """Ticks of one axis, with numbers and a name where nothing else in its row or column has them."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    whole = float(meaning.origin).is_integer() and float(meaning.step).is_integer()
    axis.set_major_locator(MaxNLocator(min(max(round(length / 0.6), 2), 8), steps=[1, 2, 2.5, 5, 10], integer=whole))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 10)))
    if not labelled:
        axis.set_tick_params(labelleft=False, labelbottom=False)
        return
    unit = {"1": "", "": "", "sample": " (samples)"}.get(meaning.unit, f" ({meaning.unit})")
    axis.set_label_text(meaning.name.capitalize() + unit, fontsize=LABEL_SIZE, color=INK, parse_math=False)
    axis.labelpad = 3


def _write_title(axes: Axes, grid: Grid, output: Output, note: str) -> None:
    """What is drawn on the left, a note on it over the colour bar's end."""
    space = grid.cell_width - (len(note) + 2) * NOTE_SIZE * LETTER
    style: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
    title = _title(output)
    # In a narrow panel rather small than cut off.
    size = min(TITLE_SIZE, max(space / (len(title) * LETTER), SMALL_TITLE))
    axes.annotate(fit(title, space, size), (0, 1), (0, 4), size=size, color=INK, parse_math=False, **style)
    end = (BAR_GAP + BAR + BAR_NUMBERS) * 72
    axes.annotate(note, (1, 1), (end, 4), size=NOTE_SIZE, color=FAINT, ha="right", parse_math=False, **style)


def _title(output: Output) -> str:
    """The description up to its first comma, without an article."""
    text = output.description.split(",")[0].strip().removeprefix("the ") or output.name.replace("_", " ")
    return text[:1].upper() + text[1:]
