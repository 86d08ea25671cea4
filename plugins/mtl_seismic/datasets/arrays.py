"""The two layouts of our own: a .npz file per item, or an .npy file per key with items on its first axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_seismic.formats.arrays import open_npy
from mtl_seismic.formats.npz import check_packing
from mtlcore.errors import MtlError
from mtlcore.io.files import file_size, shape_text
from mtlcore.plugin.interfaces import Items
from mtlcore.plugin.outputs import IMAGE, Output

if TYPE_CHECKING:
    from mtlcore.plugin.interfaces import Array

Shape = tuple[int, ...]


@dataclass(eq=False)
class NpzItems(Items):
    """A file per item, ``SPLIT/I.npz``, in numerical order; all of them have the first one's keys."""

    paths: tuple[Path, ...]
    shape: Shape
    keys: tuple[str, ...]
    wanted: tuple[str, ...]

    @classmethod
    def find(cls, folder: Path, shape: Shape | None, outputs: Sequence[Output]) -> NpzItems:
        """The items of a split's folder; ``shape``: what they must have, None: the first one's."""
        _check_folder(folder)
        files = (path for path in folder.glob("*.npz") if path.stem.isdecimal())
        paths = tuple(sorted(files, key=lambda path: int(path.stem)))
        if not paths:
            raise MtlError(f"{folder} has no items: expected files named 0.npz, 1.npz and so on.")
        first = _read_npz(paths[0], (IMAGE.name,))
        if IMAGE.name not in first:
            raise MtlError(f"{paths[0]} has no array '{IMAGE.name}'.")
        shape = _checked_shape(paths[0], shape, first[IMAGE.name].shape)
        wanted = _wanted_keys(len(shape), outputs)
        items = cls(paths, shape, tuple(_read_npz(paths[0], wanted)), wanted)
        items[0]
        return items

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, Array]:
        path = self.paths[index]
        found = _read_npz(path, self.wanted)
        for key in self.wanted:
            if (key in found) != (key in self.keys):
                one, other = (path, self.paths[0]) if key in found else (self.paths[0], path)
                raise MtlError(f"{one} has '{key}' and {other} has not: complete them, or remove it from all.")
        return {key: _checked_values(path, key, found[key], self.shape) for key in self.keys}


@dataclass(eq=False)
class MemmapItems(Items):
    """A file per key, ``SPLIT/KEY.npy``, memory-mapped at each read: nothing is kept open."""

    files: Mapping[str, Path]
    shape: Shape
    count: int

    @classmethod
    def find(cls, folder: Path, shape: Shape | None, outputs: Sequence[Output]) -> MemmapItems:
        """The items of a split's folder; ``shape``: what they must have, None: the images'."""
        _check_folder(folder)
        image = folder / f"{IMAGE.name}.npy"
        count, *sizes = _npy_shape(image) or (0,)
        if count == 0:
            raise MtlError(f"{image} has no items: expected them along its first axis.")
        shape = _checked_shape(image, shape, tuple(sizes))
        candidates = {key: folder / f"{key}.npy" for key in _wanted_keys(len(shape), outputs)}
        files = {key: path for key, path in candidates.items() if path.exists()}
        for path in files.values():
            if (found := _npy_shape(path)) != (count, *shape):
                raise MtlError(
                    f"{path} has the shape {shape_text(found)}: expected {shape_text((count, *shape))}, "
                    "as many items of one shape as there are images."
                )
        return cls(files, shape, count)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Array]:
        return {key: _read_item(path, index) for key, path in self.files.items()}


def _wanted_keys(ndim: int, outputs: Sequence[Output]) -> tuple[str, ...]:
    labels = [output.name for output in outputs if ndim in output.ndims]
    return (IMAGE.name, *labels, *(f"refinement/{name}" for name in labels))


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise MtlError(f"{folder.parent} has no folder {folder.name}, which dataset.json promises.")


def _checked_shape(path: Path, expected: Shape | None, found: Shape) -> Shape:
    if len(found) not in (2, 3):
        raise MtlError(f"{path} has images of {len(found)} axes: expected 2 (depth, x) or 3.")
    if expected is not None and found != expected:
        raise MtlError(
            f"{path} has images of {shape_text(found)}, but the shape asked for is {shape_text(expected)}: "
            'leave out --shape, or put "shape" right in dataset.json.'
        )
    return found


def _checked_values(path: Path, key: str, values: Any, shape: Shape) -> Array:
    if values.shape != shape:
        raise MtlError(f"'{key}' of {path} has the shape {shape_text(values.shape)}: expected {shape_text(shape)}.")
    return np.ascontiguousarray(values, dtype=np.float32)


def _read_npz(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    """Those of the arrays that the file has."""
    file_size(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = [key for key in keys if key in archive.files]
            for key in found:
                check_packing(path, archive.zip.getinfo(f"{key}.npy"))
            return {key: archive[key] for key in found}
    except MtlError:
        raise
    except Exception as error:  # damaged zip files raise errors of many types
        raise MtlError(f"{path} cannot be read as .npz: {' '.join(str(error).split())}.") from error


def _npy_shape(path: Path) -> Shape:
    file_size(path)
    array, axes = open_npy(path)
    return tuple(array.shape[axis] for axis in axes)


def _read_item(path: Path, index: int) -> Array:
    """One item of a file of all; nothing else is read, and nothing is kept open."""
    file_size(path)
    array, axes = open_npy(path)
    try:
        window: list[slice] = [slice(None)] * array.ndim
        item = range(array.shape[axes[0]])[index]
        window[axes[0]] = slice(item, item + 1)
        return np.array(np.transpose(array[tuple(window)], axes)[0], dtype=np.float32, order="C")
    finally:
        array.close()
