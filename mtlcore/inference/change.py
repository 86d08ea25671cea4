"""How much a refining pass changes each field, from sums that add up over the parts of a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtlcore.plugin.outputs import Output

Array = NDArray[np.float32]


class Change(NamedTuple):
    """``difference`` and ``before``: sums of squares of the change and of the field before it, or, for axial angles,
    of the change in units of 90 degrees and nothing; ``samples``: their number."""

    difference: float = 0.0
    before: float = 0.0
    samples: int = 0
    axial: bool = False

    def plus(self, other: Change) -> Change:
        """Of two parts of a volume together."""
        return Change(
            self.difference + other.difference, self.before + other.before, self.samples + other.samples, other.axial
        )

    @property
    def relative(self) -> float:
        """Root mean square of the change over that of the field before; of axial angles their mean over 90 degrees."""
        if self.samples == 0:
            return 0.0
        if self.axial:
            return self.difference / self.samples
        return float(np.sqrt(self.difference / self.before)) if self.before > 0 else float(self.difference > 0)


def change(
    outputs: Sequence[Output], before: Mapping[str, Array], after: Mapping[str, Array], dead: NDArray[np.bool_]
) -> dict[str, Change]:
    """The change of each field over the live samples of a part of a volume; of axial angles where the output that
    masks them is above one half."""
    return {
        output.name: _change_of(output, before, after, ~dead)
        for output in outputs
        if output.name in before and output.name in after
    }


def _change_of(
    output: Output, before: Mapping[str, Array], after: Mapping[str, Array], live: NDArray[np.bool_]
) -> Change:
    mask = output.display.mask
    if mask is not None and mask in after:
        live = live & (after[mask] > 0.5)
    old, new = before[output.name][live].astype(np.float64), after[output.name][live].astype(np.float64)
    if output.merge == "axial":
        difference = np.abs(new - old) % 180
        return Change(float(np.minimum(difference, 180 - difference).sum() / 90), 0.0, old.size, True)
    return Change(float(np.sum((new - old) ** 2)), float(np.sum(old**2)), old.size)
