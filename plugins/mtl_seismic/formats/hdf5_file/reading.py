"""Opening HDF5 files: those of this package, NetCDF-4 files of xarray and segysak, and any others with a volume."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.arrays import DecodedArray, check_array, check_claims, choose_name, main_arrays, readable
from mtl_seismic.formats.hdf5_file.library import CACHE, import_h5py
from mtl_seismic.formats.hdf5_file.probe import refuse_endless
from mtl_seismic.formats.hdf5_file.writing import ARRAY, GEOMETRY
from mtl_seismic.formats.named_axes import NamedArray, depth_first, names_by_size, text_of
from mtl_seismic.formats.named_geometry import LIVE_NAMES, Surroundings, read_geometry, top_down
from mtl_seismic.formats.sidecar import Sidecar, sidecar_geometry
from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.io.file_array import Identity, check_unchanged, file_identity
from mtlcore.io.volume import ArrayVolume, Geometry, Volume, Window

CLASSIC = b"CDF"
"""How NetCDF files of versions 1 to 3 begin, which are not HDF5."""
NO_COORDINATE = "This is a netCDF dimension but not a netCDF variable"
"""How the name of a scale begins that NetCDF made for a dimension without positions."""


def open_file(path: Path, wanted: str = "") -> Volume:
    """A file's volume; ``wanted`` names its dataset."""
    opened = file_identity(path)
    with readable(path, "HDF5"):
        _refuse_classic(path)
    import_h5py()
    refuse_endless(path, lambda: _look_through(path, wanted))
    return _open(path, wanted, opened)


def _look_through(path: Path, wanted: str) -> None:
    """Read what opening reads, and where all of the samples lie."""
    volume = _open(path, wanted, file_identity(path))
    stored = volume.dataset
    if stored.chunks and stored.id.get_num_chunks():
        stored.id.get_chunk_info(stored.id.get_num_chunks() - 1)
        corner = tuple(slice(0, 1) for _ in stored.shape)
        stored[corner]


def _open(path: Path, wanted: str, opened: Identity) -> Hdf5Volume:
    with readable(path, "HDF5"):
        file = import_h5py().File(path, "r", rdcc_nbytes=CACHE)
        try:
            arrays = _arrays(file)
            _refuse_links(path, file, arrays, wanted)
            name = choose_name(path, arrays, wanted, text_of(file.attrs.get(ARRAY)), *main_arrays(arrays))
            dataset = arrays[name]
            _refuse_other_files(path, dataset)
            check_array(f"Dataset {dataset.name} of {path}", dataset.shape, dataset.dtype)
            check_claims(str(path), dataset.shape, dataset.dtype.itemsize, dataset.chunks, dataset.id.get_storage_size)
            volume, around = _named_volume(path, file, dataset)
            geometry, order = read_geometry(volume, around), around.order
            array, geometry = top_down(DecodedArray.of(dataset, dataset.attrs), geometry, order, around.stored)
            return Hdf5Volume(path, array, dataset, geometry, order, opened)
        except BaseException:
            file.close()
            raise


class Hdf5Volume(ArrayVolume):
    """A volume over a dataset of an open file."""

    def __init__(
        self, path: Path, array: Any, dataset: Any, geometry: Geometry, order: tuple[int, ...], opened: Identity
    ) -> None:
        super().__init__(array, geometry, order, path)
        self._path, self.dataset, self._opened = path, dataset, opened

    def read(self, window: Window) -> NDArray[np.float32]:
        with readable(self._path, "HDF5"):
            values = super().read(window)
        check_unchanged(self._path, self._opened)
        return values

    def close(self) -> None:
        if self._array is not None:
            self.dataset.file.close()
        self._array = None


def _refuse_classic(path: Path) -> None:
    with path.open("rb") as stream:
        if stream.read(len(CLASSIC)) == CLASSIC:
            raise MtlError(
                f"{path} is a NetCDF file of the classic format, which is not read: convert it to NetCDF-4 first, "
                "for example with nccopy -k nc4."
            )


def _arrays(file: Any) -> dict[str, Any]:
    """Datasets that may be the volume, by path; links to other files are not followed."""
    nodes: dict[str, Any] = {}
    file.visititems(nodes.__setitem__)
    return {
        name: node
        for name, node in nodes.items()
        if getattr(node, "ndim", 0) in (2, 3) and name.rpartition("/")[2] not in LIVE_NAMES and not _is_scale(node)
    }


def _refuse_links(path: Path, file: Any, arrays: dict[str, Any], wanted: str) -> None:
    """MtlError where what would be read is a link to another file."""
    h5py = import_h5py()
    names = [wanted] if wanted else [] if arrays else list(file)
    for name in names:
        link = None if name in arrays else file.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise MtlError(f"'{name}' of {path} is a link to another file, {link.filename}: open that one itself.")


def _refuse_other_files(path: Path, dataset: Any) -> None:
    """MtlError where the dataset's samples lie in other files: a file might name any file of this computer."""
    if dataset.external:
        others = ", ".join(text_of(entry[0]) for entry in dataset.external)
        raise MtlError(f"Dataset {dataset.name} of {path} has its samples in other files ({others}): open those.")
    if dataset.is_virtual:
        others = ", ".join(sorted({source.file_name for source in dataset.virtual_sources()} - {"."}))
        if others:
            raise MtlError(
                f"Dataset {dataset.name} of {path} is a view of other files ({others}): open those, or copy it "
                "to a file of its own."
            )


def _named_volume(path: Path, file: Any, dataset: Any) -> tuple[NamedArray, Surroundings]:
    """The dataset with its dimensions' names, and what lies next to it."""
    around = dict(_near(file, dataset))
    dimensions = _dimension_names(dataset)
    around |= _scales(dataset, dimensions)
    if not any(dimensions):
        dimensions = names_by_size(dataset.shape, around)
    order = depth_first(dimensions, around)
    volume = NamedArray(dataset.name, dimensions, dataset.shape, dataset.dtype.kind, {}, lambda: dataset[...])
    stored = _stored(path, file, dataset)
    # Some programs note units of measurement at the dataset, others at the file.
    attributes = dict(file.attrs) | dict(dataset.attrs)
    return volume, Surroundings(path, around, attributes, order, stored)


def _stored(path: Path, file: Any, dataset: Any) -> Geometry | None:
    if GEOMETRY not in file.attrs or dataset.name != f"/{text_of(file.attrs.get(ARRAY))}":
        return None
    where = f"{GEOMETRY} of {path}"
    return sidecar_geometry(build(Sidecar, json.loads(file.attrs[GEOMETRY]), where), where)


def _near(file: Any, dataset: Any) -> Iterator[tuple[str, NamedArray]]:
    """The arrays of one or two axes in the dataset's group and the groups around it, the nearest last."""
    group = dataset.parent
    groups = [group]
    while group.name != "/":
        group = group.parent
        groups.append(group)
    h5py = import_h5py()
    for each in reversed(groups):
        for name in each:
            if not isinstance(each.get(name, getlink=True), h5py.HardLink):
                continue
            node = each[name]
            if getattr(node, "ndim", 0) in (1, 2) and node != dataset and node.dtype.kind in "fiub":
                yield name, _named(name, node)


def _named(name: str, node: Any) -> NamedArray:
    dimensions = _dimension_names(node) if not _is_scale(node) or node.ndim > 1 else (name,)
    return NamedArray(name, dimensions, node.shape, node.dtype.kind, dict(node.attrs), lambda: node[...])


def _dimension_names(dataset: Any) -> tuple[str, ...]:
    """Each axis' name: of its scale, else its label; empty where it has none."""
    names = []
    for dimension in dataset.dims:
        scale = dimension[0] if len(dimension) else None
        names.append(scale.name.rpartition("/")[2] if scale is not None and scale.name else dimension.label)
    return tuple(names)


def _scales(dataset: Any, names: tuple[str, ...]) -> dict[str, NamedArray]:
    """The positions along each axis that has a scale with some."""
    found = {}
    for name, dimension in zip(names, dataset.dims, strict=True):
        if name and len(dimension):
            scale = dimension[0]
            empty = text_of(scale.attrs.get("NAME")).startswith(NO_COORDINATE)
            kind = "V" if empty else scale.dtype.kind
            found[name] = NamedArray(
                name,
                (name,),
                scale.shape,
                kind,
                dict(scale.attrs),
                lambda scale=scale: scale[...],  # type: ignore[misc]
            )
    return found


def _is_scale(dataset: Any) -> bool:
    return text_of(dataset.attrs.get("CLASS")) == "DIMENSION_SCALE"
