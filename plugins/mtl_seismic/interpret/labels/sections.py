"""Which sections of a volume were interpreted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ON = 0.25
"""Lines by which the nodes of a stick may lie off its section."""
ENOUGH = 0.5
"""Share of a section's traces with a pick from which it counts as interpreted."""


def interpreted(shape: tuple[int, ...], sticks: Sequence[Floats], grids: Sequence[Floats], axis: int) -> list[int]:
    """Indexes of the sections across an axis (1: inlines, 2: crosslines) with a stick or a horizon on them."""
    found = set()
    for stick in sticks:
        line = round(float(stick[:, axis].mean()))
        if np.abs(stick[:, axis] - line).max() <= ON and 0 <= line < shape[axis]:
            found.add(line)
    for grid in grids:
        share = np.isfinite(grid).mean(axis=2 - axis)
        found |= set(np.flatnonzero(share >= ENOUGH).tolist())
    return sorted(found)


def thinned(sections: list[int], most: int) -> list[int]:
    """At most so many of the sections, evenly spread: neighbours say the same."""
    if len(sections) <= most:
        return sections
    return [sections[round(at)] for at in np.linspace(0, len(sections) - 1, most)]


def split(sections: list[int], share: float) -> tuple[list[int], list[int]]:
    """Sections to train on and to validate with, the latter evenly spread; a single one serves as both."""
    count = min(max(round(share * len(sections)), 1), max(len(sections) - 1, 1))
    chosen = {sections[int((at + 0.5) * len(sections) / count)] for at in range(count)}
    train = [section for section in sections if section not in chosen]
    return train or sections, sorted(chosen)
