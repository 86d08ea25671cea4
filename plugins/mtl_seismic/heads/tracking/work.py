"""The arrays of a run as tracking reads and writes them: by name and lateral window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.heads.correspondence import CELL
from mtl_seismic.heads.tracking.final_levels import RGT
from mtl_seismic.heads.tracking.store import Window
from mtl_seismic.heads.tracking.windows import cells_of

if TYPE_CHECKING:
    from mtlcore.inference.solving import SolveWork


class WorkArrays:
    """A Source and a Store over the work of a task's last step; its output goes where the run keeps outputs."""

    def __init__(self, work: SolveWork) -> None:
        self._work = work
        columns = [column[1:] for column in work.columns]
        # State is in samples or in cells; a column is known by where it begins.
        self._numbers = {False: _by_start(columns), True: _by_start([cells_of(column) for column in columns])}
        self._in_cells: dict[str, bool] = {}

    def read(self, name: str, window: Window) -> NDArray[Any]:
        """All of an array's depth and channels in a window."""
        return self._work.read(name, (slice(0, self._work.cells(name)[0]), *window))

    def create(self, name: str, shape: tuple[int, ...], dtype: str) -> None:
        """Make room for an array, of samples or of cells."""
        if name != RGT:
            self._in_cells[name] = shape != self._work.shape
            ratio = CELL if self._in_cells[name] else 1
            self._work.create(name, (ratio,) * len(shape), half=dtype == "float16")

    def write(self, name: str, window: Window, values: NDArray[Any]) -> None:
        """Put values into a column."""
        number = self._numbers[self._in_cells.get(name, False)][tuple(part.start for part in window)]
        if name == RGT:
            self._work.write(name, number, values)
        else:
            self._work.write_state(name, number, np.asarray(values))

    def drop(self, name: str) -> None:
        """An array is not needed any more."""
        self._work.drop(name)


def _by_start(columns: list[Window]) -> dict[tuple[int, ...], int]:
    return {tuple(part.start for part in column): number for number, column in enumerate(columns)}
