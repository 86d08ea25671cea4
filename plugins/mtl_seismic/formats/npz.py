"""NumPy's .npz files: several named arrays in one zip file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from shutil import copyfileobj
from typing import Any, ClassVar
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.arrays import check_array, npy_header
from mtl_seismic.formats.sidecar import fitting_geometry, is_plain, sidecar_text, with_sidecar
from mtlcore.errors import MtlError, suggestion
from mtlcore.io.atomic import reserve, scratch_path
from mtlcore.io.file_array import FileArray
from mtlcore.io.files import file_size
from mtlcore.io.memory import check_memory
from mtlcore.io.volume import ArrayVolume, ArrayWriter, Geometry, Volume, Window, Writer
from mtlcore.plugin.interfaces import Format
from mtlcore.plugin.outputs import Output

_ENCRYPTED = 1
MAX_RATIO = 2000
"""How much smaller an array may be packed: zeros, by deflate, 1000 times."""


@dataclass(frozen=True)
class Npz(Format):
    """One array of a .npz file.

    ``array`` names it; if it is not given, ``image`` is read, else the only one. New files hold one array
    under the output's name, not compressed, so that its windows can be read without the rest.
    """

    name: ClassVar[str] = "npz"
    suffixes: ClassVar[tuple[str, ...]] = (".npz",)
    array: str = ""

    def open(self, path: Path) -> Volume:
        file_size(path)
        with _readable(path), ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            member = Member.read(path, archive, _choose(path, self.array, names))
        check_array(f"Array '{member.name}' of {path}", member.shape, member.dtype)
        return NpzVolume(member, fitting_geometry(path, member.shape))

    @contextmanager
    def create(self, path: Path, geometry: Geometry, output: Output) -> Iterator[Writer]:
        sidecar = None if is_plain(geometry) else sidecar_text(geometry)
        with with_sidecar(path, sidecar) as temporary, scratch_path(path) as scratch:
            # Windows come in any order, and a zip file wants a checksum of all: samples wait in a file.
            array = np.lib.format.open_memmap(scratch, mode="w+", dtype="<f4", shape=geometry.shape)
            reserve(scratch)
            yield ArrayWriter(array)
            array.flush()
            # ZipInfo's fixed date makes equal arrays equal files.
            entry = ZipInfo(f"{output.name}.npy")
            with (
                scratch.open("rb") as samples,
                ZipFile(temporary, "w") as archive,
                archive.open(entry, "w", force_zip64=True) as file,
            ):
                copyfileobj(samples, file, 2**22)


@dataclass(frozen=True)
class Member:
    """An array in a zip file: its type and shape, and where its samples lie if they can be memory-mapped."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int | None

    @classmethod
    def read(cls, path: Path, archive: ZipFile, name: str) -> Member:
        """Read the header, not the samples."""
        entry = archive.getinfo(f"{name}.npy")
        with archive.open(entry) as file:
            shape, fortran, dtype = npy_header(file)
            length = file.tell()
        if dtype.hasobject:
            raise MtlError(f"Array '{name}' of {path} holds Python objects: expected real numbers.")
        if entry.file_size != length + prod(shape) * dtype.itemsize:
            raise MtlError(f"Array '{name}' of {path} is damaged: {entry.file_size} bytes, shape {shape}.")
        mapped = entry.compress_type == ZIP_STORED and not entry.flag_bits & _ENCRYPTED
        check_packing(path, entry)
        offset = _content_start(path, entry) + length if mapped else None
        return cls(path, name, shape, dtype, fortran, offset)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of ``array`` in the volume's order."""
        return tuple(range(len(self.shape)))[:: -1 if self.fortran else 1]

    def array(self) -> Any:
        """The samples in C order: read window by window if the file has them as they are, else loaded."""
        with _readable(self.path):
            if self.offset is not None:
                stored = self.shape[::-1] if self.fortran else self.shape
                return FileArray(self.path, self.dtype, stored, self.offset)
            check_memory(2 * prod(self.shape) * self.dtype.itemsize, f"the compressed array '{self.name}'", self.path)
            with ZipFile(self.path) as archive, archive.open(f"{self.name}.npy") as file:
                loaded: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
                return loaded.T if self.fortran else loaded


class NpzVolume(Volume):
    """A volume whose samples are looked up at the first read."""

    def __init__(self, member: Member, geometry: Geometry) -> None:
        self._member = member
        self._volume: ArrayVolume | None = None
        self.geometry = geometry

    def read(self, window: Window) -> NDArray[np.float32]:
        if self._volume is None:
            self._volume = ArrayVolume(self._member.array(), self.geometry, self._member.axes, self._member.path)
        return self._volume.read(window)

    def close(self) -> None:
        self._volume = None


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What a damaged file makes zipfile, zlib and numpy raise (errors of many types) becomes an MtlError."""
    try:
        yield
    except MtlError:
        raise
    except Exception as error:
        raise MtlError(f"{path} cannot be read as .npz: {' '.join(str(error).split())}.") from error


def check_packing(path: Path, entry: ZipInfo) -> None:
    """MtlError where an array claims to be so large that unpacking it cannot be meant."""
    if entry.file_size > MAX_RATIO * entry.compress_size + 2**16:
        raise MtlError(
            f"Array '{entry.filename.removesuffix('.npy')}' of {path} claims {entry.file_size} bytes, packed in "
            f"{entry.compress_size}: no array of samples can be packed so well."
        )


def _choose(path: Path, wanted: str, names: list[str]) -> str:
    listed = ", ".join(names) or "none"
    if wanted:
        if wanted not in names:
            raise MtlError(f"{path} has no array '{wanted}'. {suggestion(wanted, names)}Arrays: {listed}.")
        return wanted
    if "image" in names:
        return "image"
    if len(names) != 1:
        raise MtlError(f"{path} holds {len(names)} arrays, none called image. Say array=NAME. Arrays: {listed}.")
    return names[0]


def _content_start(path: Path, entry: ZipInfo) -> int:
    """Where an entry's bytes begin: after a local header of 30 bytes, the name and extra fields."""
    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)
        lengths = np.frombuffer(file.read(4), "<u2")
    return entry.header_offset + 30 + int(lengths.sum())
