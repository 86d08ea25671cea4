"""Fault likelihood, dip and strike as one set of matching volumes, unthinned.

OpendTect's fault thinning and automatic fault extraction take one multi-attribute volume with the components
``Fault Likelihood``, ``Fault Dip`` and ``Fault Azimuth`` in this order: import the three files, define three
attributes of these names, and output them as one. Which zero and sign its third component has is not verified,
so the convention of the angles can be chosen (see angles.converted). Likelihood is 0..1, angles are degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from mtl_seismic.interpret.faults.angles import Convention, converted
from mtl_seismic.interpret.faults.extract import DIP, PROBABILITY, STRIKE
from mtl_seismic.interpret.faults.thinning import slabs
from mtlcore.io.files import make_format
from mtlcore.io.volume import Volume, Writer
from mtlcore.plugin.outputs import Output
from mtlcore.plugin.plugins import Plugins

MEANING: dict[Convention, tuple[str, str]] = {
    "mtl": ("dip 0..180 of the samples' grid", "strike 0..180 from the crossline axis towards the inline axis"),
    "right-hand": ("dip from the horizontal, 0..90", "strike 0..360 from crossline to inline, dip to the right"),
    "azimuth": ("dip from the horizontal, 0..90", "dip azimuth -180..180, 0 to crosslines up, 90 to inlines up"),
}


def attribute_outputs(convention: Convention, ndim: int) -> tuple[Output, ...]:
    """What the files hold."""
    dip, strike = MEANING[convention]
    third = "fault_azimuth" if convention == "azimuth" else "fault_strike"
    outputs = (
        Output("fault_likelihood", "Fault Likelihood 0..1, not thinned", range=(0.0, 1.0)),
        Output("fault_dip", dip, unit="degree"),
        Output(third, strike, unit="degree", ndims=(3,)),
    )
    return tuple(output for output in outputs if ndim in output.ndims)


def write_attributes(
    folder: Path,
    fields: Mapping[str, Volume],
    convention: Convention,
    format_name: str,
    options: Mapping[str, Any],
    plugins: Plugins,
) -> list[Path]:
    """Write the volumes in a registered format with the geometry (and headers) of the input; their paths."""
    geometry = fields[PROBABILITY].geometry
    suffix = (plugins.formats[format_name].suffixes or (f".{format_name}",))[0]
    outputs = attribute_outputs(convention, len(geometry.axes))
    paths = [folder / f"{output.name}{suffix}" for output in outputs]
    with ExitStack() as stack:
        # Open together: a failure while writing leaves none of them.
        writers = [
            stack.enter_context(make_format(path, format_name, options, plugins).create(path, geometry, output))
            for path, output in zip(paths, outputs, strict=True)
        ]
        _copy(fields, writers, convention)
    return paths


def _copy(fields: Mapping[str, Volume], writers: list[Writer], convention: Convention) -> None:
    """Slab by slab."""
    likelihood = fields[PROBABILITY]
    geometry = likelihood.geometry
    signs = tuple(1 if axis.step >= 0 else -1 for axis in geometry.axes[1:])
    for start, stop in slabs(likelihood.shape):
        window = tuple(
            slice(start, stop) if axis == 1 else slice(0, size) for axis, size in enumerate(likelihood.shape)
        )
        dip = fields[DIP].read(window).astype(np.float64)
        strike = fields[STRIKE].read(window).astype(np.float64) if len(writers) == 3 else None
        angles = [a for a in converted(dip, strike, convention, (signs[0], signs[-1])) if a is not None]
        arrays = [np.asarray(values, np.float32) for values in (likelihood.read(window), *angles)]
        for writer, values in zip(writers, arrays, strict=True):
            if geometry.live is not None:
                values[:, ~geometry.live[window[1:]]] = 0
            writer.write(window, values)
