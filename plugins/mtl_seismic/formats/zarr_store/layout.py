"""What lies where in a store that this package writes.

The group's attributes hold ``mtl_geometry`` (the keys of formats/sidecar.py but ``live``) and ``mtl_array``
(the name of the volume's array). Beside the volume lie one array for each axis with the positions of its
samples, which xarray takes as coordinates, and ``live``, true where a trace exists, if not all do. The file
``mtl_shards`` in the volume's folder says how many shards there are, so that one that was lost in copying is
noticed: to Zarr it would be zeros. It is no attribute, since xarray hands attributes on to other arrays.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mtl_seismic.formats.arrays import LIVE, distinct_names, positions
from mtl_seismic.formats.sidecar import geometry_content
from mtlcore.errors import MtlError
from mtlcore.io.volume import Geometry
from mtlcore.plugin.outputs import Output

if TYPE_CHECKING:
    import zarr

Compression = Literal["lz4", "zstd", "none"]
MARKER = "zarr.json"
"""What every group of Zarr version 3 holds."""
GEOMETRY, ARRAY = "mtl_geometry", "mtl_array"


def import_zarr() -> Any:
    """The package zarr; MtlError where it is not installed."""
    try:
        import zarr
    except ImportError:
        raise MtlError('Zarr stores need the package zarr, not installed here: pip install "mtlcore[zarr]".') from None
    return zarr


def lay_out(
    folder: Path,
    geometry: Geometry,
    output: Output,
    chunk: tuple[int, ...],
    shard: tuple[int, ...],
    compression: Compression,
) -> None:
    """Make an empty store: all but the volume's samples."""
    *dimensions, name = distinct_names([*(axis.name for axis in geometry.axes), output.name])
    group = import_zarr().create_group(
        folder, attributes={GEOMETRY: geometry_content(geometry.like(live=None)), ARRAY: name}, zarr_format=3
    )
    group.create_array(
        name,
        shape=geometry.shape,
        dtype="float32",
        chunks=chunk,
        shards=shard,
        compressors=compressor(compression),
        fill_value=0.0,
        dimension_names=dimensions,
        attributes={"long_name": output.description or output.name, "units": output.unit},
    )
    for dimension, axis in zip(dimensions, geometry.axes, strict=True):
        _add(group, dimension, positions(axis), [dimension], {"units": axis.unit})
    if geometry.live is not None:
        live = np.asarray(geometry.live, bool)
        _add(group, LIVE, live, dimensions[1:], {"long_name": "traces that exist"})


def values_array(folder: Path) -> zarr.Array[Any]:
    """The volume's array of a store that is being written."""
    group = import_zarr().open_group(folder, mode="r+")
    array: zarr.Array[Any] = group[group.attrs[ARRAY]]
    return array


def complete(folder: Path) -> None:
    """Note how many files the volume has, now that all are there, and gather the arrays' metadata."""
    zarr = import_zarr()
    group = zarr.open_group(folder, mode="r+")
    array = folder / group.attrs[ARRAY]
    shards_note(array).write_text(f"{count_shards(array)}\n", encoding="ascii")
    with warnings.catch_warnings():
        # It warns that the specification of version 3 does not have this yet; xarray warns where it is missing.
        warnings.simplefilter("ignore", UserWarning)
        zarr.consolidate_metadata(folder)


def count_shards(array: Path) -> int:
    """Files of an array's samples."""
    return sum(path.is_file() for path in (array / "c").rglob("*"))


def shards_note(array: Path) -> Path:
    """The file that says how many there should be."""
    return array / "mtl_shards"


def compressor(compression: Compression) -> Any:
    """Lossless. Bits are shuffled first: in floats of similar size they are then long runs."""
    if compression == "none":
        return None
    from zarr.codecs import BloscCodec

    level = 5 if compression == "lz4" else 3
    return BloscCodec(cname=compression, clevel=level, shuffle="bitshuffle", typesize=4)


def _add(group: Any, name: str, values: Any, dimensions: list[str], attributes: dict[str, str]) -> None:
    group.create_array(name, data=values, chunks=values.shape, dimension_names=dimensions, attributes=attributes)
