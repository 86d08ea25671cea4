"""What is aligned with what, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Costs:
    """Negative natural logarithms of probability, but for ``wrong``, the probability that the scores are.

    ``jump``: onto a level that does not continue the one above, where nothing is known of faults; where their
    probability is, it is between ``jump_elsewhere`` and ``jump_at_fault``, below 0, since few faults are that sure;
    ``jump_per_level``: for each level that a jump passes, so that what looks alike far above or below is not confused;
    ``thickness_change``: of going on 0 or 2 levels instead of 1; ``open``: of the first of some unmatched rows;
    ``missing_level``: of each row on a level that no neighbour has; ``unmatched``: how much less likely than a pair of
    traces says it is that several traces lack a row's horizon; ``inside``: of each unmatched row between two matched
    ones. Strata that no trace had before come in from above and below; between others they are rare, and otherwise a
    fault block could be tracked a second time as new strata.
    """

    jump: float = 18.0
    jump_at_fault: float = -1.0
    jump_elsewhere: float = 34.0
    jump_per_level: float = 0.3
    thickness_change: float = 2.0
    open: float = 10.0
    missing_level: float = 1.0
    unmatched: float = 2.0
    wrong: float = 0.02
    inside: float = 1.0


class Traces(NamedTuple):
    """Traces to align. ``query``: traces x rows x channels, scaled so that products are log-odds; ``jumps``: traces x
    rows, the cost of a jump onto each row."""

    query: Array
    jumps: Array


class Neighbours(NamedTuple):
    """Traces with known levels. ``keys``: traces x channels x levels, 0 where a trace lacks the level, as
    ``row_of_level`` (traces x levels) says; ``lowest`` and ``highest`` level of each block of rows (see bands.py)."""

    keys: Array
    row_of_level: Array
    lowest: Array
    highest: Array


class Alignment(NamedTuple):
    """Of some traces, traces x rows: levels ``rounded`` and with fractions, ``agreement``, the geometric mean
    probability that the neighbours give to each row's level (0..1), and which rows are ``unmatched`` (their level is
    that of the row above them, -1 above all)."""

    rounded: Indices
    levels: Array
    agreement: Array
    unmatched: Mask


def scaled_query(query: Array) -> Array:
    """Queries (traces x rows x channels, changed in place) whose products with keys are log-odds, as in training."""
    query /= np.float32(query.shape[2] ** 0.5)
    return query


def jump_costs(faults: Array | None, shape: tuple[int, int], costs: Costs) -> Array:
    """Cost of a jump onto each row, from the fault probability there and in the row above; all traces x rows."""
    if faults is None:
        return np.full(shape, costs.jump, np.float32)
    probability = np.maximum(faults, np.pad(faults, ((0, 0), (1, 0)))[:, :-1])
    return np.asarray(costs.jump_elsewhere + (costs.jump_at_fault - costs.jump_elsewhere) * probability, np.float32)
