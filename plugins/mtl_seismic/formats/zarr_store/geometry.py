"""The geometry of a store: from its coordinate arrays, and from ``mtl_geometry`` where the two agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.arrays import LIVE, distinct_names, positions
from mtl_seismic.formats.sidecar import Sidecar, sidecar_geometry
from mtl_seismic.formats.zarr_store.layout import GEOMETRY
from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.io.volume import Axis, Geometry

if TYPE_CHECKING:
    import zarr

DEPTH_NAMES = {"depth", "time", "twt", "z", "sample", "samples"}
LIVE_NAMES = (LIVE, "trace_mask")
"""What arrays of live traces are called here, and in MDIO's stores."""


def depth_first(array: zarr.Array[Any]) -> tuple[int, ...]:
    """The array's axes in this package's order: where exactly one is named like depth, it comes first."""
    order = list(range(array.ndim))
    depth = [axis for axis, name in enumerate(dimension_names(array)) if name.lower() in DEPTH_NAMES]
    return tuple(depth + [axis for axis in order if axis not in depth]) if len(depth) == 1 else tuple(order)


def dimension_names(array: zarr.Array[Any]) -> list[str]:
    """The axes' names; empty where they have none. Version 2 knows them by xarray's attribute."""
    found = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    names: list[Any] = list(found) if isinstance(found, list | tuple) else []
    return [str(name or "") for name in names] if len(names) == array.ndim else [""] * array.ndim


def read_geometry(path: Path, array: zarr.Array[Any], group: zarr.Group | None, axes: tuple[int, ...]) -> Geometry:
    """Axes, live traces and the rest, depth first."""
    names = dimension_names(array)
    shape, dimensions = tuple(int(array.shape[axis]) for axis in axes), [names[axis] for axis in axes]
    if group is None:
        return _with_names(Geometry.of_shape(shape), dimensions)
    stored = _stored(path, group)
    if stored is None or not _agrees(stored, group, dimensions, shape):
        stored = _from_coordinates(path, group, dimensions, shape, stored)
    return stored.like(live=_live(path, group, dimensions[1:], shape[1:]))


def _stored(path: Path, group: zarr.Group) -> Geometry | None:
    content = group.attrs.get(GEOMETRY)
    if not isinstance(content, dict):
        return None
    where = f"{GEOMETRY} of {path}"
    return sidecar_geometry(build(Sidecar, content, where), where)


def _agrees(stored: Geometry, group: zarr.Group, dimensions: list[str], shape: tuple[int, ...]) -> bool:
    """Whether the attributes are those of these axes: xarray keeps them where it cuts or turns a volume."""
    if stored.shape != shape or distinct_names([axis.name for axis in stored.axes]) != dimensions:
        return False
    found = [_coordinate(group, dimension, axis.size) for dimension, axis in zip(dimensions, stored.axes, strict=True)]
    return all(
        values is None or np.array_equal(values, positions(axis))
        for values, axis in zip(found, stored.axes, strict=True)
    )


def _from_coordinates(
    path: Path, group: zarr.Group, dimensions: list[str], shape: tuple[int, ...], stored: Geometry | None
) -> Geometry:
    plain = _with_names(Geometry.of_shape(shape), dimensions)
    axes = tuple(_axis(path, group, dimension, axis) for dimension, axis in zip(dimensions, plain.axes, strict=True))
    # The coordinates' matrix speaks of positions, so it holds for a part too, where its axes are the same.
    same = stored is not None and distinct_names([axis.name for axis in stored.axes]) == dimensions
    return plain.like(axes=axes, coordinates=stored.coordinates if stored is not None and same else None)


def _axis(path: Path, group: zarr.Group, dimension: str, plain: Axis) -> Axis:
    values = _coordinate(group, dimension, plain.size)
    if values is None:
        return plain
    step = float(values[-1] - values[0]) / (plain.size - 1) if plain.size > 1 else 1.0
    even = values[0] + np.arange(plain.size) * step
    if not np.allclose(values, even, rtol=0, atol=abs(step) * 1e-3) or step == 0:
        raise MtlError(
            f"Axis '{dimension}' of {path} has uneven positions ({values[0]:g} to {values[-1]:g}): "
            "expected equal steps. Resample the volume, or drop that coordinate to count samples."
        )
    unit = group[dimension].attrs.get("units")
    return replace(plain, origin=float(values[0]), step=step, unit=str(unit) if unit else plain.unit)


def _coordinate(group: zarr.Group, dimension: str, size: int) -> NDArray[np.float64] | None:
    """The positions along an axis, where the store holds them as numbers."""
    array = _array(group, dimension)
    if array is None or array.shape != (size,) or array.dtype.kind not in "fiu":
        return None
    return np.asarray(array[:], np.float64)


def _live(path: Path, group: zarr.Group, dimensions: list[str], shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    for name in LIVE_NAMES:
        array = _array(group, name)
        if array is None:
            continue
        names = dimension_names(array)
        live = np.asarray(array[:]).astype(bool)
        if sorted(names) == sorted(dimensions) and len(set(names)) == len(names):
            live = np.transpose(live, [names.index(dimension) for dimension in dimensions])
        if live.shape != shape:
            raise MtlError(f"Array '{name}' of {path} has the shape {live.shape}: expected one value a trace, {shape}.")
        return live
    return None


def _array(group: zarr.Group, name: str) -> zarr.Array[Any] | None:
    found: Any = group.get(name) if name else None
    # A group may have the name of an axis too.
    return found if hasattr(found, "dtype") else None


def _with_names(geometry: Geometry, dimensions: list[str]) -> Geometry:
    named = zip(geometry.axes, dimensions, strict=True)
    return geometry.like(axes=tuple(replace(axis, name=dimension or axis.name) for axis, dimension in named))
