"""Aligning traces with the sequence of levels: dynamic programming over match scores.

As two sequences are aligned with gaps that cost to open (Needleman and Wunsch 1970, J. Mol. Biol. 48; Gotoh 1982,
J. Mol. Biol. 162): levels increase row by row, may be skipped or repeated by a jump at a fault or an unconformity,
and rows may be unmatched. It is done by a compiled kernel where there is a compiler (kernel.py), and otherwise by
numpy (scores.py, lattice.py), several times more slowly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.heads.tracking import kernel, scores
from mtl_seismic.heads.tracking.bands import bands_around, level_range
from mtl_seismic.heads.tracking.levels import rows_of_levels
from mtl_seismic.heads.tracking.problem import Alignment, Costs, Neighbours, Traces

Array = NDArray[np.float32]
Indices = NDArray[np.int64]


def neighbours_at_levels(key: Array, levels: Array, count: int, row_of_level: Array | None = None) -> Neighbours:
    """``key``: traces x rows x channels; ``levels``: traces x rows; ``count``: of levels; ``row_of_level`` if known."""
    compiled = kernel.available()
    if row_of_level is None:
        at = kernel.rows_of_levels if compiled else rows_of_levels
        row_of_level = at(levels, count)
    at_levels = kernel.keys_at_levels if compiled else scores.keys_at_levels
    return Neighbours(at_levels(key, row_of_level), row_of_level, *level_range(levels))


def align(traces: Traces, neighbours: Indices, among: Neighbours, costs: Costs) -> Alignment:
    """Align traces with the levels of their neighbours: ``neighbours``, traces x any, indices of ``among``, -1 for
    none; every trace has one."""
    bands = bands_around(among.lowest, among.highest, neighbours, among.row_of_level.shape[1])
    best = kernel.align if kernel.available() else scores.align
    return best(traces, neighbours, among, bands, costs)
