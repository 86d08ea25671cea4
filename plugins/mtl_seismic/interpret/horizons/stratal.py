"""Stratal (flattened) volumes: the vertical axis is relative geological time, so horizons are level."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from mtl_seismic.interpret.horizons.crossing import Floats, Traces, as_traces, cross, sample
from mtl_seismic.interpret.horizons.extraction import CHUNK, GAP, check_shapes, line_spans, line_window, read_traces
from mtlcore.io.volume import Axis, Geometry, Volume
from mtlcore.plugin.interfaces import Format
from mtlcore.plugin.outputs import Output

ACROSS = 64
"""Traces that are flattened at once: a window around every sample of them is held in memory."""


def stratal_axis(geometry: Geometry, kind: Literal["rgt", "depth"], curve: Floats) -> tuple[Geometry, Floats]:
    """The flattened volume's geometry and the time of each of its levels; as many as the volume has samples.

    ``rgt``: equal steps from 0 to 1, as times have that range. ``depth``: the depth at which the reference
    trace (``curve``: its time against depth) has that time, on the volume's own axis; what is younger or older
    than all of that trace is left out.
    """
    if kind == "depth":
        return geometry, curve
    size = geometry.axes[0].size
    axis = Axis("rgt", size, 0.0, 1 / (size - 1), "1")
    # Headers of the input describe another vertical axis.
    return geometry.like(axes=(axis, *geometry.axes[1:]), source=None), np.linspace(0, 1, size)


def flatten(time: Traces, field: Traces, values: Floats, gap: float = GAP) -> Floats:
    """A field (trace, depth) at times, (value, trace); NaN where a horizon of that time is undefined."""
    flat = np.empty((len(values), len(time)))
    for start in range(0, len(time), ACROSS):
        part = slice(start, start + ACROSS)
        depth, steps = cross(time[part], values)
        depth[steps > gap] = np.nan
        flat[:, part] = sample(field[part], depth)
    return flat


def write_stratal(
    path: Path,
    format: Format,
    output: Output,
    field: Volume,
    time: Volume,
    geometry: Geometry,
    values: Floats,
    gap: float = GAP,
    chunk: int = CHUNK,
) -> None:
    """Write a field flattened along time, line by line, in any format.

    Samples are 0 where there is none of that time: dead traces, beyond the volume, missing section.
    """
    check_shapes(time, field)
    with format.create(path, geometry, output) as writer:
        for span in line_spans(time.shape, chunk):
            traces = as_traces(field.read(line_window(field, span.read)))
            flat = flatten(read_traces(time, span.read), traces, values, gap)
            window = (slice(0, len(values)), span.read, *(slice(0, size) for size in time.shape[2:]))
            block = np.nan_to_num(flat).astype(np.float32)
            writer.write(window, block.reshape(-1, span.stop - span.start, *time.shape[2:]))
