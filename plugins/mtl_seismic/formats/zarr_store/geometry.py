"""A store's arrays by name, and the geometry that they give its volume; also of MDIO's stores of version 0.

MDIO 0: the volume is ``data/chunked_012``, live traces are ``metadata/live_mask``, trace headers (a structured
array) ``metadata/chunked_012_trace_headers``, and the root's attribute ``dimension`` lists each axis' name and
positions. MDIO 1: arrays with named dimensions; the root's attributes name the default one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_seismic.formats.named_axes import NamedArray, depth_first, names_by_size
from mtl_seismic.formats.named_geometry import Surroundings
from mtl_seismic.formats.sidecar import Sidecar, sidecar_geometry
from mtl_seismic.formats.zarr_store.layout import GEOMETRY
from mtlcore.config import build
from mtlcore.io.volume import Geometry

if TYPE_CHECKING:
    import zarr

MDIO_0_HEADERS = "trace_headers"
DEEPEST = 4
"""Groups within groups that are looked into."""


def arrays_in(group: zarr.Group, prefix: str = "") -> Iterator[tuple[str, zarr.Array[Any]]]:
    """Every array of a group and of the groups in it, by its path from there."""
    for name, array in group.arrays():
        yield prefix + name, array
    if prefix.count("/") < DEEPEST:
        for name, inner in group.groups():
            yield from arrays_in(inner, f"{prefix}{name}/")


def default_name(group: zarr.Group) -> str | None:
    """The volume's array by MDIO's attributes, of version 1 or 0."""
    attributes = _tables(group.attrs)
    named = next((table["defaultVariableName"] for table in attributes if "defaultVariableName" in table), None)
    listed = group.attrs.get("dimension")
    if named is None and isinstance(listed, list | tuple):
        named = "data/chunked_" + "".join(map(str, range(len(listed))))
    return str(named) if named else None


def named_volume(
    path: Path, array: zarr.Array[Any], name: str, group: zarr.Group | None
) -> tuple[NamedArray, Surroundings]:
    """A store's volume with its dimensions' names, and what lies next to it."""
    around = {} if group is None else dict(_near(group, name))
    dimensions = dimension_names(array)
    if group is not None and not any(dimensions):
        listed = _listed_axes(group, array.shape)
        around |= listed
        dimensions = tuple(listed) or names_by_size(array.shape, around)
    order = depth_first(dimensions, around)
    volume = NamedArray(
        name, dimensions, tuple(map(int, array.shape)), array.dtype.kind, {}, lambda: np.asarray(array[...])
    )
    attributes = {} if group is None else dict(group.attrs)
    stored = None if group is None else _stored(path, group)
    return volume, Surroundings(path, around, attributes, order, stored)


def dimension_names(array: zarr.Array[Any]) -> tuple[str, ...]:
    """The axes' names; empty where they have none. Version 2 knows them by xarray's attribute."""
    found = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    names: list[Any] = list(found) if isinstance(found, list | tuple) else []
    return tuple(str(name or "") for name in names) if len(names) == array.ndim else ("",) * array.ndim


def _near(group: zarr.Group, volume: str) -> Iterator[tuple[str, NamedArray]]:
    """The arrays that may say something of the volume's axes or traces: those of its group and groups around it."""
    folder = volume.rpartition("/")[0]
    # Trace headers last in rank: an array of coordinates takes the place of words of the same name.
    for path, array in sorted(arrays_in(group), key=lambda entry: entry[1].dtype.kind != "V"):
        where, _, name = path.rpartition("/")
        known = where == folder or folder.startswith(f"{where}/") or not where or where == "metadata"
        if path == volume or not known:
            continue
        if array.dtype.kind == "V":
            yield from _header_words(path, array)
        elif array.ndim in (1, 2) and array.dtype.kind in "fiub":
            yield name, _named(name, array)


def _named(name: str, array: zarr.Array[Any]) -> NamedArray:
    shape = tuple(map(int, array.shape))
    return NamedArray(
        name, dimension_names(array), shape, array.dtype.kind, dict(array.attrs), lambda: np.asarray(array[...])
    )


def _header_words(path: str, array: zarr.Array[Any]) -> Iterator[tuple[str, NamedArray]]:
    """X and Y from a structured array of trace headers, scaled as they say."""
    fields = array.dtype.names or ()
    if MDIO_0_HEADERS not in path and not path.endswith("headers"):
        return
    for wanted in ("cdp_x", "cdp_y"):
        if wanted in fields:
            yield (
                wanted,
                NamedArray(
                    wanted,
                    dimension_names(array),
                    tuple(map(int, array.shape)),
                    "f",
                    {},
                    lambda field=wanted: _scaled(array, field),  # type: ignore[misc]
                ),
            )


def _scaled(array: zarr.Array[Any], field: str) -> Any:
    headers: Any = array[...]
    values = np.asarray(headers[field], np.float64)
    for name in ("coordinate_scalar", "scalar_apply_coords"):
        if name in (array.dtype.names or ()):
            scalar = np.asarray(headers[name], np.float64)
            values = values * np.where(scalar > 0, scalar, 1) / np.where(scalar < 0, -scalar, 1)
    return values


def _listed_axes(group: zarr.Group, shape: tuple[int, ...]) -> dict[str, NamedArray]:
    """The axes in the attribute ``dimension`` of MDIO 0; none where they are not those of the array."""
    listed = group.attrs.get("dimension")
    if not isinstance(listed, list | tuple) or len(listed) != len(shape):
        return {}
    axes: dict[str, NamedArray] = {}
    for entry, size in zip(listed, shape, strict=True):
        coords = entry.get("coords") if isinstance(entry, Mapping) else None
        if not isinstance(coords, list | tuple) or len(coords) != size or not entry.get("name"):
            return {}
        values, name = np.asarray(coords, np.float64), str(entry["name"])
        unit = entry.get("unit") or entry.get("units")
        said = {"units": unit} if unit else {}
        axes[name] = NamedArray(name, (name,), (size,), "f", said, lambda values=values: values)  # type: ignore[misc]
    return axes if len(axes) == len(shape) else {}


def _tables(attributes: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The root's attributes, and the table in them that MDIO 1 has for its users' ones."""
    inner = attributes.get("attributes")
    return [attributes, *([inner] if isinstance(inner, Mapping) else [])]


def _stored(path: Path, group: zarr.Group) -> Geometry | None:
    content = group.attrs.get(GEOMETRY)
    if not isinstance(content, dict):
        return None
    where = f"{GEOMETRY} of {path}"
    return sidecar_geometry(build(Sidecar, content, where), where)
