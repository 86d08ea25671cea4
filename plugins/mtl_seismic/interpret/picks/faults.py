"""From drawn sticks to a fault: the ruled surface between neighbouring sticks, with its angles and throw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import angles_from_normals, upward
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtl_seismic.interpret.faults.sticks import Stick
from mtl_seismic.interpret.faults.surface import Surface
from mtl_seismic.interpret.faults.throw import measure
from mtl_seismic.interpret.picks.model import PickedFault
from mtlcore.io.volume import Volume

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
NODES = 24
"""Of every stick, equally far apart along it, where surfaces are ruled."""


def drawn_fault(picked: PickedFault, number: int, rgt: Volume | None, options: ExtractOptions) -> FaultSurface:
    """A fault with the sticks as they were drawn. Probabilities and misfit are NaN: nothing was predicted."""
    lines = [downward(np.array(stick, np.float64)) for stick in picked.sticks]
    points, cells = ruled(lines)
    normals = vertex_normals(points, cells)
    nothing = np.full(len(points), np.nan)
    surface = Surface(points, normals, nothing, cells)
    throw = nothing if rgt is None else measure(surface, rgt, options)
    dip, strike = angles_from_normals(mean_normal(points, normals))
    return FaultSurface(
        id=number,
        dip=float(dip),
        strike=float("nan") if strike is None else float(strike),
        size=sum(map(len, lines)),
        probability=float("nan"),
        misfit=float("nan"),
        samples=np.concatenate(lines),
        points=points,
        normals=normals,
        point_probability=nothing,
        throw=throw,
        triangles=cells,
        sticks=[Stick(line, np.full(len(line), np.nan), *section_of(line)) for line in lines],
        label=picked.name,
    )


def downward(line: Floats) -> Floats:
    """The nodes from the top down."""
    return line if line[0, 0] <= line[-1, 0] else line[::-1]


def section_of(line: Floats) -> tuple[int | None, int | None]:
    """The inline (axis 1) or crossline (axis 2) that a stick lies on; None where it lies on neither, and in 2D."""
    for axis in range(1, line.shape[1] if line.shape[1] == 3 else 1):
        if np.ptp(line[:, axis]) < 0.01 and abs(line[0, axis] - round(line[0, axis])) < 0.01:
            return axis, round(line[0, axis])
    return None, None


def ruled(lines: list[Floats]) -> tuple[Floats, Integers]:
    """Vertices and triangles between neighbouring sticks; in 2D the sticks' own nodes, and the edges between them."""
    if lines[0].shape[1] == 2 or len(lines) == 1:
        return _chained(lines)
    middles = np.array([line[:, 1:].mean(axis=0) for line in lines])
    order = np.argsort(middles[:, np.ptp(middles, axis=0).argmax()], kind="stable")
    points = np.concatenate([spaced(lines[number]) for number in order])
    top = (np.arange(len(lines) - 1)[:, None] * NODES + np.arange(NODES - 1)).ravel()
    cells = np.concatenate(
        [np.stack([top, top + 1, top + NODES], 1), np.stack([top + NODES, top + 1, top + NODES + 1], 1)]
    )
    return points, cells


def _chained(lines: list[Floats]) -> tuple[Floats, Integers]:
    """In 2D; and of a single stick in 3D, which spans no surface."""
    starts = np.cumsum([0, *map(len, lines)])[:-1]
    edges = [
        start + np.stack([np.arange(len(line) - 1), np.arange(1, len(line))], 1)
        for start, line in zip(starts, lines, strict=True)
    ]
    points = np.concatenate(lines)
    if points.shape[1] == 3:
        return points, np.empty((0, 3), np.intp)
    return points, np.concatenate(edges).astype(np.intp)


def spaced(line: Floats) -> Floats:
    """A line as NODES nodes, equally far apart along it."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.linspace(0, length[-1], NODES)
    return np.stack([np.interp(at, length, column) for column in line.T], axis=1)


def vertex_normals(points: Floats, cells: Integers) -> Floats:
    """Unit normals that point up: the mean of those of the cells around; without cells across the stick."""
    total = np.zeros_like(points)
    if points.shape[1] == 2:
        step = points[cells[:, 1]] - points[cells[:, 0]]
        own = np.stack([-step[:, 1], step[:, 0]], axis=1)
    elif len(cells):
        corners = points[cells]
        own = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    else:
        return np.tile(_across(points), (len(points), 1))
    own = np.array([upward(normal) for normal in own])
    for corner in range(cells.shape[1]):
        np.add.at(total, cells[:, corner], own)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(np.where(length > 0, total / np.where(length > 0, length, 1), mean_of(own)))


def _across(line: Floats) -> Floats:
    """A single stick dips within its own section: the normal lies in that section."""
    step = line[-1] - line[0]
    normal = np.array([np.hypot(step[1], step[2]) ** 2, -step[0] * step[1], -step[0] * step[2]])
    if not normal.any():
        normal = np.array([0.0, 0.0, 1.0])
    return upward(normal / np.linalg.norm(normal))


def mean_of(normals: Floats) -> Floats:
    """The unit mean of normals that all point up."""
    mean = normals.sum(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length) if length > 0 else np.eye(normals.shape[1])[-1]


def mean_normal(points: Floats, normals: Floats) -> Floats:
    return upward(mean_of(normals)) if len(points) else np.eye(points.shape[1])[-1]
