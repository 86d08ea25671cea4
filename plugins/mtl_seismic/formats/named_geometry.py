"""The geometry that arrays next to a volume give: positions along its axes, live traces, X and Y of each trace.

Layouts: this package's own, xarray's and CF's (dimensions with coordinates of the same name), segysak's
(``iline``, ``xline``, ``twt``, ``cdp_x``, ``cdp_y``, ``coord_scalar``), MDIO's (``inline``, ``crossline``,
``time``, ``cdp_x``, ``cdp_y``, ``trace_mask``, ``unitsV1``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats import coordinates, crooked
from mtl_seismic.formats.arrays import LIVE, FlippedArray, distinct_names, positions
from mtl_seismic.formats.named_axes import CROSSLINE, DEPTH, IN_MS, INLINE, NamedArray, role, text_of, unit_in
from mtlcore.errors import MtlError
from mtlcore.io.volume import Axis, Geometry

LIVE_NAMES = (LIVE, "trace_mask", "live_mask")
"""What arrays of live traces are called here, and in MDIO's files of versions 1 and 0."""
XY_NAMES = (("cdp_x", "cdp_y"), ("cdpx", "cdpy"), ("cdp-x", "cdp-y"), ("CDP_X", "CDP_Y"), ("x", "y"), ("X", "Y"))
DOMAINS = ("d3_domain", "domain", "vertical_domain")
"""Attributes of a file that say time or depth: segysak's first."""
USUAL_STEPS_IN_MS = (0.25, 0.5, 2.0, 3.0, 4.0, 8.0)
"""An axis that is called samples and has such steps counts ms, as in SEG-Y."""
LONGEST_STEP_IN_S = 0.1
"""An axis of time in steps of less, of which nothing says the unit, is in seconds; else in ms."""


@dataclass(frozen=True)
class Surroundings:
    """What lies next to a volume: arrays by name, attributes of the file, and the axes' order (depth first).

    ``stored``: the geometry that this package wrote, if it did.
    """

    path: Path
    arrays: Mapping[str, NamedArray]
    attributes: Mapping[str, Any]
    order: tuple[int, ...]
    stored: Geometry | None = None


def read_geometry(volume: NamedArray, around: Surroundings) -> Geometry:
    """Axes, live traces, coordinates and the rest, depth first."""
    shape = tuple(volume.shape[axis] for axis in around.order)
    dimensions = [volume.dimensions[axis] for axis in around.order]
    live = _live(around, dimensions[1:], shape[1:])
    if around.stored is not None and _agrees(around.stored, around, dimensions, shape):
        return around.stored.like(live=live)
    geometry = _from_coordinates(around, dimensions, shape).like(live=live)
    return _with_xy(geometry, around, dimensions[1:])


def top_down(array: Any, geometry: Geometry, order: tuple[int, ...], stored: Geometry | None) -> tuple[Any, Geometry]:
    """An array and its geometry with depth increasing, where another program has stored the deepest sample first.

    Positions below 0 are heights: there the deepest has the lowest. Axes as this package wrote them stay.
    """
    vertical, *lateral = geometry.axes
    last = vertical.origin + (vertical.size - 1) * vertical.step
    ours = stored is not None and stored.axes == geometry.axes
    if ours or (vertical.origin + last) * vertical.step >= 0:
        return array, geometry
    flipped = FlippedArray(array, tuple(axis == order[0] for axis in range(len(order))))
    turned = replace(vertical, origin=last, step=-vertical.step)
    return flipped, geometry.like(axes=(turned, *lateral))


def _agrees(stored: Geometry, around: Surroundings, dimensions: list[str], shape: tuple[int, ...]) -> bool:
    """Whether the attributes are those of these axes: xarray keeps them where it cuts or turns a volume."""
    if stored.shape != shape or distinct_names([axis.name for axis in stored.axes]) != dimensions:
        return False
    found = [_along(around, dimension, axis.size) for dimension, axis in zip(dimensions, stored.axes, strict=True)]
    return all(
        values is None or np.array_equal(values, positions(axis))
        for values, axis in zip(found, stored.axes, strict=True)
    )


def _from_coordinates(around: Surroundings, dimensions: list[str], shape: tuple[int, ...]) -> Geometry:
    plain = Geometry.of_shape(shape)
    axes = tuple(_axis(around, name, axis) for name, axis in zip(dimensions, plain.axes, strict=True))
    stored = around.stored
    # The coordinates' matrix speaks of positions, so it holds for a part too, where its axes are the same.
    same = stored is not None and distinct_names([axis.name for axis in stored.axes]) == dimensions
    return plain.like(axes=axes, coordinates=stored.coordinates if stored is not None and same else None)


def _axis(around: Surroundings, dimension: str, plain: Axis) -> Axis:
    name = role(dimension) if role(dimension) in (INLINE, CROSSLINE) else dimension.rpartition("/")[2]
    values = _along(around, dimension, plain.size)
    if values is None:
        return replace(plain, name=name or plain.name)
    step = float(values[-1] - values[0]) / (plain.size - 1) if plain.size > 1 else 1.0
    even = values[0] + np.arange(plain.size) * step
    if not np.allclose(values, even, rtol=0, atol=abs(step) * 1e-3) or step == 0:
        raise MtlError(
            f"Axis '{dimension}' of {around.path} has uneven positions ({values[0]:g} to {values[-1]:g}): "
            "expected equal steps. Resample the volume, or drop that coordinate to count samples."
        )
    unit = around.arrays[dimension].unit or _usual_unit(around, dimension, abs(step)) or plain.unit
    factor = IN_MS.get(unit, 1.0)
    return Axis(
        name or plain.name, plain.size, float(values[0]) * factor, step * factor, "ms" if unit in IN_MS else unit
    )


def _usual_unit(around: Surroundings, dimension: str, step: float) -> str | None:
    """The unit of a vertical axis that does not say it: of time by its steps, of depth by the file's attribute."""
    name = dimension.rpartition("/")[2].lower()
    if role(name) != DEPTH:
        return "line" if role(name) else None
    domain = next((text_of(around.attributes[key]).lower() for key in DOMAINS if key in around.attributes), "")
    counted = "samp" in name
    if domain[:1] == "t" or (name.startswith(("t", "owt")) and not name.startswith("tvd")):
        return "s" if step < LONGEST_STEP_IN_S else "ms"
    if counted and domain[:1] != "d":
        return "ms" if step in USUAL_STEPS_IN_MS else None
    return unit_in({"units": around.attributes.get("measurement_system", "")})


def _along(around: Surroundings, dimension: str, size: int) -> NDArray[np.float64] | None:
    """The positions along an axis, where the file has them as numbers."""
    array = around.arrays.get(dimension)
    if array is None or array.shape != (size,) or array.kind not in "fiu":
        return None
    values = np.asarray(array.read(), np.float64)
    return values if np.isfinite(values).all() else None


def _live(around: Surroundings, dimensions: list[str], shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    for name, array in around.arrays.items():
        if name.rpartition("/")[2] not in LIVE_NAMES:
            continue
        live = _over_traces(array, around, dimensions, shape)
        if live is None:
            raise MtlError(
                f"Array '{name}' of {around.path} has the shape {array.shape}: expected one value a trace, {shape}."
            )
        return live.astype(bool)
    return None


def _over_traces(
    array: NamedArray, around: Surroundings, dimensions: Sequence[str], shape: tuple[int, ...]
) -> NDArray[Any] | None:
    """An array of one value a trace, its axes in the volume's order; None where it is something else."""
    if len(array.shape) != len(shape):
        return None
    names = list(array.dimensions)
    if sorted(names) == sorted(dimensions) and len(set(names)) == len(names):
        turned = [names.index(dimension) for dimension in dimensions]
    elif any(names) and any(dimensions):
        return None
    else:
        # Without names it has the file's own order.
        stored = sorted(around.order[1:])
        turned = [stored.index(axis) for axis in around.order[1:]]
    if tuple(array.shape[axis] for axis in turned) != shape:
        return None
    return np.transpose(array.read(), turned)


def _with_xy(geometry: Geometry, around: Surroundings, dimensions: list[str]) -> Geometry:
    """The geometry with X and Y where the file has them for each trace."""
    by_name = {name.rpartition("/")[2]: array for name, array in around.arrays.items()}
    for pair in XY_NAMES:
        arrays = [by_name[name] for name in pair if name in by_name]
        found = [_over_traces(array, around, dimensions, geometry.shape[1:]) for array in arrays]
        if len(found) == 2 and all(values is not None and values.dtype.kind in "fiu" for values in found):
            points = np.stack([np.asarray(values, np.float64).ravel() for values in found], axis=1)
            return _placed(geometry, points * _scale(around.attributes), arrays[0].unit)
    return geometry


def _placed(geometry: Geometry, points: NDArray[np.float64], unit: str | None) -> Geometry:
    """The matrix that fits X and Y of all traces (points: traces x 2); of a crooked line, X and Y themselves."""
    known = np.isfinite(points).all(axis=1) & points.any(axis=1)
    if geometry.live is not None:
        known &= np.asarray(geometry.live).ravel()
    index = np.indices(geometry.shape[1:]).reshape(len(geometry.axes) - 1, -1)
    pairs = zip(geometry.axes[1:], index, strict=True)
    numbers = [np.asarray(axis.origin + axis.step * row, np.float64) for axis, row in pairs]
    fitted = coordinates.fit([row[known] for row in numbers], points[known], 0.01)
    if fitted is None:
        return geometry
    matrix, error = fitted
    bin_size = coordinates.spacing(matrix, [axis.step for axis in geometry.axes[1:]])
    extra: dict[str, Any] = {"coordinate_unit": unit} if unit and unit != "m" else {}
    if len(numbers) == 1 and error > 0.01 * bin_size and known.all():
        extra |= crooked.attribute(points)
    elif error > 0.5 * bin_size:
        # No grid of equal steps: the numbers are something else.
        return geometry
    return geometry.like(coordinates=matrix, attributes=geometry.attributes | extra)


def _scale(attributes: Mapping[str, Any]) -> float:
    """segysak's ``coord_scalar`` where it was not applied: above 0 it multiplies, below it divides."""
    try:
        scalar = float(np.asarray(attributes.get("coord_scalar", 0)).flat[0])
    except (TypeError, ValueError, IndexError):
        return 1.0
    applied = text_of(attributes.get("coord_scaled")) == "True" or bool(np.any(attributes.get("coord_scaled") == True))  # noqa: E712
    if scalar == 0 or applied or not np.isfinite(scalar):
        return 1.0
    return scalar if scalar > 0 else -1 / scalar
