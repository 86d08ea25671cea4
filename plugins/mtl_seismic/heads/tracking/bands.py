"""Bands of levels: of all levels of a tall section, few can be a row's.

Each trace has a band of levels for every few rows, of one width and moving down in steps, so that time and memory grow
with the height of a section and not with its square. It follows from the trace's own neighbours alone: results do not
depend on which traces are aligned together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Indices = NDArray[np.int64]
BAND_REACH = 72
"""Levels in a band above and below those that the neighbours have in its rows: room for dips and throws."""
BAND_ROWS = 32
"""Consecutive rows that share one band."""
WIDTH_STEP = 16
"""Widths are multiples of it, or all levels: few are different."""


class Bands(NamedTuple):
    """``width`` (traces) levels for each row, the first of them ``first`` (traces x blocks of BAND_ROWS rows), which
    never decreases with depth."""

    first: Indices
    width: Indices

    def of_rows(self, rows: int) -> Indices:
        """The first level of each row, traces x rows."""
        return np.repeat(self.first, BAND_ROWS, axis=1)[:, :rows]


def level_range(levels: Array) -> tuple[Array, Array]:
    """The lowest and the highest of the levels (traces x rows) in each block of rows, traces x blocks."""
    starts = np.arange(0, levels.shape[1], BAND_ROWS)
    return np.minimum.reduceat(levels, starts, axis=1), np.maximum.reduceat(levels, starts, axis=1)


def bands_around(lowest: Array, highest: Array, neighbours: Indices, count: int) -> Bands:
    """Bands for traces around the levels of their neighbours.

    ``lowest``, ``highest``: see ``level_range``, of all traces; ``neighbours``: traces x any, -1 for none; ``count``:
    of levels.
    """
    traces, blocks = len(neighbours), lowest.shape[1]
    if count <= 2 * BAND_REACH:
        return Bands(np.zeros((traces, blocks), np.int64), np.full(traces, count, np.int64))
    missing = (neighbours < 0)[..., None]
    low = np.where(missing, np.inf, lowest[neighbours]).min(1)
    high = np.where(missing, -np.inf, highest[neighbours]).max(1)
    first = np.maximum(np.floor(low) - BAND_REACH, 0)
    first = np.minimum.accumulate(first[:, ::-1], axis=1)[:, ::-1].astype(np.int64)
    last = np.maximum.accumulate(np.minimum(np.ceil(high) + BAND_REACH, count - 1), axis=1).astype(np.int64)
    width = np.minimum(-((first - last - 1).min(1) // WIDTH_STEP) * WIDTH_STEP, count)
    return Bands(np.ascontiguousarray(np.minimum(first, count - width[:, None])), width)
