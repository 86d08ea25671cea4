"""A smooth surface through the thinned samples of one fault: a robust local fit over the plane's own axes."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import Floats, upward
from mtl_seismic.interpret.faults.scientific import scipy_part
from mtl_seismic.interpret.faults.thinning import Points

Integers = NDArray[np.intp]
NODES_AT_ONCE = 4096
ROBUST_PASSES = 3
LEAST_TRUST = 1e-4
ENOUGH = 3.0
"""Trusted samples around a node that determine it."""


@dataclass(frozen=True)
class Frame:
    """A plane: its centre, its axes within (one in 2D; strike and dip direction in 3D) and its upward normal."""

    centre: Floats
    axes: Floats
    normal: Floats

    def flatten(self, positions: Floats) -> tuple[Floats, Floats]:
        """N x d positions as N x (d - 1) places on the plane and N offsets from it."""
        step = positions - self.centre
        return step @ self.axes.T, step @ self.normal

    def raise_(self, places: Floats, offsets: Floats) -> Floats:
        """The reverse of ``flatten``."""
        return self.centre + places @ self.axes + offsets[:, None] * self.normal


@dataclass(frozen=True)
class Surface:
    """Vertices (N x d) with normals and probabilities, and cells: triangles in 3D, edges of a line in 2D."""

    vertices: Floats
    normals: Floats
    probability: Floats
    cells: Integers


def fit_frame(points: Points) -> Frame:
    """The plane of least squares, outliers weighted down by Tukey's biweight."""
    positions, trust = points.positions, _trust(points) + LEAST_TRUST
    weights = trust
    for _ in range(ROBUST_PASSES):
        centre = np.average(positions, axis=0, weights=weights)
        step = positions - centre
        normal = upward(np.linalg.eigh((step * weights[:, None]).T @ step)[1][:, 0])
        weights = trust * _biweight(step @ normal)
    return Frame(centre, _axes_within(normal), normal)


def _trust(points: Points) -> Floats:
    """How much each point counts, 0..1: nothing where another fault may have shifted it, compared with the rest."""
    purity = points.purity / max(float(np.quantile(points.purity, 0.9)), 1e-9)
    trust: Floats = np.square(np.clip((purity - 0.75) / 0.2, 0, 1))
    return trust


def _axes_within(normal: Floats) -> Floats:
    """Unit vectors within a plane: the horizontal one (3D alone) and the one that goes down."""
    if len(normal) == 2:
        return _downward(np.array([[-normal[1], normal[0]]]))
    horizontal = np.array([0.0, -normal[2], normal[1]])
    length = np.linalg.norm(horizontal)
    horizontal = horizontal / length if length > 1e-9 else np.array([0.0, 0.0, 1.0])
    return np.concatenate([horizontal[None], _downward(np.cross(normal, horizontal)[None])])


def _downward(axis: Floats) -> Floats:
    return -axis if axis[0, 0] < 0 else axis


def _biweight(residual: Floats) -> Floats:
    """Tukey's weights, 0 beyond 4.7 robust standard deviations (and never within half a sample)."""
    scale = max(1.4826 * float(np.median(np.abs(residual))), 0.1)
    weights: Floats = np.square(np.clip(1 - np.square(residual / (4.685 * scale)), 0, None))
    return weights


def fit_surface(points: Points, frame: Frame, shape: tuple[int, ...], cell: int, gap: float) -> Surface:
    """A surface on a grid over the plane with nodes every ``cell`` samples, where there are samples near.

    Each node is the value there of a line or plane fitted to the offsets of the samples around. Gaps narrower
    than ``gap`` samples are closed. Nodes outside of a volume of this ``shape`` are left out.
    """
    places, offsets = frame.flatten(points.positions)
    low = np.floor(places.min(0) / cell).astype(int)
    size = np.ceil(places.max(0) / cell).astype(int) - low + 1
    wanted = _supported(places / cell - low, size, gap / cell)
    index = np.argwhere(wanted)
    nodes = (index + low) * float(cell)
    offset, slope, probability = _local_fit(nodes, places, offsets, points, max(2.0 * cell, gap))
    vertices = frame.raise_(nodes, offset)
    inside = np.isfinite(offset) & ((vertices >= -0.5) & (vertices <= np.array(shape) - 0.5)).all(1)
    number = np.full(size, -1)
    number[tuple(index[inside].T)] = np.arange(int(inside.sum()))
    normals = frame.normal - slope[inside] @ frame.axes
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Surface(vertices[inside], normals, probability[inside], _cells(number))


def _supported(places: Floats, size: Integers, gap: float) -> NDArray[np.bool_]:
    """Nodes of a grid of unit cells that have a sample within the cells around, after closing of gaps."""
    ndimage = scipy_part("ndimage")
    reach = ceil(gap / 2)
    near = np.zeros(size + 2 * reach, bool)
    near[tuple(np.rint(places).astype(int).T + reach)] = True
    if reach:
        near = ndimage.binary_closing(near, iterations=reach)
    supported: NDArray[np.bool_] = near[tuple(slice(reach, reach + int(count)) for count in size)]
    return supported


def _local_fit(
    nodes: Floats, places: Floats, offsets: Floats, points: Points, reach: float
) -> tuple[Floats, Floats, Floats]:
    """Offset, slope and mean probability at each node by locally weighted regression (Cleveland 1979).

    Nodes without enough trusted samples within reach look farther, then take what there is.
    """
    columns = nodes.shape[1] + 2
    found = np.full((len(nodes), columns), np.nan)
    values = np.stack([offsets, points.probability], 1)
    trust = _trust(points)
    # Wide fits have more samples a node, so fewer nodes at once.
    few = NODES_AT_ONCE // 6
    for distance, close, weights, count in (
        (reach, reach / 3, trust, NODES_AT_ONCE),
        (2.5 * reach, 2.5 * reach / 3, trust, few),
        (2.5 * reach, 2.5 * reach, trust, few),
        (reach, reach, np.full(len(trust), 1.0), NODES_AT_ONCE),
    ):
        open_ = np.flatnonzero(np.isnan(found[:, 0]))
        used = np.flatnonzero(weights > 0)
        for first in range(0, open_.size, count) if used.size else ():
            part = open_[first : first + count]
            found[part] = _regress(nodes[part], places[used], values[used], weights[used], distance, close)
    return found[:, 0], found[:, 1:-1], found[:, -1]


def _regress(nodes: Floats, places: Floats, values: Floats, trust: Floats, reach: float, close: float) -> Floats:
    """Offset, slope, mean probability of each node; NaN without enough trusted samples as close."""
    tree = scipy_part("spatial").cKDTree
    pairs = tree(nodes).sparse_distance_matrix(tree(places), reach, output_type="ndarray")
    node, sample = pairs["i"], pairs["j"]
    closeness = np.exp(-0.5 * np.square(pairs["v"] / (reach / 2))) * trust[sample]
    columns = [np.ones(len(pairs)), *(places[sample] - nodes[node]).T]
    offsets = values[sample, 0]
    robust = np.ones(len(pairs))
    for _ in range(ROBUST_PASSES):
        solution = _solve(columns, offsets, closeness * robust, node, len(nodes))
        robust = _biweight(offsets - sum(column * solution[node, k] for k, column in enumerate(columns)))
    total = np.bincount(node, closeness, len(nodes))
    mean = np.bincount(node, closeness * values[sample, 1], len(nodes)) / np.where(total > 0, total, 1)
    near = np.bincount(node, trust[sample] * (pairs["v"] <= close), len(nodes))
    solution[(total <= 0) | (near < ENOUGH)] = np.nan
    return np.concatenate([solution, mean[:, None]], 1)


def _solve(columns: list[Floats], values: Floats, weights: Floats, node: Integers, count: int) -> Floats:
    """Weighted least squares of each node at once; a small ridge keeps lone samples solvable."""
    size = len(columns)
    matrix = np.empty((count, size, size))
    right = np.empty((count, size))
    for i, one in enumerate(columns):
        right[:, i] = np.bincount(node, weights * one * values, count)
        for j in range(i, size):
            matrix[:, i, j] = matrix[:, j, i] = np.bincount(node, weights * one * columns[j], count)
    ridge = np.eye(size) * 1e-3
    ridge[0, 0] = 1e-9
    # In proportion to the weights: those of untrusted samples are tiny.
    scale = np.maximum(matrix[:, :1, :1], 1e-9)
    return np.asarray(np.linalg.solve(matrix / scale + ridge, right[..., None] / scale)[..., 0], np.float64)


def _cells(number: Integers) -> Integers:
    """Edges between neighbours of a line, or two triangles for each square of nodes (one where a corner lacks)."""
    if number.ndim == 1:
        edges = np.stack([number[:-1], number[1:]], 1)
        return edges[(edges >= 0).all(1)]
    a, b, c, d = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
    lacking = [(corner < 0).ravel() for corner in (a, b, c, d)]
    missing = np.sum(lacking, 0)
    full = missing == 0
    halves = [(a, b, c, full | (missing == 1) & lacking[3]), (a, c, d, full | (missing == 1) & lacking[1])]
    halves += [(b, c, d, (missing == 1) & lacking[0]), (a, b, d, (missing == 1) & lacking[2])]
    return np.concatenate([np.stack([x.ravel(), y.ravel(), z.ravel()], 1)[kept] for x, y, z, kept in halves])


def slice_cells(surface: Surface, values: Floats, axis: int, at: float) -> tuple[Floats, Floats]:
    """Where a surface of triangles meets a section: S x 2 x d ends of segments, and ``values`` (N x k) there."""
    # A vertex exactly on the section would make segments of no length: moved by less than matters.
    height = surface.vertices[:, axis] - at + 1e-9
    above = height[surface.cells] > 0
    cut = above.any(1) & ~above.all(1)
    triangles, above = surface.cells[cut], above[cut]
    # The corner that is alone on its side, then the two others.
    alone = np.where(above.sum(1) == 1, above.argmax(1), (~above).argmax(1))
    turned = np.take_along_axis(triangles, (alone[:, None] + np.arange(3)) % 3, 1)
    ends = [_crossing(turned[:, 0], turned[:, k], height, surface.vertices, values) for k in (1, 2)]
    return np.stack([end[0] for end in ends], 1), np.stack([end[1] for end in ends], 1)


def _crossing(a: Integers, b: Integers, height: Floats, positions: Floats, values: Floats) -> tuple[Floats, Floats]:
    share = (height[a] / (height[a] - height[b]))[:, None]
    mixed = [array[a] + share * (array[b] - array[a]) for array in (positions, values)]
    return mixed[0], mixed[1]
