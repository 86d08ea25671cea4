"""One panel of a picture: an output drawn as its Display says, with axes, title and colour bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError, suggestion
from mtlcore.interfaces import IMAGE, Output
from mtlcore.picture_layout import BAR, BAR_GAP, BAR_NUMBERS, Array, Grid, reduce_to
from mtlcore.volume import Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Limits = tuple[float, float]

INK, FAINT = "#222222", "#777777"
TITLE_SIZE, LABEL_SIZE, TICK_SIZE, NOTE_SIZE = 9.5, 8.5, 7.5, 7.5
BACKGROUND = 0.6
"""Opacity of the image where something lies over it."""
LINES = 25
"""Contours at most."""


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
        return cls(reduce_to(image, factors), _amplitude_limits(image), axes, factors, map_view)

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
    colours = _colour_map(output)
    kind = output.display.kind
    guide = None if kind != "overlay" else values if mask is None else mask
    reduced = reduce_to(values, section.factors, guide)
    limits = _limits(output, section, reduced)
    note = output.unit if output.amplitude else ""
    if kind == "image":
        _draw_image(axes, section, reduced, limits, colours)
    else:
        _draw_image(axes, section, section.image, section.limits, _colour_map(IMAGE), BACKGROUND)
    if kind == "contours":
        note = _draw_contours(axes, section, reduced, limits, colours)
    if kind == "overlay":
        opacity = _opacity(output, reduced, limits, None if mask is None else reduce_to(mask, section.factors, mask))
        _draw_colours(axes, section, _coloured(reduced, opacity, limits, colours))
    _finish_axes(axes, grid, panel, section)
    _write_title(axes, grid, output, note)
    _draw_bar(figure.add_axes(grid.bar_box(panel)), grid, output, limits, colours, mask is None)


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


def _draw_contours(axes: Axes, section: Section, values: Array, limits: Limits, colours: Colormap) -> str:
    """Lines of equal value; a note on their spacing."""
    from matplotlib.ticker import MaxNLocator

    lowest, highest = max(float(values.min()), limits[0]), min(float(values.max()), limits[1])
    if min(values.shape) < 2 or not highest > lowest:
        return "constant"
    ticks = MaxNLocator(LINES, steps=[1, 2, 2.5, 4, 5, 10]).tick_values(lowest, highest)
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


def _opacity(output: Output, values: Array, limits: Limits, mask: Array | None) -> Array:
    """How much an overlay covers the image, sample by sample."""
    if mask is not None:
        return np.asarray(mask > 0.5, dtype=np.float32)
    if output.display.mask is not None:
        return np.full_like(values, BACKGROUND)  # its mask is not there: it may mean something anywhere
    return _scaled(values, limits)


def _coloured(values: Array, opacity: Array, limits: Limits, colours: Colormap) -> Array:
    rgba = np.asarray(colours(_scaled(values, limits)), dtype=np.float32)
    rgba[..., 3] = opacity
    return rgba


def _scaled(values: Array, limits: Limits) -> Array:
    """0..1 between the limits."""
    return np.asarray(np.clip((values - limits[0]) / (limits[1] - limits[0]), 0, 1), dtype=np.float32)


def _finish_axes(axes: Axes, grid: Grid, panel: int, section: Section) -> None:
    left, right, bottom, top = section.extent
    axes.set(xlim=(left, right), ylim=(bottom, top))
    vertical, horizontal = section.axes
    _mark(axes.xaxis, horizontal, grid.panel_width, grid.is_lowest(panel))
    _mark(axes.yaxis, vertical, grid.panel_height, grid.is_left(panel))
    axes.tick_params(labelsize=TICK_SIZE, length=2.5, width=0.6, pad=2, color=FAINT, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color=FAINT)


def _mark(axis: Any, meaning: Axis, length: float, labelled: bool) -> None:
    """Ticks of one axis, with numbers and a name where nothing else in its row or column has them."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    whole = float(meaning.origin).is_integer() and float(meaning.step).is_integer()
    axis.set_major_locator(MaxNLocator(min(max(round(length / 0.6), 2), 8), steps=[1, 2, 2.5, 5, 10], integer=whole))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
    if not labelled:
        axis.set_tick_params(labelleft=False, labelbottom=False)
        return
    unit = {"1": "", "": "", "sample": " (samples)"}.get(meaning.unit, f" ({meaning.unit})")
    axis.set_label_text(meaning.name.capitalize() + unit, fontsize=LABEL_SIZE, color=INK)
    axis.labelpad = 3


def _write_title(axes: Axes, grid: Grid, output: Output, note: str) -> None:
    """What is drawn on the left, a note on it over the colour bar's end."""
    space = grid.cell_width - (len(note) + 2) * NOTE_SIZE * 0.0076
    style: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
    title = _short(_title(output), int(space / (TITLE_SIZE * 0.0079)))
    axes.annotate(title, (0, 1), (0, 4), size=TITLE_SIZE, color=INK, parse_math=False, **style)
    end = (BAR_GAP + BAR + BAR_NUMBERS) * 72
    axes.annotate(note, (1, 1), (end, 4), size=NOTE_SIZE, color=FAINT, ha="right", parse_math=False, **style)


def _title(output: Output) -> str:
    """The description up to its first comma, without an article."""
    text = output.description.split(",")[0].strip().removeprefix("the ") or output.name.replace("_", " ")
    return text[:1].upper() + text[1:]


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(length - 1, 1)].rstrip() + "…"


def _draw_bar(axes: Axes, grid: Grid, output: Output, limits: Limits, colours: Colormap, unmasked: bool) -> None:
    values = np.linspace(*limits, 256, dtype=np.float32)[:, None]
    faded = output.display.kind == "overlay" and unmasked
    opacity = _opacity(output, values, limits, None) if faded else np.ones_like(values)
    axes.imshow(
        _coloured(values, opacity, limits, colours),
        extent=(0, 1, *limits),
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
    )
    axes.set(xticks=[], yticks=_bar_ticks(output, limits, grid.panel_height))
    degrees = "°" if output.unit == "degree" else ""
    axes.set_yticklabels([_number(tick) + degrees for tick in axes.get_yticks()])
    axes.yaxis.tick_right()
    axes.tick_params(labelsize=TICK_SIZE, length=2, width=0.6, pad=2, color=FAINT, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color=FAINT)


def _bar_ticks(output: Output, limits: Limits, height: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    if output.merge == "axial":
        return [float(tick) for tick in np.linspace(*limits, 5)]
    ticks = MaxNLocator(max(2, min(5, round(height / 0.4))), steps=[1, 2, 2.5, 5, 10]).tick_values(*limits)
    margin = 1e-6 * (limits[1] - limits[0])
    return [float(tick) for tick in ticks if limits[0] - margin <= tick <= limits[1] + margin]


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _amplitude_limits(image: NDArray[Any]) -> Limits:
    """Symmetric about 0; one sample in 200 is beyond. Of a large image every few samples are looked at."""
    step = max(1, round((image.size / 1e6) ** 0.5))
    top = float(np.percentile(np.abs(image[::step, ::step].astype(np.float32)), 99.5))
    return (-top, top) if top > 0 else (-1.0, 1.0)


def _limits(output: Output, section: Section, values: Array) -> Limits:
    """The output's own limits, else the image's for amplitudes, else its range, else what there is."""
    if output.display.limits is not None:
        return output.display.limits
    if output.amplitude:
        return section.limits
    if output.range is not None:
        return output.range
    lowest, highest = float(values.min()), float(values.max())
    return (lowest, highest) if highest > lowest else (lowest - 0.5, highest + 0.5)


def _colour_map(output: Output) -> Colormap:
    from matplotlib import colormaps

    name = output.display.colormap
    if name not in colormaps:
        raise MtlError(
            f"Output '{output.name}' asks for the colour map '{name}', which matplotlib does not have. "
            f"{suggestion(name, list(colormaps))}Change its Display."
        )
    return colormaps[name]
