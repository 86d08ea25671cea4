"""Pictures of a result, from the sections of its files alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.inference.dead_traces import fill_traces
from mtlcore.io.volume import Geometry, Volume
from mtlcore.pictures import draw
from mtlcore.plugin.outputs import Output

Array = NDArray[np.float32]


class Sections:
    """A volume that is indexed like an array by a few whole slices; only what they hold is read.

    ``missing``: dead traces to fill from live ones in vertical sections; None: leave the samples as they are.
    """

    def __init__(self, volume: Volume, missing: NDArray[np.bool_] | None = None) -> None:
        self._volume, self._missing = volume, missing
        self.shape = volume.shape

    def __getitem__(self, index: tuple[int | slice, ...]) -> Array:
        pairs = list(zip(index, self.shape, strict=True))
        window = tuple(slice(0, size) if isinstance(at, slice) else slice(at, at + 1) for at, size in pairs)
        values = self._volume.read(window)
        values = np.where(np.isfinite(values), values, np.float32(0))
        if self._missing is not None and window[0] == slice(0, self.shape[0]):
            values = fill_traces(values, self._missing[window[1:]])
        flat = tuple(axis for axis, (at, _) in enumerate(pairs) if not isinstance(at, slice))
        return np.asarray(values.squeeze(flat))


def draw_result(
    folder: Path,
    image: Volume,
    fields: Mapping[str, Volume],
    outputs: Sequence[Output],
    geometry: Geometry,
    dead_traces: NDArray[np.bool_],
) -> list[str]:
    """Draw the pictures of a result; their names. Lines of equal value are drawn across dead traces: around a hole
    they would say nothing."""
    lines = {output.name for output in outputs if output.display.kind == "contours"}
    views: dict[str, Any] = {
        name: Sections(volume, dead_traces if name in lines else None) for name, volume in fields.items()
    }
    clean: Any = Sections(image)
    return [path.name for path in draw.draw_all(folder, clean, views, outputs, geometry)]
