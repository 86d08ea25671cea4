"""The text of a .vti file: where its samples are, of what type, and where they lie."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from mtl_seismic.formats.arrays import LIVE, choose_array, readable
from mtl_seismic.formats.sidecar import Sidecar, sidecar_geometry
from mtl_seismic.formats.vti.grid import Grid, Z, plain_geometry
from mtl_seismic.formats.vti.header import GEOMETRY
from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.io.volume import Geometry

LONGEST_HEADER = 2**24
_TYPES = {
    "Float32": "f4", "Float64": "f8", "Int8": "i1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2",
    "Int32": "i4", "UInt32": "u4", "Int64": "i8", "UInt64": "u8",
}  # fmt: skip


@dataclass(frozen=True)
class Image:
    """An array of a file: its type, where its samples begin, its points and its geometry."""

    dtype: np.dtype[Any]
    offset: int
    grid: Grid
    geometry: Geometry


def read_image(path: Path, size: int, wanted: str, z: Z) -> Image:
    """The header of a file of so many bytes; MtlError where it is damaged or of a kind that is not read."""
    with readable(path, "VTK image data"):
        root, start = _parse(path)
        blocks = Blocks(path, size, start, root)
        image = _only(path, root, "ImageData")
        piece = _only(path, image, "Piece")
        grid = _grid(path, image, piece)
        array = _choose(path, piece, wanted)
        dtype = blocks.dtype(array)
        offset = blocks.find(array, dtype.itemsize * prod(grid.sizes))
        return Image(dtype, offset, *_placed(path, image, grid, blocks, z))


class Blocks:
    """The appended data, each block after its length."""

    def __init__(self, path: Path, size: int, start: int, root: Element) -> None:
        if root.get("compressor"):
            raise MtlError(f"{path} is compressed: save it with data mode appended, not compressed.")
        self._path, self._size, self._start = path, size, start
        self._order = "<" if root.get("byte_order", "LittleEndian") == "LittleEndian" else ">"
        self._length = np.dtype(self._order + _TYPES[root.get("header_type", "UInt32")])

    def dtype(self, array: Element) -> np.dtype[Any]:
        """The type of an array's values."""
        return np.dtype(self._order + _TYPES[array.attrib["type"]])

    def find(self, array: Element, expected: int) -> int:
        """Where the bytes of an array of so many begin."""
        offset, length = self._locate(array)
        if length != expected or offset + length > self._size:
            raise MtlError(
                f"{self._path} is damaged or cut short: array '{array.get('Name')}' needs {expected} bytes "
                f"and has {min(length, self._size - offset)}."
            )
        return offset

    def read(self, array: Element) -> bytes:
        """The bytes of a small array."""
        offset, length = self._locate(array)
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(min(length, self._size))

    def _locate(self, array: Element) -> tuple[int, int]:
        if array.get("format") != "appended":
            raise MtlError(
                f"Array '{array.get('Name')}' of {self._path} has format {array.get('format')}: "
                "save the file with data mode appended."
            )
        with self._path.open("rb") as file:
            file.seek(self._start + int(array.attrib["offset"]))
            length = np.frombuffer(file.read(self._length.itemsize), self._length)
            return file.tell(), int(length[0])


def _parse(path: Path) -> tuple[Element, int]:
    """The XML without its appended data, and where those begin."""
    head = _head(path)
    text, tag, rest = head.partition(b"<AppendedData")
    attributes, _, _ = rest.partition(b">")
    start = head.find(b"_", len(text) + len(tag) + len(attributes))
    if b"<VTKFile" not in text[:2000] or b'type="ImageData"' not in text:
        raise MtlError(f"{path} is no VTK image data: expected an XML file with VTKFile type ImageData.")
    if not tag or b'"raw"' not in attributes or start < 0:
        raise MtlError(f"{path} has no appended raw data: save it with data mode appended, encoding raw.")
    return ElementTree.fromstring(text + b"</VTKFile>"), start + 1


def _head(path: Path) -> bytes:
    """The start of the file, up to the appended data at least; not much more, for files are large."""
    head = b""
    with path.open("rb") as file:
        while len(head) < LONGEST_HEADER and (part := file.read(2**16)):
            head += part
            tag = head.find(b"<AppendedData", max(0, len(head) - 2 * 2**16))
            if 0 <= tag < len(head) - 200:
                break
    return head


def _only(path: Path, parent: Element, tag: str) -> Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise MtlError(f"{path} has {len(found)} elements {tag}: expected one.")
    return found[0]


def _grid(path: Path, image: Element, piece: Element) -> Grid:
    extent = [int(value) for value in image.attrib["WholeExtent"].split()]
    if piece.get("Extent", "").split() != image.attrib["WholeExtent"].split():
        raise MtlError(f"{path} holds a part of its whole extent: expected one piece with all points.")
    direction = [float(value) for value in image.get("Direction", "1 0 0 0 1 0 0 0 1").split()]
    if direction != [1, 0, 0, 0, 1, 0, 0, 0, 1]:
        raise MtlError(f"{path} has turned axes (Direction {image.get('Direction')}): expected axes along x, y and z.")
    spacings = [float(value) for value in image.get("Spacing", "1 1 1").split()]
    origins = [float(value) for value in image.get("Origin", "0 0 0").split()]
    first, last = extent[::2], extent[1::2]
    starts = [origin + start * step for origin, start, step in zip(origins, first, spacings, strict=True)]
    sizes = [stop - start + 1 for start, stop in zip(first, last, strict=True)]
    return Grid(tuple(sizes[::-1]), tuple(starts[::-1]), tuple(spacings[::-1]), (False, False, False))


def _choose(path: Path, piece: Element, wanted: str) -> Element:
    data = piece.find("PointData")
    arrays = {str(array.get("Name")): array for array in (data.findall("DataArray") if data is not None else ())}
    array = choose_array(path, arrays, wanted, data.get("Scalars") if data is not None else None)
    components = array.get("NumberOfComponents", "1")
    if components not in ("0", "1"):
        raise MtlError(f"Array '{array.get('Name')}' of {path} has {components} components: expected one.")
    return array


def _placed(path: Path, image: Element, grid: Grid, blocks: Blocks, z: Z) -> tuple[Grid, Geometry]:
    """The grid as the volume runs through it and the geometry: that of the field data where they still fit."""
    notes = {array.get("Name"): array for array in image.findall("FieldData/*")}
    if GEOMETRY in notes and notes[GEOMETRY].get("format") == "appended":
        content = json.loads(blocks.read(notes[GEOMETRY]).rstrip(b"\0"))
        stated: Z = content.pop("z", z)
        where = f"{GEOMETRY} of {path}"
        geometry = sidecar_geometry(build(Sidecar, content, where), where)
        own = Grid.of(geometry, stated)
        # Programs that cut or move an image hand its field data on as they are.
        if own.agrees(grid):
            return own, geometry.like(live=_live(path, notes.get(LIVE), blocks, geometry.shape[1:]))
    geometry, turned = plain_geometry(grid, z)
    return turned, geometry


def _live(path: Path, array: Element | None, blocks: Blocks, shape: tuple[int, ...]) -> Any:
    if array is None:
        return None
    values = np.frombuffer(blocks.read(array), blocks.dtype(array))
    if values.size != prod(shape):
        raise MtlError(f"'{LIVE}' of {path} has {values.size} values: expected one for each of {prod(shape)} traces.")
    return (values != 0).reshape(shape)
