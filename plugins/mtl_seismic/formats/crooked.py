"""Crooked 2D lines: X and Y of every trace, where no matrix gives them.

They travel in ``Geometry.attributes``, which every format keeps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.io.volume import Geometry

KEY = "trace_xy"
Floats = NDArray[np.float64]


def attribute(points: Floats) -> dict[str, Any]:
    """The attribute that holds the points (traces x 2) of a line, as JSON values."""
    return {KEY: [[round(float(value), 4) for value in row] for row in np.transpose(points)]}


def trace_points(geometry: Geometry) -> Floats | None:
    """X and Y (traces x 2) of a crooked line; None where ``Geometry.coordinates`` says all there is."""
    rows = geometry.attributes.get(KEY)
    if rows is None or len(geometry.axes) != 2:
        return None
    try:
        points = np.array(rows, np.float64).T
    except (TypeError, ValueError):
        return None
    # An axis that was cut or resampled has other traces than the ones told of.
    return points if points.shape == (geometry.shape[1], 2) else None


def is_course(steps: Floats) -> bool:
    """Whether distances from trace to trace are those of a line, and not of words that hold something else."""
    return bool(steps.size and steps.mean() > 0 and steps.max() <= 10 * steps.mean())
