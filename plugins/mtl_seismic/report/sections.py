"""Pictures of sections, embedded in the page."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.report.markup import Html, element
from mtl_seismic.report.opened import OpenResult, title_of
from mtl_seismic.report.residual import local_similarity
from mtlcore.io.volume import Axis, Volume, Window
from mtlcore.pictures import draw as pictures
from mtlcore.plugin.outputs import Display, Output

Array = NDArray[np.float32]
RESIDUAL = Output("residual", "residual, input less output", amplitude=True, unit="amplitude")
SIMILARITY = Output(
    "similarity",
    "local similarity of residual and output",
    range=(-1.0, 1.0),
    display=Display("image", "RdBu_r", (-1.0, 1.0)),
)


@dataclass(frozen=True)
class Section:
    """One section of a result. ``name``: of its picture; ``title``: where it lies; ``map_view``: it is level."""

    name: str
    title: str
    window: Window
    axes: tuple[Axis, Axis]
    map_view: bool

    def read(self, volume: Volume) -> Array:
        """The section's samples, 0 where they are not finite."""
        values = volume.read(self.window).reshape(tuple(axis.size for axis in self.axes))
        return np.asarray(np.nan_to_num(values, posinf=0.0, neginf=0.0))


def sections(result: OpenResult) -> Iterator[Section]:
    """Those that mtl run draws: the whole in 2D, the three central ones in 3D."""
    axes = result.geometry.axes
    for name, index in pictures.section_windows(result.image.shape):
        window = tuple(at if isinstance(at, slice) else slice(at, at + 1) for at in index)
        window = tuple(slice(*at.indices(axis.size)) for at, axis in zip(window, axes, strict=True))
        kept = [axis for axis, at in zip(axes, index, strict=True) if isinstance(at, slice)]
        title = "".join(_place(axis, at) for axis, at in zip(axes, index, strict=True) if not isinstance(at, slice))
        yield Section(name, title or "Section", window, (kept[0], kept[1]), not isinstance(index[0], slice))


def fields_picture(result: OpenResult, section: Section) -> Html:
    """The image and all fields; the picture that the run has drawn, if it is there."""
    drawn = result.folder / f"{section.name}.png"
    if drawn.name in result.record.get("pictures", []) and drawn.is_file():
        return embed(drawn.read_bytes(), f"{section.title}: the image and every output")
    fields = {name: section.read(volume) for name, volume in result.fields.items()}
    return _draw(result, section, fields, list(result.outputs.values()), "the image and every output")


def residual_picture(result: OpenResult, section: Section, name: str) -> Html:
    """The image, the image less an output, and where the two look alike."""
    output = section.read(result.fields[name])
    image = section.read(result.image)
    # Dead traces are 0 in the output.
    residual = np.where(_dead(result, section), 0, image - output).astype(np.float32)
    fields = {"residual": residual, "similarity": local_similarity(residual, output)}
    return _draw(result, section, fields, [RESIDUAL, SIMILARITY], f"residual of {title_of(result.outputs[name])}")


def embed(png: bytes, alternative: str) -> Html:
    """A PNG as an <img> that holds it."""
    return element("img", src=f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}", alt=alternative)


def _draw(result: OpenResult, section: Section, fields: dict[str, Array], outputs: list[Output], what: str) -> Html:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "section.png"
        image = section.read(result.image)
        pictures.draw_section(path, image, fields, outputs, axes=section.axes, map_view=section.map_view)
        return embed(path.read_bytes(), f"{section.title}: {what}")


def _dead(result: OpenResult, section: Section) -> NDArray[np.bool_]:
    live = result.geometry.live
    shape = tuple(axis.size for axis in section.axes)
    if live is None:
        return np.zeros(shape, dtype=bool)
    chosen = ~live[section.window[1:]]
    return np.broadcast_to(chosen.reshape(shape) if section.map_view else chosen.reshape(1, -1), shape)


def _place(axis: Axis, at: int) -> str:
    unit = "" if axis.unit in ("1", "", "sample") else f" {axis.unit}"
    return f"{axis.name.capitalize()} {axis.origin + at * axis.step:g}{unit}"
