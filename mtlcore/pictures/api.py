"""Pictures from Python: plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlcore.errors import MtlError
from mtlcore.inference.kinds import plain_array
from mtlcore.io.volume import Geometry
from mtlcore.pictures import draw
from mtlcore.plugin.outputs import IMAGE, Display, Output
from mtlcore.plugin.plugins import current

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(
    fields: Mapping[str, Any],
    image: Any = None,
    *,
    axis: int | None = None,
    index: int | None = None,
    title: str = "",
    path: str | Path | None = None,
) -> Figure:
    """Draw fields as ``mtl run`` does: a panel for the image and one for each field.

    ``fields``: by name, as ``predict`` gives them, of any kind. ``image``: that they are of; without it the field "dhr"
    or another amplitude among them takes its place. In 3D the section ``index`` (the middle) of ``axis`` (1, the
    inlines; 0 is depth, 2 the crosslines). ``path``: also write a PNG. Returns the figure, which notebooks show.
    """
    arrays = {name: plain_array(values) for name, values in fields.items()}
    known = {output.name: output for output in current().outputs}
    outputs = [known.get(name) or _unknown(name) for name in arrays]
    background = plain_array(image) if image is not None else _background(arrays, known)
    window: list[Any] = [slice(None)] * background.ndim
    if background.ndim == 3:
        cut = 1 if axis is None else axis
        window[cut] = background.shape[cut] // 2 if index is None else index
    geometry = getattr(image, "geometry", None) or Geometry.of_shape(background.shape)
    axes = [found for found, at in zip(geometry.axes, window, strict=True) if isinstance(at, slice)]
    figure = draw.section_figure(
        background[tuple(window)],
        {name: values[tuple(window)] for name, values in arrays.items()},
        outputs,
        title,
        (axes[0], axes[1]),
        map_view=not isinstance(window[0], slice),
    )
    if path is not None:
        draw.save(figure, Path(path))
    return figure


def _background(arrays: Mapping[str, Any], known: Mapping[str, Output]) -> Any:
    for name, values in arrays.items():
        if name == IMAGE.name or (name in known and known[name].amplitude):
            return values
    raise MtlError(f"There is no image to draw {', '.join(arrays)} over: give plot(fields, image).")


def _unknown(name: str) -> Output:
    """A field that no installed task declares, as a spread: drawn as it is."""
    return replace(
        IMAGE, name=name, description=name.replace("_", " "), amplitude=False, display=Display("image", "viridis")
    )
