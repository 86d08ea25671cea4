"""Straight faults of RGM: planes along which one side was moved rigidly by whole samples.

A sample of the faulted model is traced back, from the last fault to the first, to where its rock lay before
faulting. Only samples of the image are ever computed, and geology is looked up once, at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtl_seismic.stochastic.draws import Array, nearest

_MANY_BLOCKS = 4096


@dataclass(frozen=True)
class Fault:
    """A straight fault. Angles in degrees, as in the reference; a 2D fault has strike 180 and rake 90.

    `anchor` is a point (depth, x2, x3) on its near face, in samples from the first sample of the image;
    `displacement` is in samples, positive where the block beyond the far face moves up.
    """

    dip: float
    displacement: float
    anchor: tuple[float, ...]
    strike: float = 180.0
    rake: float = 90.0

    def normal(self) -> Array:
        """Return the unit vector across the fault, towards the moved block."""
        dip, strike = np.radians([self.dip, self.strike])
        across = [-np.cos(dip), np.sin(dip) * np.cos(strike), -np.sin(dip) * np.sin(strike)]
        return np.array(across[: len(self.anchor)])

    def slip(self) -> Array:
        """Return the vector by which the block moves, in whole samples."""
        dip, strike, rake = np.radians([self.dip, self.strike, self.rake])
        along, down = np.cos(rake), np.sin(rake)
        vector = [
            -down * np.sin(dip),
            along * np.sin(strike) - down * np.cos(dip) * np.cos(strike),
            along * np.cos(strike) + down * np.cos(dip) * np.sin(strike),
        ]
        return np.array([nearest(self.displacement * part) for part in vector[: len(self.anchor)]])


@dataclass(frozen=True)
class Traced:
    """Where the samples of some rows came from.

    `number` is 0, or k + 1 on the trace of fault k; `block` names the rigid block of each sample, and the
    rock of block b lay at the sample's position minus `shifts[b]`.
    """

    number: Array
    block: Array
    shifts: Array

    def shift(self, axis: int) -> Array:
        """Return every sample's total displacement along one axis, in whole samples."""
        return self.shifts[:, axis].take(self.block)


def trace_back(
    faults: Sequence[Fault], thickness: float, rows: range, lateral: tuple[int, ...], centred: bool = False
) -> Traced:
    """Trace the samples of `rows` x `lateral` back through the faults, listed oldest first.

    Rock is torn at the far face of a fault's trace of the given thickness, as in RGM, or in its middle if `centred`.
    """
    return trace_points(faults, thickness, np.ogrid[rows.start : rows.stop, *map(slice, lateral)], centred)


def trace_points(faults: Sequence[Fault], thickness: float, grid: Sequence[Array], centred: bool = False) -> Traced:
    """Do what `trace_back` does for points: arrays of depth, x2 and x3 that broadcast to a shape of any dimension."""
    shape = np.broadcast_shapes(*(axis.shape for axis in grid))
    traced = Traced(np.zeros(shape, np.int16), np.zeros(shape, np.intp), np.zeros((1, len(grid)), np.intp))
    for number in range(len(faults), 0, -1):
        traced = _before_fault(traced, faults[number - 1], number, (thickness, centred), grid)
    return traced


def _before_fault(
    traced: Traced, fault: Fault, number: int, trace: tuple[float, bool], grid: Sequence[Array]
) -> Traced:
    thickness, centred = trace
    across = _distance_across(traced, fault, grid)
    on_trace = (across >= 0) & (across <= np.float32(thickness)) & (traced.number == 0)
    traced.number[on_trace] = number
    normal, slip = fault.normal(), fault.slip()
    # RGM compares the sample's corner with the far face, not its centre. Rounded slip has a part across.
    torn = thickness / 2 if centred else thickness - 0.5 * np.abs(normal).sum()
    block = traced.block + (across >= np.float32(torn + normal @ slip)) * len(traced.shifts)
    shifts = np.concatenate([traced.shifts, traced.shifts + slip])
    if len(shifts) > _MANY_BLOCKS:
        block, shifts = _only_used(block, shifts)
    return Traced(traced.number, block, shifts)


def _distance_across(traced: Traced, fault: Fault, grid: Sequence[Array]) -> Array:
    normal = fault.normal()
    parts = [(axis - at) * part for axis, at, part in zip(grid, fault.anchor, normal, strict=True)]
    lateral = sum(parts[2:], parts[1]).astype(np.float32)
    across: Array = parts[0].astype(np.float32) + lateral
    if len(traced.shifts) > 1:
        across -= (traced.shifts @ normal).astype(np.float32).take(traced.block)
    return across


def _only_used(block: Array, shifts: Array) -> tuple[Array, Array]:
    used = np.bincount(block.ravel(), minlength=len(shifts)) > 0
    return (np.cumsum(used) - 1).take(block), shifts[used]


def padding(faults: Sequence[Fault], ndim: int) -> list[int]:
    """Return how many samples the rock of an image of `ndim` axes can have moved along each axis."""
    slips = np.array([fault.slip() for fault in faults]).reshape(-1, ndim)
    return [int(max(axis[axis > 0].sum(), -axis[axis < 0].sum())) for axis in slips.T]
