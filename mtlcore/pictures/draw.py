"""Pictures of results: one panel for the image and one for every output, drawn as its Display says.

matplotlib is an extra, imported only where something is drawn. Figures are made without pyplot: they need no
display, and several threads may draw at once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path
from mtlcore.io.volume import Axis, Geometry
from mtlcore.pictures.layout import DPI, LEFT, Grid, choose_grid, fit
from mtlcore.pictures.panels import Section, draw_panel
from mtlcore.plugin.outputs import IMAGE, Output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]
Index = tuple[int | slice, ...]


def available() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def section_windows(shape: Sequence[int]) -> list[tuple[str, Index]]:
    """Name and index of every section that ``draw_all`` draws: the whole in 2D, the three central ones in 3D."""
    if len(shape) == 2:
        return [("section", (slice(None), slice(None)))]
    depth, inline, crossline = (size // 2 for size in shape)
    return [
        (f"inline_{inline}", (slice(None), inline, slice(None))),
        (f"crossline_{crossline}", (slice(None), slice(None), crossline)),
        (f"depth_{depth}", (depth, slice(None), slice(None))),
    ]


def draw_all(
    folder: Path,
    image: Array,
    fields: Mapping[str, Array],
    outputs: Sequence[Output],
    geometry: Geometry | None = None,
    title: str = "",
) -> list[Path]:
    """Draw every section of a result into a folder; the files that were written.

    ``section.png`` in 2D; ``inline_I.png``, ``crossline_I.png`` and ``depth_I.png`` in 3D, where I is the
    index of the middle. ``image`` and ``fields``: depth first, all of one shape, free of NaN; of memory maps
    only the sections are read. MtlError where matplotlib is missing.
    """
    geometry = geometry or Geometry.of_shape(tuple(image.shape))
    written = []
    for name, index in section_windows(image.shape):
        axes = [axis for axis, at in zip(geometry.axes, index, strict=True) if isinstance(at, slice)]
        path = Path(folder) / f"{name}.png"
        draw_section(
            path,
            image[index],
            {name: values[index] for name, values in fields.items()},
            outputs,
            title="  ·  ".join(part for part in (title, _position(geometry, index)) if part),
            axes=(axes[0], axes[1]),
            map_view=not isinstance(index[0], slice),
        )
        written.append(path)
    return written


def draw_section(
    path: Path,
    image: Array,
    fields: Mapping[str, Array],
    outputs: Sequence[Output],
    title: str = "",
    axes: tuple[Axis, Axis] | None = None,
    map_view: bool = False,
) -> None:
    """Draw a section as one PNG that appears whole or not at all (see section_figure).

    The same arrays give the same bytes.
    """
    save(section_figure(image, fields, outputs, title, axes, map_view), Path(path))


def section_figure(
    image: Array,
    fields: Mapping[str, Array],
    outputs: Sequence[Output],
    title: str = "",
    axes: tuple[Axis, Axis] | None = None,
    map_view: bool = False,
) -> Figure:
    """A section, 2D arrays with depth first, as a matplotlib figure.

    Outputs without a field are left out; a field that only serves as another's mask needs no output.
    ``axes``: the vertical and the horizontal one. ``map_view``: the first axis points up, as on a map.
    MtlError where matplotlib or a colour map is missing.
    """
    if not available():
        raise MtlError('Drawing pictures needs matplotlib, which is not installed: pip install "mtlcore[plot]".')
    shown = _shown(outputs, fields)
    for name, values in fields.items():
        if values.shape != image.shape or image.ndim != 2:
            raise ValueError(f"field '{name}' of shape {values.shape} does not fit a section of shape {image.shape}")
    grid = choose_grid(1 + len(shown), (image.shape[0], image.shape[1]), bool(title))
    section = Section.of(image, axes or _plain_axes(image.shape), grid, map_view)
    figure = _empty_figure(grid, title)
    for panel, output in enumerate([IMAGE, *shown]):
        values = image if output is IMAGE else fields[output.name]
        mask = fields.get(output.display.mask) if output.display.mask else None
        draw_panel(figure, grid, panel, section, output, values, mask)
    return figure


def _shown(outputs: Sequence[Output], fields: Mapping[str, Array]) -> list[Output]:
    return [output for output in outputs if output.name in fields and output.name != IMAGE.name]


def _plain_axes(shape: tuple[int, ...]) -> tuple[Axis, Axis]:
    depth, x = Geometry.of_shape(shape).axes
    return depth, x


def _position(geometry: Geometry, index: Index) -> str:
    """Where a section of a volume lies: 'Inline 1064'; empty for the whole of a 2D one."""
    for axis, at in zip(geometry.axes, index, strict=True):
        if not isinstance(at, slice):
            unit = "" if axis.unit in ("1", "sample") else f" {axis.unit}"
            return f"{axis.name.capitalize()} {axis.origin + at * axis.step:g}{unit}"
    return ""


def _empty_figure(grid: Grid, title: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(grid.width, grid.height), dpi=DPI, facecolor="white")
    if title:
        left, top = grid.title_at
        # A dollar sign in a file name is no formula.
        title = fit(title, grid.width - 2 * LEFT, 12)
        figure.text(left, top, title, size=11, weight="bold", va="top", parse_math=False)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        # matplotlib's version in the file would make equal pictures differ; level 3 is twice as fast as 6.
        canvas.print_png(file, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
