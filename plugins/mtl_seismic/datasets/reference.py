"""Training data as files in a folder: the reference's layout and two of our own.

    reference   data_SPLIT/I.bin, target_SPLIT/I_ALIAS.bin, data_SPLIT/I_ALIAS.bin (refinement inputs):
                raw little-endian float32, depth fastest, in the reference's names and units
    npz         SPLIT/I.npz with an array per key (``image``, output names, ``refinement/NAME``)
    memmap      SPLIT/KEY.npy with all items along a leading axis

``dataset.json`` in the folder says which one and the shape: ``{"layout": "reference", "shape": [360, 256]}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from mtl_seismic.datasets.arrays import MemmapItems, NpzItems
from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path
from mtlcore.io.files import file_size, shape_text
from mtlcore.plugin.interfaces import Items, Source
from mtlcore.plugin.outputs import IMAGE, Output

if TYPE_CHECKING:
    from mtlcore.plugin.interfaces import Array

Split = Literal["train", "valid"]
REFINEMENT = "refinement/"


@dataclass(frozen=True)
class Description:
    """What is read of ``dataset.json``."""

    layout: Literal["reference", "npz", "memmap"] = "reference"
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class ReferenceFiles(Source):
    """A folder of training data. ``shape`` of an item, depth first; default: as ``dataset.json`` says."""

    name: ClassVar[str] = "files"
    shape: tuple[int, ...] | None = None

    def open(self, location: str, split: Split, outputs: Sequence[Output]) -> Items:
        folder = Path(location)
        if not folder.is_dir():
            found = "is not a folder" if folder.exists() else "does not exist"
            raise MtlError(f"{folder} {found}: expected a folder of training data.")
        described = read_description(folder)
        shape = self.shape or described.shape
        if shape is not None and (len(shape) not in (2, 3) or min(shape) < 1):
            raise MtlError(f"Shape {list(shape)} is not one of items: expected 2 or 3 sizes, depth first.")
        if described.layout == "npz":
            return NpzItems.find(folder / split, shape, outputs)
        if described.layout == "memmap":
            return MemmapItems.find(folder / split, shape, outputs)
        if shape is None:
            raise MtlError(
                f"The shape of the items in {folder} is not known. Use --shape DEPTHxTRACES "
                '(in 3D DEPTHxINLINESxCROSSLINES), or write {"shape": [DEPTH, TRACES]} to its dataset.json.'
            )
        return find_reference_items(folder, split, shape, outputs)


def read_description(folder: Path) -> Description:
    """``dataset.json``, or the defaults where there is none; its maker's own keys are passed over."""
    file = folder / "dataset.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Description()
    except (OSError, ValueError, RecursionError) as error:
        raise MtlError(f"{file} cannot be read as JSON: {error}. Mend or remove it.") from None
    if not isinstance(content, dict):
        raise MtlError(f'{file} is not a JSON object like {{"shape": [360, 256]}}. Mend or remove it.')
    return build(Description, {key: content[key] for key in ("layout", "shape") if key in content}, str(file))


@dataclass(frozen=True, eq=False)
class RawField:
    """The files of one key: ``folder/ID + ending``, whose values divided by ``unit`` are ours."""

    folder: Path
    ending: str
    unit: float = 1.0

    def path(self, item: str) -> Path:
        return self.folder / f"{item}{self.ending}"

    def read(self, item: str, shape: tuple[int, ...]) -> Array:
        """One item's values, C order, depth first."""
        path = self.path(item)
        check_size(path, shape)
        try:
            values = np.fromfile(path, "<f4").reshape(shape[::-1]).T
        except (OSError, ValueError) as error:
            raise MtlError(f"{path} cannot be read: {error}.") from error
        # In double precision: 1.0 of the reference's dips must be 180 degrees exactly.
        scaled = values if self.unit == 1 else values.astype(np.float64) / self.unit
        return np.ascontiguousarray(scaled, dtype=np.float32)


@dataclass(eq=False)
class ReferenceItems(Items):
    """Items of the reference's layout; ``ids`` are the numbers in the file names, in numerical order."""

    ids: tuple[str, ...]
    shape: tuple[int, ...]
    fields: Mapping[str, RawField] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, Array]:
        item = self.ids[index]
        return {key: each.read(item, self.shape) for key, each in self.fields.items()}


def find_reference_items(folder: Path, split: Split, shape: tuple[int, ...], outputs: Sequence[Output]) -> Items:
    """The items of one split, the files of the first one checked."""
    data, target = folder / f"data_{split}", folder / f"target_{split}"
    if not data.is_dir():
        raise MtlError(f"{folder} has no folder {data.name}: expected {data.name}/0.bin, {target.name}/0_rgt.bin, ...")
    names = {directory: _names(directory) for directory in (data, target)}
    ids = tuple(sorted((name[:-4] for name in names[data] if _is_item(name)), key=int))
    if not ids:
        raise MtlError(f"{data} has no items: expected files named 0.bin, 1.bin and so on.")
    candidates = _fields(data, target, len(shape), outputs)
    fields = {key: each for key, each in candidates.items() if _present(each, ids, names[each.folder])}
    for each in fields.values():
        check_size(each.path(ids[0]), shape)
    return ReferenceItems(ids, shape, fields)


def check_size(path: Path, shape: tuple[int, ...]) -> None:
    """MtlError unless the file holds as many float32 values."""
    size, expected = file_size(path), prod(shape) * 4
    if size != expected:
        raise MtlError(
            f"{path} has {size} bytes, but the shape {shape_text(shape)} of float32 needs {expected}. "
            'Use --shape DEPTHxTRACES (in 3D DEPTHxINLINESxCROSSLINES), or put "shape" right in dataset.json.'
        )


def write_item(folder: Path, split: Split, index: int, item: Mapping[str, Array], outputs: Sequence[Output]) -> None:
    """Write one item (``image``, labels, ``refinement/NAME``, in our units) in the reference's layout."""
    data, target = folder / f"data_{split}", folder / f"target_{split}"
    for directory in (data, target):
        directory.mkdir(parents=True, exist_ok=True)
    for key, each in _fields(data, target, item["image"].ndim, outputs).items():
        if key in item:
            stored = np.asarray(item[key].astype(np.float64) * each.unit, dtype="<f4")
            with atomic_path(each.path(str(index))) as temporary:
                temporary.write_bytes(stored.tobytes(order="F"))


def _fields(data: Path, target: Path, ndim: int, outputs: Iterable[Output]) -> dict[str, RawField]:
    """Every key that an item may have, with its files."""
    fields = {IMAGE.name: RawField(data, ".bin")}
    for output in outputs:
        if ndim in output.ndims:
            ending = f"_{output.alias or output.name}.bin"
            fields[output.name] = RawField(target, ending, output.alias_unit)
            fields[REFINEMENT + output.name] = RawField(data, ending, output.alias_unit)
    return fields


def _present(each: RawField, ids: Sequence[str], names: set[str]) -> bool:
    """Whether all items have the file; some with and some without is an error."""
    missing = [item for item in ids if each.path(item).name not in names]
    if missing and len(missing) < len(ids):
        raise MtlError(
            f"{each.path(missing[0])} is missing, as it is for {len(missing)} of {len(ids)} items: "
            "complete the files, or remove that kind for all items."
        )
    return not missing


def _names(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise MtlError(f"{folder} cannot be read: {error.strerror}.") from error


def _is_item(name: str) -> bool:
    return name.endswith(".bin") and name[:-4].isdecimal()
