"""Opening stores: those of this package and any others that hold a volume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.arrays import DecodedArray, check_array, check_claims, choose_name, main_arrays, readable
from mtl_seismic.formats.named_geometry import LIVE_NAMES, read_geometry, top_down
from mtl_seismic.formats.zarr_store.geometry import arrays_in, default_name, named_volume
from mtl_seismic.formats.zarr_store.layout import ARRAY, count_shards, import_zarr, shards_note
from mtlcore.errors import MtlError
from mtlcore.io.files import stored_size
from mtlcore.io.volume import ArrayVolume, Geometry, Volume, Window

if TYPE_CHECKING:
    import zarr


def open_store(path: Path, wanted: str = "") -> Volume:
    """A store's volume; ``wanted`` names its array."""
    if not path.exists():
        raise MtlError(f"{path} does not exist.")
    if not path.is_dir():
        raise MtlError(f"{path} is a file: expected a folder that holds a Zarr store.")
    package, opened = import_zarr(), _identity(path)
    with readable(path, "Zarr"):
        node = package.open(path, mode="r")
        if isinstance(node, package.Array):
            name, array, group = "", node, None
        else:
            (name, array), group = _choose(path, node, wanted), node
            _check_shards(path, array)
        check_array(f"{path}", array.shape, array.dtype)
        check_claims(str(path), array.shape, array.dtype.itemsize, array.chunks, lambda: stored_size(path))
        volume, around = named_volume(path, array, name, group)
        geometry, axes = read_geometry(volume, around), around.order
        decoded, geometry = top_down(DecodedArray.of(array, array.attrs), geometry, axes, around.stored)
        return ZarrVolume(path, decoded, geometry, axes, opened)


class ZarrVolume(ArrayVolume):
    """A volume whose windows Zarr reads, chunk by chunk."""

    def __init__(
        self,
        path: Path,
        array: Any,
        geometry: Geometry,
        axes: tuple[int, ...],
        opened: tuple[int, int] | None,
    ) -> None:
        super().__init__(array, geometry, axes, path)
        self._path, self._opened = path, opened

    def read(self, window: Window) -> NDArray[np.float32]:
        with readable(self._path, "Zarr"):
            values = super().read(window)
            # Chunks are looked up by their path: those of another store would be taken for this one's.
            if _identity(self._path) != self._opened:
                raise MtlError(f"{self._path} was replaced by another store while it was open: open it again.")
            return values


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _choose(path: Path, group: zarr.Group, wanted: str) -> tuple[str, zarr.Array[Any]]:
    arrays = {
        name: array
        for name, array in arrays_in(group)
        if array.ndim in (2, 3) and array.dtype.kind in "fiub" and name.rpartition("/")[2] not in LIVE_NAMES
    }
    usual = (group.attrs.get(ARRAY), default_name(group), "image", *main_arrays(arrays))
    name = choose_name(path, arrays, wanted.strip("/"), *usual)
    return name, arrays[name]


def _check_shards(path: Path, array: zarr.Array[Any]) -> None:
    """To Zarr a file that was lost in copying is zeros; stores of this package say how many there are."""
    folder = path / array.path
    note = shards_note(folder)
    if not note.is_file():
        return
    expected, found = int(note.read_text(encoding="ascii")), count_shards(folder)
    if found < expected:
        raise MtlError(
            f"{path} has {found} of its {expected} shards: copy it again. If you have removed some, remove {note} too."
        )
