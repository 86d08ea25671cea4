"""Fault sticks: polylines down a fault on regular sections, each with nodes at regular depths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtl_seismic.interpret.faults.angles import Floats
from mtl_seismic.interpret.faults.surface import Frame, Surface, slice_cells

FLAT = np.sin(np.radians(30))
"""Below this sine of the dip, nodes are regular along the section, not in depth."""
SHORTEST = 0.5
"""Of the spacing."""


@dataclass(frozen=True)
class Stick:
    """Nodes (N x d, in samples, ever deeper) with their throw (samples, NaN where unknown).

    ``axis``, ``position``: the section that the stick lies on, inline (axis 1) or crossline (axis 2); in 2D
    the section is the whole image, and they are None.
    """

    nodes: Floats
    throw: Floats
    axis: int | None = None
    position: int | None = None


def make_sticks(surface: Surface, throw: Floats, frame: Frame, spacing: int) -> list[Stick]:
    """The sticks of one surface; those of two nodes or more.

    They lie on the sections, inlines or crosslines, that cut the fault more nearly across its strike.
    """
    values = throw[:, None]
    if len(frame.normal) == 2:
        ends = surface.vertices[surface.cells]
        return [Stick(*part) for part in _polylines(ends, values[surface.cells], _parameter(frame, 1), spacing)]
    axis = 1 if abs(frame.normal[2]) >= abs(frame.normal[1]) else 2
    parameter = _parameter(frame, 3 - axis)
    sticks = []
    low, high = surface.vertices[:, axis].min(), surface.vertices[:, axis].max()
    for position in range(int(np.ceil(low / spacing)) * spacing, int(np.floor(high)) + 1, spacing):
        ends, at_ends = slice_cells(surface, values, axis, position)
        for nodes, thrown in _polylines(ends, at_ends, parameter, spacing):
            nodes[:, axis] = position
            sticks.append(Stick(nodes, thrown, axis, position))
    return sticks


def _parameter(frame: Frame, across: int) -> int:
    """The axis along which nodes are regular: depth, or for a flat fault the one across it."""
    return 0 if frame.axes[-1, 0] >= FLAT else across


def _polylines(ends: Floats, values: Floats, axis: int, spacing: int) -> list[tuple[Floats, Floats]]:
    """Segments (S x 2 x d) as lines with regular nodes along an axis and the ends; broken where there are none."""
    if not len(ends):
        return []
    spans = np.sort(ends[:, :, axis], 1)
    order = np.argsort(spans[:, 0], kind="stable")
    reached = np.maximum.accumulate(spans[order, 1])
    breaks = np.flatnonzero(spans[order][1:, 0] > reached[:-1] + 0.5) + 1
    lines = []
    for part in np.split(order, breaks):
        line = _resampled(ends[part].reshape(-1, ends.shape[2]), values[part].reshape(-1), axis, spacing)
        # Short ends of a ragged edge are no sticks.
        if len(line[0]) >= 2 and np.ptp(line[0][:, axis]) >= SHORTEST * spacing:
            lines.append(line)
    return lines


def _resampled(points: Floats, values: Floats, axis: int, spacing: int) -> tuple[Floats, Floats]:
    order = np.argsort(points[:, axis], kind="stable")
    points, values = points[order], values[order]
    along = points[:, axis]
    first, last = along[0], along[-1]
    regular = np.arange(np.ceil(first / spacing), np.floor(last / spacing) + 1) * spacing
    # An end that all but meets a regular node would make a node of its own.
    inner = regular[(regular > first + 0.25 * spacing) & (regular < last - 0.25 * spacing)]
    at = np.concatenate([[first], inner, [last]])
    nodes = np.stack([np.interp(at, along, column) for column in points.T], 1)
    throw = np.interp(at, along, values)
    if nodes[0, 0] > nodes[-1, 0]:
        nodes, throw = nodes[::-1], throw[::-1]
    # Ever deeper: on a flat fault that bends, a node may lie above one before.
    deeper = np.concatenate([[True], nodes[1:, 0] > np.maximum.accumulate(nodes[:-1, 0])])
    return nodes[deeper].copy(), throw[deeper].copy()
