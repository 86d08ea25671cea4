"""Which thinned samples belong to one fault: neighbours of like position and like orientation.

Crossing faults stay apart because their normals differ, parallel ones because they lie off each other's planes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import Floats
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtl_seismic.interpret.faults.scientific import scipy_part
from mtl_seismic.interpret.faults.thinning import Points

Integers = NDArray[np.intp]
Pairs = NDArray[np.int32] | NDArray[np.intp]
NONE = -1
PAIRS_AT_ONCE = 2**20


def group(points: Points, options: ExtractOptions) -> tuple[Points, Integers]:
    """The points with their normals smoothed, and the number of each one's fault, largest first; -1: of none."""
    if not len(points):
        return points, np.empty(0, np.intp)
    points = smooth_normals(points, options)
    labels = link(points, options)
    labels = merge(points, labels, options)
    return points, _by_size(labels)


def smooth_normals(points: Points, options: ExtractOptions, passes: int = 2) -> Points:
    """The principal axis of the tensors n nᵀ of each point and its neighbours on the same plane.

    The weight of a neighbour falls with the angle between the normals, so that two faults that cross at a
    small angle keep their own.
    """
    pairs = _pairs(points.positions, options.link_distance)
    for _ in range(passes):
        like = pairs[_fits(points, pairs, 2 * options.link_angle, 1.5 * options.link_offset)]
        tensors = (
            points.normals[:, :, None]
            * points.normals[:, None, :]
            * (points.probability * points.purity)[:, None, None]
        )
        total = tensors.copy()
        for one, other in (like[part].T for part in _blocks(len(like))):
            cosine = np.einsum("ij,ij->i", points.normals[one], points.normals[other])
            # 1 - cos² is the squared sine.
            weight = np.exp(-0.5 * (1 - cosine**2) / np.sin(np.radians(options.link_angle / 2)) ** 2)
            for row, column in np.ndindex(total.shape[1:]):
                cell = tensors[:, row, column]
                total[:, row, column] += np.bincount(one, weight * cell[other], len(points))
                total[:, row, column] += np.bincount(other, weight * cell[one], len(points))
        points = replace(points, normals=np.linalg.eigh(total)[1][:, :, -1])
    return points


def link(points: Points, options: ExtractOptions) -> Integers:
    """Components of points that have enough like neighbours; the rest join the component of one of theirs.

    Where two faults cross, predicted normals lie between both: such points have few like neighbours, and
    components do not grow through them (as in DBSCAN, Ester et al. 1996).
    """
    pairs = _pairs(points.positions, options.link_distance)
    one, other = _like(points, pairs, options.link_angle, options.link_offset)
    degree = np.bincount(one, minlength=len(points)) + np.bincount(other, minlength=len(points))
    needed = 1 if points.positions.shape[1] == 2 else 4
    core = degree >= needed
    both = core[one] & core[other]
    labels = _components(one[both], other[both], len(points))
    labels[~core] = NONE
    for a, b in ((one, other), (other, one)):
        joins = ~core[a] & core[b]
        labels[a[joins]] = labels[b[joins]]
    return labels


def merge(points: Points, labels: Integers, options: ExtractOptions) -> Integers:
    """The labels after joining pieces that continue each other across a gap, such as where another fault cuts.

    Two pieces join if, of their points near each other, at least half lie in each other's plane.
    """
    if not (labels >= 0).any():
        return labels
    large = np.bincount(labels[labels >= 0]) >= 4 * points.positions.shape[1]
    edges = np.flatnonzero((labels >= 0) & large[labels] & _edges(points, labels, options))
    edges = edges[np.argsort(labels[edges], kind="stable")]
    names, first = np.unique(labels[edges], return_index=True)
    pieces = np.split(edges, first[1:])
    joined = [
        (names[a], names[b])
        for a, b in _near_pieces(points, pieces, options.merge_distance)
        if _continue(points, pieces[a], pieces[b], options)
    ]
    one, other = np.array(joined, np.intp).reshape(-1, 2).T
    merged = _components(one, other, int(labels.max()) + 1)
    return np.where(labels >= 0, merged[labels], NONE)


def _near_pieces(points: Points, pieces: list[Integers], distance: float) -> Iterator[tuple[int, int]]:
    """Pairs of pieces whose boxes come as near to each other."""
    if not pieces:
        return
    low = np.array([points.positions[piece].min(0) for piece in pieces])
    high = np.array([points.positions[piece].max(0) for piece in pieces])
    for a in range(len(pieces)):
        gap = np.maximum(low[a + 1 :] - high[a], low[a] - high[a + 1 :]).max(1)
        yield from ((a, int(b)) for b in a + 1 + np.flatnonzero(gap <= distance))


def _continue(points: Points, one: Integers, other: Integers, options: ExtractOptions) -> bool:
    """Whether two pieces continue each other: each edge point near the other piece is asked with its closest there."""
    tree = scipy_part("spatial").cKDTree
    pairs = []
    for here, there in ((one, other), (other, one)):
        distance, closest = tree(points.positions[there]).query(
            points.positions[here], distance_upper_bound=options.merge_distance
        )
        near = np.isfinite(distance)
        pairs.append(np.stack([here[near], there[closest[near]]], 1))
    fits = _fits(points, np.concatenate(pairs), options.merge_angle, options.merge_offset)
    return bool(fits.sum() >= max(2, 0.5 * fits.size))


def _edges(points: Points, labels: Integers, options: ExtractOptions) -> NDArray[np.bool_]:
    """Points at the edge of their piece: their neighbours' mean lies off them."""
    one, other = _pairs(points.positions, options.link_distance + 0.5).T
    same = labels[one] == labels[other]
    one, other = one[same], other[same]
    step = points.positions[other] - points.positions[one]
    total = np.stack([np.bincount(one, s, len(points)) - np.bincount(other, s, len(points)) for s in step.T], 1)
    count = np.bincount(one, minlength=len(points)) + np.bincount(other, minlength=len(points))
    edge: NDArray[np.bool_] = np.linalg.norm(total, axis=1) > 0.3 * np.maximum(count, 1)
    return edge


def _pairs(positions: Floats, distance: float) -> Pairs:
    tree = scipy_part("spatial").cKDTree(positions)
    pairs = tree.query_pairs(distance, output_type="ndarray")
    # Half of the memory: there are several pairs for each point.
    return np.asarray(pairs, np.int32) if len(positions) < np.iinfo(np.int32).max else pairs


def _blocks(count: int) -> Iterator[slice]:
    """Parts of the pairs, whose normals and steps are a hundred bytes each."""
    return (slice(start, start + PAIRS_AT_ONCE) for start in range(0, count, PAIRS_AT_ONCE))


def _like(points: Points, pairs: Pairs, angle: float, offset: float) -> tuple[Pairs, Pairs]:
    """Those pairs that may lie on one plane."""
    kept = pairs[_fits(points, pairs, angle, offset)]
    return kept[:, 0], kept[:, 1]


def _fits(points: Points, pairs: Pairs, angle: float, offset: float) -> NDArray[np.bool_]:
    """Which pairs may lie on one plane."""
    found = [_fit(points, pairs[part], angle, offset) for part in _blocks(len(pairs))]
    return np.concatenate(found) if found else np.empty(0, bool)


def _fit(points: Points, pairs: Pairs, angle: float, offset: float) -> NDArray[np.bool_]:
    one, other = pairs.T
    aligned = np.abs(np.einsum("ij,ij->i", points.normals[one], points.normals[other])) >= np.cos(np.radians(angle))
    step = points.positions[other] - points.positions[one]
    off = [np.abs(np.einsum("ij,ij->i", step, points.normals[end])) <= offset for end in (one, other)]
    fits: NDArray[np.bool_] = aligned & off[0] & off[1]
    return fits


def _components(one: Pairs, other: Pairs, size: int) -> Integers:
    sparse = scipy_part("sparse")
    graph = sparse.coo_matrix((np.ones(one.size, np.int8), (one, other)), shape=(size, size))
    labels = scipy_part("sparse.csgraph").connected_components(graph, directed=False)[1]
    return np.asarray(labels, np.intp)


def _by_size(labels: Integers) -> Integers:
    """The labels renumbered from the largest component down."""
    known = labels >= 0
    if not known.any():
        return labels
    counts = np.bincount(labels[known])
    number = np.empty(counts.size, np.intp)
    number[np.argsort(-counts, kind="stable")] = np.arange(counts.size)
    return np.where(known, number[labels], NONE)
