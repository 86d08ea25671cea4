"""The JSON file beside an array file with its shape and geometry: ``survey.bin`` has ``survey.bin.json``.

Written by hand it may be as short as ``{"shape": [256, 1024]}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path, atomic_write_text, flush_to_disk
from mtlcore.io.files import shape_text
from mtlcore.io.volume import Axis, Geometry

Dtype = Literal["float32", "float64", "float16", "int8", "int16", "int32", "uint8", "uint16"]
ByteOrder = Literal["little", "big"]


@dataclass(frozen=True)
class Sidecar:
    """The keys of the JSON file.

    ``live``: a row of 1 (live) and 0 (dead) per position on axis 1, in 2D a single row. ``axes``: name,
    origin, step and unit of each. ``source``: the file that headers may be copied from.
    """

    shape: tuple[int, ...]
    dtype: Dtype | None = None
    byte_order: ByteOrder | None = None
    axes: tuple[dict[str, Any], ...] | None = None
    live: tuple[str, ...] | None = None
    coordinates: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    source: Path | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def sidecar_path(path: Path) -> Path:
    """The JSON file's name for a data file."""
    return path.with_name(path.name + ".json")


def read_sidecar(path: Path) -> tuple[Sidecar, Geometry] | None:
    """A data file's sidecar and the geometry in it, None where there is none; MtlError if it is damaged."""
    file = sidecar_path(path)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise MtlError(f"{file} cannot be read as JSON: {error}. Mend or remove it.") from None
    if not isinstance(content, dict):
        raise MtlError(f'{file} is not a JSON object like {{"shape": [256, 1024]}}. Mend or remove it.')
    sidecar = build(Sidecar, content, str(file))
    return sidecar, sidecar_geometry(sidecar, str(file))


def fitting_geometry(path: Path, shape: tuple[int, ...]) -> Geometry:
    """The sidecar's geometry if there is one for this shape, else a plain one in samples."""
    found = read_sidecar(path)
    return found[1] if found and found[1].shape == shape else Geometry.of_shape(shape)


def sidecar_text(geometry: Geometry, dtype: Dtype | None = None, byte_order: ByteOrder | None = None) -> str:
    """The JSON text that gives this geometry back exactly."""
    types = {key: value for key, value in (("dtype", dtype), ("byte_order", byte_order)) if value}
    return json.dumps(types | geometry_content(geometry), indent=1) + "\n"


def geometry_content(geometry: Geometry) -> dict[str, Any]:
    """The keys of a sidecar that say a geometry, as JSON values."""
    content: dict[str, Any] = {"shape": [int(size) for size in geometry.shape]}
    content["axes"] = [
        {"name": axis.name, "origin": float(axis.origin), "step": float(axis.step), "unit": axis.unit}
        for axis in geometry.axes
    ]
    if geometry.live is not None:
        content["live"] = _live_rows(geometry.live)
    if geometry.coordinates is not None:
        content["coordinates"] = [[float(value) for value in row] for row in geometry.coordinates]
    if geometry.source is not None:
        content["source"] = str(geometry.source)
    if geometry.attributes:
        content["attributes"] = geometry.attributes
    return content


def is_plain(geometry: Geometry) -> bool:
    """Whether the array's shape alone says all of it."""
    said_elsewhere = (geometry.live, geometry.coordinates, geometry.source)
    plain = geometry.axes == Geometry.of_shape(geometry.shape).axes
    return plain and not geometry.attributes and all(value is None for value in said_elsewhere)


@contextmanager
def with_sidecar(path: Path, text: str | None) -> Iterator[Path]:
    """``atomic_path`` of a data file whose sidecar comes with it; None: it has none, an old one goes."""
    with atomic_path(path) as temporary:
        yield temporary
        # The long part of completion comes first, so that the two renamings follow closely on each other.
        flush_to_disk(temporary)
        if text is None:
            sidecar_path(path).unlink(missing_ok=True)
        else:
            atomic_write_text(sidecar_path(path), text)


def sidecar_geometry(sidecar: Sidecar, file: str) -> Geometry:
    """The geometry that the keys say; MtlError, naming the file, where they disagree."""
    shape = sidecar.shape
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise MtlError(f"{file} has shape {list(shape)}: expected 2 or 3 sizes, depth first.")
    return Geometry.of_shape(shape).like(
        axes=_axes(sidecar, file),
        live=_live_traces(sidecar, file),
        coordinates=sidecar.coordinates,
        source=sidecar.source,
        attributes=sidecar.attributes,
    )


def _axes(sidecar: Sidecar, file: str) -> tuple[Axis, ...]:
    plain = Geometry.of_shape(sidecar.shape).axes
    if sidecar.axes is None:
        return plain
    if len(sidecar.axes) != len(plain):
        raise MtlError(f"{file} has {len(sidecar.axes)} axes for the shape {shape_text(sidecar.shape)}.")
    axes = tuple(
        build(Axis, {"name": default.name, "size": default.size, **given}, f"{file} axis {number}")
        for number, (default, given) in enumerate(zip(plain, sidecar.axes, strict=True))
    )
    if tuple(axis.size for axis in axes) != sidecar.shape:
        raise MtlError(f"{file} has axes of other sizes than its shape {shape_text(sidecar.shape)}.")
    return axes


def _live_rows(live: NDArray[np.bool_]) -> list[str]:
    rows = np.atleast_2d(np.asarray(live, dtype=bool)).astype(np.uint8) + ord("0")
    return [row.tobytes().decode("ascii") for row in rows]


def _live_traces(sidecar: Sidecar, file: str) -> NDArray[np.bool_] | None:
    if sidecar.live is None:
        return None
    horizontal = sidecar.shape[1:]
    count, length = (1, *horizontal)[-2:]
    rows = sidecar.live
    if len(rows) != count or any(len(row) != length or set(row) - {"0", "1"} for row in rows):
        raise MtlError(f"{file} has a wrong 'live': expected {count} text(s) of {length} characters 0 or 1.")
    characters = np.frombuffer("".join(rows).encode("ascii"), np.uint8)
    return np.asarray(characters == ord("1")).reshape(horizontal)
