"""SEG-Y keeps the promises of Format, for all of a geometry that header words can say."""

import numpy as np

from mtl_seismic.formats import coordinates
from mtl_seismic.segy.format import SegY
from mtl_seismic.segy.new_headers import written_cells
from mtlcore import Axis, Geometry
from mtlcore.testing import check_format


def kept(geometry: Geometry) -> Geometry:
    """The vertical axis in ms, line numbers (of one line: no step), coordinates to a centimetre."""
    depth, *lines = geometry.axes
    names = ("cdp",) if len(lines) == 1 else ("inline", "crossline")
    axes = [
        Axis(name, line.size, line.origin, line.step if line.size > 1 else 1.0, "line")
        for name, line in zip(names, lines, strict=True)
    ]
    return geometry.like(
        axes=(Axis("time", depth.size, depth.origin, depth.step, "ms"), *axes),
        coordinates=stored_coordinates(geometry),
        attributes=facts(geometry),
    )


def stored_coordinates(geometry):
    if geometry.coordinates is None:
        return None
    live = np.ones(geometry.shape[1:], bool) if geometry.live is None else written(geometry.live)
    numbers = [axis.origin + axis.step * index for axis, index in zip(geometry.axes[1:], np.nonzero(live), strict=True)]
    points = coordinates.apply(geometry.coordinates, numbers)
    return coordinates.fit(numbers, np.rint(points * 100) * 0.01, 0.01)[0]


def written(live):
    """The live traces, and dead ones that hold the place of lines without a live one."""
    chosen = np.zeros(live.shape, bool)
    chosen.reshape(-1)[written_cells(Geometry.of_shape((1, *live.shape), live=live))] = True
    return chosen


def facts(geometry):
    sorting, positions = "inline", {"inline": 189, "crossline": 193}
    if len(geometry.shape) == 2:
        sorting, positions = "cdp", {"cdp": 21}
    if geometry.coordinates:
        positions |= {"cdp_x": 181, "cdp_y": 185}
    return {
        "segy": {
            "revision": 1,
            "byte_order": "big",
            "samples": "4-byte IEEE float",
            "sorting": sorting,
            "bytes": positions,
        }
    }


def test_conforms(tmp_path):
    check_format(SegY(), tmp_path, kept=kept)
