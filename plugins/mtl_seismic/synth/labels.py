"""Fault labels of a whole image, from the number of the fault that crosses each sample."""

from collections.abc import Sequence

import numpy as np

from mtl_seismic.stochastic.draws import Array
from mtl_seismic.stochastic.faults import Fault

_SAMPLES_AT_ONCE = 1 << 17  # small enough that the working arrays stay in cache


def fault_labels(number: Array, faults: Sequence[Fault]) -> dict[str, Array]:
    """Turn fault numbers (0: none, k + 1: fault k) into probability, dip and in 3D strike (degrees)."""
    labels = {
        "fault_probability": (number > 0).astype(np.float32),
        "fault_dip": np.array([0, *(fault.dip for fault in faults)], np.float32).take(number),
    }
    if number.ndim == 3:
        labels["fault_strike"] = np.array([0, *(fault.strike for fault in faults)], np.float32).take(number)
    return labels


def row_chunks(shape: Sequence[int]) -> list[range]:
    """Split the depth axis into runs of rows that are worked on at once."""
    rows = max(1, _SAMPLES_AT_ONCE // int(np.prod(shape[1:])))
    return [range(start, min(start + rows, shape[0])) for start in range(0, shape[0], rows)]
