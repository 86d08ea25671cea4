"""Opening stores: those of this package and any others that hold a volume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.arrays import check_array, choose_array, readable
from mtl_seismic.formats.zarr_store.geometry import LIVE_NAMES, depth_first, read_geometry
from mtl_seismic.formats.zarr_store.layout import ARRAY, count_shards, import_zarr, shards_note
from mtlcore.errors import MtlError
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
            array, group = node, None
        else:
            array, group = _choose(path, node, wanted), node
            _check_shards(path, array)
        check_array(f"{path}", array.shape, array.dtype)
        axes = depth_first(array)
        return ZarrVolume(path, array, read_geometry(path, array, group, axes), axes, opened)


class ZarrVolume(ArrayVolume):
    """A volume whose windows Zarr reads, chunk by chunk."""

    def __init__(
        self,
        path: Path,
        array: zarr.Array[Any],
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


def _choose(path: Path, group: zarr.Group, wanted: str) -> zarr.Array[Any]:
    arrays = {name: array for name, array in group.arrays() if array.ndim in (2, 3) and name not in LIVE_NAMES}
    # Beside a volume of 3 axes, arrays of 2 are values of its traces.
    solid = [name for name, array in arrays.items() if array.ndim == 3]
    return choose_array(path, arrays, wanted, group.attrs.get(ARRAY), "image", *(solid if len(solid) == 1 else ()))


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
