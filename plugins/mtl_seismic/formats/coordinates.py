"""Coordinates: from the X and Y of trace headers to the matrix from line numbers to them, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]
SOME = 4096
"""Traces on which rounded coefficients are tried."""
MAX_OUTLIERS = 0.02
"""Share of traces whose coordinates may be wrong."""


def factors(scalars: NDArray[np.integer]) -> Float:
    """Bytes 71-72 as factors: a positive number multiplies, a negative one divides, zero means one."""
    values = scalars.astype(np.float64)
    divisors = np.where(values < 0, -values, 1.0)
    return np.where(values > 0, values, 1.0) / divisors


def fit(numbers: Sequence[Float], points: Float, unit: float) -> tuple[Matrix, float] | None:
    """The matrix to X and Y (points: traces x 2) by least squares, and its largest error; None without any.

    ``numbers``: the line numbers of each trace, for one or two axes; ``unit``: to what the points are rounded.
    Coefficients are rounded as far as that keeps to the points: they were round before they were stored.
    """
    known = points.any(axis=1)
    if not known.any():
        return None
    places = np.stack([np.asarray(axis, dtype=np.float64)[known] for axis in numbers], axis=1)
    return _fit(places, points[known], unit)


def robust_fit(numbers: Sequence[Float], points: Float, unit: float) -> tuple[Matrix, float, int] | None:
    """``fit`` without the few traces that are far off (MAX_OUTLIERS of them at most), whose number comes last."""
    found = fit(numbers, points, unit)
    known = np.flatnonzero(points.any(axis=1))
    if found is None or found[1] <= 1.01 * unit or len(known) < 16:
        return None if found is None else (*found, 0)
    places = np.stack([np.asarray(axis, dtype=np.float64)[known] for axis in numbers], axis=1)
    inside = np.ones(len(known), bool)
    for _ in range(4):
        matrix, _ = _fit(places[inside], points[known][inside], unit)
        missed = np.abs(apply(matrix, list(places.T)) - points[known]).max(axis=1)
        inside = missed <= np.quantile(missed, 0.9)
    matrix, error = _fit(places[inside], points[known][inside], unit)
    missed = np.abs(apply(matrix, list(places.T)) - points[known]).max(axis=1)
    inside = missed <= max(1.5 * error, 1.01 * unit)
    wrong = int((~inside).sum())
    if not 0 < wrong <= max(1, MAX_OUTLIERS * len(known)):
        return (*found, 0)
    return (*_fit(places[inside], points[known][inside], unit), wrong)


def _fit(places: Float, points: Float, unit: float) -> tuple[Matrix, float]:
    centre, middle = places.mean(axis=0), points.mean(axis=0)
    slopes = np.linalg.lstsq(places - centre, points - middle, rcond=1e-9)[0]
    raw = np.vstack([middle - centre @ slopes, slopes])
    some = np.linspace(0, len(points) - 1, min(len(points), SOME)).astype(int)
    columns = [_rounded(raw[:, k], places[some], points[some, k], unit) for k in (0, 1)]
    error = max(_error(column, places, points[:, k]) for k, column in enumerate(columns))
    rows = [tuple(map(float, (*column, 0.0)[:3])) for column in columns]
    return (rows[0], rows[1]), error  # type: ignore[return-value]


def apply(matrix: Matrix, numbers: Sequence[Float]) -> Float:
    """X and Y (traces x 2) at line numbers."""
    first, second = numbers[0], numbers[1] if len(numbers) > 1 else 0.0
    return np.stack([a + b * first + c * second for a, b, c in matrix], axis=1)


def spacing(matrix: Matrix, steps: Sequence[float]) -> float:
    """The smallest distance between neighbouring traces; 0 where it is not known."""
    sizes = [float(np.hypot(matrix[0][k], matrix[1][k])) * abs(step) for k, step in enumerate(steps, 1)]
    return min((size for size in sizes if size > 0), default=0.0)


def _error(column: Float, places: Float, values: Float) -> float:
    return float(np.abs(column[0] + places @ column[1:] - values).max())


def _rounded(column: Float, places: Float, values: Float, unit: float) -> Float:
    """The roundest coefficients that miss no value by more than the exact ones do, or than values are rounded."""
    allowed = max(_error(column, places, values) * 1.0001, unit * 0.501)
    for digits in range(9):
        slopes = column[1:].round(digits)
        base = float(np.mean(values - places @ slopes))
        for base_digits in range(-int(np.log10(max(unit, 1e-9))) if unit > 1 else 0, 7):
            candidate = np.array([round(base, base_digits), *slopes]) + 0.0
            if _error(candidate, places, values) <= allowed:
                return candidate
    return column
