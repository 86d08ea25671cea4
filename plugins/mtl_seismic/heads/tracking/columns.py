"""The traces of a column, read from where embeddings and levels are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.heads.correspondence import CELL
from mtl_seismic.heads.tracking.problem import Costs, Traces, jump_costs, scaled_query
from mtl_seismic.heads.tracking.store import Source, Store, Window
from mtl_seismic.heads.tracking.windows import indices, samples_of

Array = NDArray[np.float32]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
QUERY, KEY = "rgt_query", "rgt_key"
FAULTS = "fault_probability"
LEVELS, AGREEMENT, CELL_FAULTS = "rgt_levels", "rgt_agreement", "rgt_faults"


@dataclass(frozen=True)
class Columns:
    """Embeddings in ``source``, channels x rows x cells, with fault probability (``faults``) in samples; the state of
    tracking in ``store``. ``shape``: of the volume in samples; ``channels``: of an embedding.

    State, after each step: levels (float32, rows x cells; NaN in traces that are not tracked yet) and agreement
    (float16; negative in unmatched rows, whose level is that of the row above). Fault probability of cells (float16)
    stays the same.
    """

    source: Source
    store: Store
    shape: tuple[int, ...]
    channels: int
    faults: bool
    costs: Costs

    @property
    def rows(self) -> int:
        """Cells along depth."""
        return -(-self.shape[0] // CELL)

    @property
    def cells(self) -> tuple[int, ...]:
        """Cells along the horizontal axes."""
        return tuple(-(-size // CELL) for size in self.shape[1:])

    def traces(self, window: Window, chosen: Indices) -> Traces:
        """Some traces of a window, to be aligned, by their position in it."""
        query = _by_trace(self.source.read(QUERY, window), chosen)
        shape = (len(chosen), self.rows)
        faults = _by_trace(self.store.read(CELL_FAULTS, window)[None], chosen)[..., 0] if self.faults else None
        return Traces(scaled_query(query), jump_costs(faults, shape, self.costs))

    def write_faults(self, window: Window) -> None:
        """Keep the fault probability of cells, if it is known."""
        if self.faults:
            samples = self.source.read(FAULTS, samples_of(window, self.shape[1:]))
            self.store.write(CELL_FAULTS, window, _mean_of_cells(samples).astype(np.float16))

    def keys(self, windows: list[Window], wanted: Indices) -> Array:
        """Keys of traces by their index in the grid, each in one of the windows: traces x rows x channels."""
        found = np.empty((len(wanted), self.rows, self.channels), np.float32)
        missing = np.ones(len(wanted), np.bool_)
        for window in windows:
            ids = indices(window, self.cells)
            here = missing & np.isin(wanted, ids)
            if here.any():
                found[here] = _by_trace(self.source.read(KEY, window), np.searchsorted(ids, wanted[here]))
                missing &= ~here
        return found

    def create_state(self, number: int) -> None:
        """Room for the state after a step."""
        self.store.create(f"{LEVELS}_{number}", (self.rows, *self.cells), "float32")
        self.store.create(f"{AGREEMENT}_{number}", (self.rows, *self.cells), "float16")

    def drop_state(self, number: int) -> None:
        """The state after a step is not needed any more."""
        for name in (LEVELS, AGREEMENT):
            self.store.drop(f"{name}_{number}")

    def read_levels(self, number: int, window: Window) -> Array:
        """Levels after a step: traces x rows."""
        return _rows_last(self.store.read(f"{LEVELS}_{number}", window))

    def read_state(self, number: int, window: Window) -> tuple[Array, Array]:
        """Levels and agreement after a step: traces x rows."""
        return self.read_levels(number, window), _rows_last(self.store.read(f"{AGREEMENT}_{number}", window))

    def write_state(self, number: int, window: Window, levels: Array, agreement: Array) -> None:
        """Keep levels and agreement, traces x rows."""
        shape = (self.rows, *(part.stop - part.start for part in window))
        self.store.write(f"{LEVELS}_{number}", window, levels.T.reshape(shape))
        self.store.write(f"{AGREEMENT}_{number}", window, agreement.T.reshape(shape).astype(np.float16))


def _by_trace(values: NDArray[Any], chosen: Indices) -> Array:
    """Channels x rows x ... to some traces x rows x channels, float32."""
    moved = np.moveaxis(values, (0, 1), (-1, -2))
    return np.ascontiguousarray(moved[np.unravel_index(chosen, moved.shape[:-2])], np.float32)


def _rows_last(values: NDArray[Any]) -> Array:
    """Rows x ... to float32, traces x rows, a copy."""
    return np.array(values.reshape(len(values), -1).T, np.float32, order="C")


def _mean_of_cells(samples: NDArray[Any]) -> Array:
    """Means of cells of 2 samples along each axis, of what is left at an odd end; of windows of any size, unlike
    pooling."""
    mean = np.asarray(samples, np.float32)
    for axis in range(mean.ndim):
        along = np.moveaxis(mean, axis, 0)
        first, second = along[::CELL].copy(), along[1::CELL]
        first[: len(second)] = (first[: len(second)] + second) * np.float32(0.5)
        mean = np.moveaxis(first, 0, axis)
    return np.ascontiguousarray(mean)
