"""How well fault planes come back from labels: python tests/benchmarks/fault_planes.py LABELS.npz [MIN_SIZE]

The file holds fsem (fault or not), fdip and fstrike (hundredths of a degree, 0 off faults), depth first, with
flat faults (RGM's without curvature). A fault that later ones displace is in pieces: each piece is a plane of
its own, found here without the code under test: connected samples (26 neighbours) of one dip and strike,
split where the offset along the known normal has gaps.

Every sample of each surface is compared with the true piece of its orientation that is nearest to it.
MIN_SIZE: thinned samples that a fault must have, as in mtl faults.

Last figures (one RGM volume of 128 x 128 x 128): 23 of 25 pieces recovered, of 98.9 % of the samples, 0.026 samples
off in the median and 0.21 in 95 %, 0.007 degrees in the median and 2.2 at most, 2.9 s; with a MIN_SIZE of 150 the two
smallest come back too.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from mtl_seismic.heads.metrics.angles import plane_angle, plane_normal
from mtl_seismic.interpret.faults.extract import FaultSurface, extract_faults
from mtl_seismic.interpret.faults.options import ExtractOptions

SMALLEST = 500
"""Samples of a label piece that must be found; 3 samples thick, it has an edge of about 13 samples."""
NEAR = 5.0


@dataclass(frozen=True)
class Piece:
    """A true plane: angles in degrees, its normal, its offset along that, and the label's samples."""

    dip: float
    strike: float
    normal: NDArray[np.float64]
    offset: float
    samples: NDArray[np.float64]


def true_pieces(labels: dict[str, NDArray[np.generic]]) -> list[Piece]:
    """The planes of the labels, largest first."""
    fault = labels["fsem"].astype(bool)
    key = labels["fdip"].astype(np.int64) * 100_000 + labels["fstrike"].astype(np.int64)
    pieces = []
    for value in np.unique(key[fault]):
        numbers, count = ndimage.label(fault & (key == value), np.ones((3, 3, 3)))
        dip, strike = value // 100_000 / 100, value % 100_000 / 100
        normal = plane_normal(strike, dip)
        for number in range(1, count + 1):
            samples = np.argwhere(numbers == number).astype(float)
            pieces += [
                Piece(dip, strike, normal, float(np.median(part @ normal)), part) for part in _flat(samples, normal)
            ]
    return sorted((p for p in pieces if len(p.samples) >= SMALLEST), key=lambda p: -len(p.samples))


def _flat(samples: NDArray[np.float64], normal: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Connected samples of one orientation by plane: displaced pieces may touch at their edges."""
    offsets = samples @ normal
    spread = float(np.ptp(offsets))
    if spread < 5:
        return [samples]
    counts, edges = np.histogram(offsets, bins=max(1, int(spread / 0.5)))
    middle = edges[int(counts.argmax())] + 0.25
    here = np.abs(offsets - middle) <= 2
    rest = samples[~here]
    if len(rest) < SMALLEST:
        return [samples[here]]
    return [samples[here], *_flat(rest, normal)]


def compare(faults: list[FaultSurface], pieces: list[Piece]) -> dict[str, float]:
    """Recovered pieces, distances and angles."""
    trees = [cKDTree(piece.samples) for piece in pieces]
    distances, angles, weights, largest, lost = [], [], [], [], []
    covered = [np.zeros(len(piece.samples), bool) for piece in pieces]
    for fault in faults:
        gaps = np.stack([tree.query(fault.points, distance_upper_bound=NEAR)[0] for tree in trees])
        tilts = np.degrees(np.arccos(np.clip(np.abs(np.stack([p.normal for p in pieces]) @ fault.normals.T), 0, 1)))
        # Each vertex belongs to the nearest piece of about its orientation.
        gaps[tilts > 15] = np.inf
        belongs = np.where(np.isfinite(gaps.min(0)), gaps.argmin(0), -1)
        lost.append(belongs < 0)
        for number, piece in enumerate(pieces):
            own = belongs == number
            if own.sum() < 0.1 * len(fault.points):
                continue
            tilt = tilts[number]
            off = np.abs(fault.points[own] @ piece.normal - piece.offset)
            near = cKDTree(fault.points[own]).query(piece.samples, distance_upper_bound=NEAR)[0]
            covered[number] |= np.isfinite(near)
            distances.append(off)
            angle = float(plane_angle(fault.strike, fault.dip, piece.strike, piece.dip))
            angles.append(angle)
            weights.append(int(own.sum()))
            largest.append(tilt[own])
            print(
                f"{fault.name}  size {fault.size:6d}  dip {fault.dip:7.2f} ({piece.dip:.2f})  "
                f"strike {fault.strike:7.2f} ({piece.strike:.2f})  angle {angle:5.2f}  "
                f"distance {np.median(off):.2f} median, {np.percentile(off, 95):.2f} 95 %  "
                f"throw {fault.median_throw:.1f}"
            )
    shares = np.array([part.mean() for part in covered])
    sizes = np.array([len(piece.samples) for piece in pieces])
    for piece, share in zip(pieces, shares, strict=True):
        angles_text = f"dip {piece.dip:7.2f} strike {piece.strike:7.2f}"
        print(f"true piece {angles_text} samples {len(piece.samples):6d} covered {share:.0%}")
    everything, tilts = np.concatenate(distances), np.concatenate(largest)
    return {
        "true_orientations": len({(p.dip, p.strike) for p in pieces}),
        "true_pieces": len(pieces),
        "pieces_recovered": int((shares >= 0.5).sum()),
        "samples_covered": float((shares * sizes).sum() / sizes.sum()),
        "faults_found": len(faults),
        "distance_median": float(np.median(everything)),
        "distance_95": float(np.percentile(everything, 95)),
        "angle_median": _weighted_median(np.array(angles), np.array(weights)),
        "angle_max": float(np.max(angles)),
        "vertices_off_all_pieces": float(np.concatenate(lost).mean()),
        "vertex_angle_median": float(np.median(tilts)),
        "vertex_angle_95": float(np.percentile(tilts, 95)),
    }


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.int64]) -> float:
    order = np.argsort(values)
    return float(values[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)])


def main(path: str, min_size: int | None) -> None:
    with np.load(path) as file:
        labels = {name: file[name] for name in ("fsem", "fdip", "fstrike", "rgt")}
    pieces = true_pieces(labels)
    began, processor = time.perf_counter(), time.process_time()
    faults = extract_faults(
        {
            "fault_probability": labels["fsem"].astype(np.float32),
            "fault_dip": labels["fdip"] / np.float32(100),
            "fault_strike": labels["fstrike"] / np.float32(100),
            "rgt": labels["rgt"].astype(np.float32),
        },
        ExtractOptions(min_size=min_size),
    )
    seconds, busy = time.perf_counter() - began, time.process_time() - processor
    figures = compare(faults, pieces) | {"seconds": seconds, "processor_seconds": busy}
    for name, value in figures.items():
        print(f"{name:24s} {value:.3g}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
