"""Throw from relative time, against displacements that are put in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import normals_from_angles
from mtl_seismic.interpret.faults.extract import FaultSurface, extract_faults
from mtlcore.io.volume import ArrayVolume, Geometry

Array = NDArray[np.float32]
Fields = dict[str, Array]


def add_time(
    fields: Fields, point: tuple[float, ...], dip: float, strike: float | None, throw: float, tilt: float = 0.0
) -> Fields:
    """With layers of non-uniform thickness and this slope, whose part above the fault has slid down it."""
    shape = fields["fault_probability"].shape
    places = np.moveaxis(np.indices(shape), 0, -1).astype(float)
    normal = normals_from_angles(np.array([dip]), None if strike is None else np.array([strike]))[0]
    normal = normal if normal[0] < 0 else -normal
    down = -normal * normal[0]
    down[0] += 1
    down *= throw / down[0]
    above = (places - np.array(point)) @ normal > 0
    origin = np.where(above[..., None], places - down, places)
    depth = origin[..., 0] + tilt * (origin[..., -1] - point[-1])
    time = (depth + 30 + 3 * np.sin(depth / 9)) / (shape[0] + 60)
    return fields | {"rgt": time.astype(np.float32)}


@pytest.mark.parametrize("throw", [6.0, -6.0, 15.0, 0.0])
@pytest.mark.parametrize("dip", [55.0, 115.0])
def test_throw_in_3d(make_fields: Callable[..., Fields], dip: float, throw: float) -> None:
    point = (32.0, 18.0, 24.0)
    fields = add_time(make_fields((64, 36, 48), [(point, dip, 70.0)]), point, dip, 70.0, throw, tilt=0.15)
    (fault,) = extract_faults(fields)
    known = np.isfinite(fault.throw)
    # Near the top and bottom, a side has no horizon of that time.
    assert known.mean() > 0.2
    assert abs(fault.median_throw - throw) < 0.3
    assert np.percentile(np.abs(fault.throw[known] - throw), 95) < 1
    of_sticks = np.concatenate([stick.throw for stick in fault.sticks])
    assert abs(np.nanmedian(of_sticks) - throw) < 0.3


@pytest.mark.parametrize("throw", [5.0, -8.0])
def test_throw_in_2d(make_fields: Callable[..., Fields], throw: float) -> None:
    point = (50.0, 45.0)
    (fault,) = extract_faults(add_time(make_fields((100, 90), [(point, 62.0, None)]), point, 62.0, None, throw))
    assert abs(fault.median_throw - throw) < 0.3


def test_throw_is_unknown_without_time_and_beside_dead_traces(make_fields: Callable[..., Fields]) -> None:
    point = (50.0, 45.0)
    fields = make_fields((100, 90), [(point, 62.0, None)])
    assert np.isnan(extract_faults(fields)[0].throw).all()
    fields = add_time(fields, point, 62.0, None, 5.0)
    live = np.ones(90, bool)
    live[46:] = False
    geometry = Geometry.of_shape((100, 90), live=live)
    fields["rgt"][:, ~live] = 0
    volumes = {name: ArrayVolume(values, geometry) for name, values in fields.items()}
    fault: FaultSurface = extract_faults(volumes)[0]
    beside = np.abs(fault.points[:, 1] - 46) < 4
    assert beside.any() and np.isnan(fault.throw[beside]).all()
