"""Levels and rows: the row of each level, levels of unmatched rows, runs of rows."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]
NO_ROW = -1.0
"""In place of a row: the trace lacks the level."""
MISSING_STEP = 2.5
"""Levels between two rows that are more than a layer that thickens: those between are missing in the trace."""


def rows_of_levels(levels: Array, count: int) -> Array:
    """The row, with its fraction, that first reaches each of ``count`` levels, traces x count; NO_ROW where none does.

    ``levels``: traces x rows.
    """
    reached = torch.from_numpy(levels).cummax(1).values
    rows = levels.shape[1]
    wanted = torch.arange(count, dtype=reached.dtype).expand(len(levels), -1).contiguous()
    below = torch.searchsorted(reached, wanted).clamp(1, rows - 1)
    upper, lower = reached.gather(1, below - 1), reached.gather(1, below)
    part = ((wanted - upper) / (lower - upper).clamp(min=1e-6)).clamp(0, 1)
    outside = (wanted < reached[:, :1] - 0.5) | (wanted > reached[:, -1:] + 0.5)
    return torch.where(outside | (lower - upper > MISSING_STEP), NO_ROW, below - 1 + part).numpy()


def fill_unmatched(levels: Tensor, unmatched: Tensor) -> Tensor:
    """Levels, traces x rows, with those of unmatched rows interpolated between the rows around them; above and below
    all matched rows they increase by one a row."""
    count = levels.shape[1]
    rows = torch.arange(count)
    above = torch.where(unmatched, -1, rows).cummax(1).values
    below = torch.where(unmatched, count, rows).flip(1).cummin(1).values.flip(1)
    upper, lower = (levels.gather(1, ends.clamp(0, count - 1)) for ends in (above, below))
    inside = upper + (rows - above) / (below - above).clamp(min=1) * (lower - upper)
    ends = torch.where(above < 0, lower - (below - rows), upper + (rows - above))
    filled = torch.where((above < 0) | (below == count), ends, inside)
    return torch.where(unmatched, filled, levels)


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where flags are set without a break: (first, one past the last)."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
