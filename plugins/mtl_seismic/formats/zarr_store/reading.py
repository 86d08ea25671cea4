"""Opening stores: those of this package and any others that hold a volume."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.arrays import LIVE, check_array
from mtl_seismic.formats.zarr_store.geometry import depth_first, read_geometry
from mtl_seismic.formats.zarr_store.layout import ARRAY, SHARDS, count_shards, import_zarr
from mtlcore.errors import MtlError, suggestion
from mtlcore.volume import ArrayVolume, Geometry, Volume, Window

if TYPE_CHECKING:
    import zarr


def open_store(path: Path, wanted: str = "") -> Volume:
    """A store's volume; ``wanted`` names its array."""
    if not path.exists():
        raise MtlError(f"{path} does not exist.")
    if not path.is_dir():
        raise MtlError(f"{path} is a file: expected a folder that holds a Zarr store.")
    package = import_zarr()
    with readable(path):
        node = package.open(path, mode="r")
        if isinstance(node, package.Array):
            array, group = node, None
        else:
            array, group = _choose(path, node, wanted), node
            _check_shards(path, array, group)
        check_array(f"{path}", array.shape, array.dtype)
        axes = depth_first(array)
        return ZarrVolume(path, array, read_geometry(path, array, group, axes), axes)


class ZarrVolume(ArrayVolume):
    """A volume whose windows Zarr reads, chunk by chunk."""

    def __init__(self, path: Path, array: zarr.Array[Any], geometry: Geometry, axes: tuple[int, ...]) -> None:
        super().__init__(array, geometry, axes)
        self._path = path
        self._opened = _identity(path)

    def read(self, window: Window) -> NDArray[np.float32]:
        with readable(self._path):
            values = super().read(window)
            # Chunks are looked up by their path: those of another store would be taken for this one's.
            if _identity(self._path) != self._opened:
                raise MtlError(f"{self._path} was replaced by another store while it was open: open it again.")
            return values


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What a damaged store makes zarr and its codecs raise (errors of many types) becomes an MtlError."""
    try:
        yield
    except (MtlError, MemoryError):
        raise
    except Exception as error:
        raise MtlError(f"{path} cannot be read as Zarr: {' '.join(str(error).split()) or repr(error)}.") from error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _choose(path: Path, group: zarr.Group, wanted: str) -> zarr.Array[Any]:
    arrays = {name: array for name, array in group.arrays() if array.ndim in (2, 3) and name != LIVE}
    listed = ", ".join(sorted(arrays)) or "none"
    if wanted:
        if wanted not in arrays:
            raise MtlError(f"{path} has no array '{wanted}'. {suggestion(wanted, arrays)}Arrays: {listed}.")
        return arrays[wanted]
    for name in (group.attrs.get(ARRAY), "image"):
        if name in arrays:
            return arrays[str(name)]
    if len(arrays) != 1:
        raise MtlError(
            f"{path} holds {len(arrays)} arrays of 2 or 3 axes, none called image. Say array=NAME. Arrays: {listed}."
        )
    return next(iter(arrays.values()))


def _check_shards(path: Path, array: zarr.Array[Any], group: zarr.Group) -> None:
    """To Zarr a file that was lost in copying is zeros; stores of this package say how many there are."""
    expected = group.attrs.get(SHARDS)
    if array.basename != group.attrs.get(ARRAY) or not isinstance(expected, int):
        return
    found = count_shards(path, array.basename)
    if found != expected:
        raise MtlError(f"{path} has {found} of its {expected} shards: copy it again, or make it anew.")
