"""NumPy's .npz files: several named arrays in one zip file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, ClassVar
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats.arrays import check_array
from mtl_seismic.formats.sidecar import fitting_geometry, is_plain, sidecar_text, with_sidecar
from mtlcore.errors import MtlError, suggestion
from mtlcore.io.files import file_size
from mtlcore.io.volume import ArrayVolume, ArrayWriter, Geometry, Volume, Window, Writer
from mtlcore.plugin.interfaces import Format
from mtlcore.plugin.outputs import Output

_ENCRYPTED = 1


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
        with with_sidecar(path, None if is_plain(geometry) else sidecar_text(geometry)) as temporary:
            array = np.zeros(geometry.shape, dtype="<f4")
            yield ArrayWriter(array)
            # ZipInfo's fixed date makes equal arrays equal files.
            entry = ZipInfo(f"{output.name}.npy")
            with ZipFile(temporary, "w") as archive, archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


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
            shape, fortran, dtype = _header(file)
            length = file.tell()
        if dtype.hasobject:
            raise MtlError(f"Array '{name}' of {path} holds Python objects: expected real numbers.")
        if entry.file_size != length + prod(shape) * dtype.itemsize:
            raise MtlError(f"Array '{name}' of {path} is damaged: {entry.file_size} bytes, shape {shape}.")
        mapped = entry.compress_type == ZIP_STORED and not entry.flag_bits & _ENCRYPTED
        offset = _content_start(path, entry) + length if mapped else None
        return cls(path, name, shape, dtype, fortran, offset)

    def array(self) -> NDArray[Any]:
        """The samples: memory-mapped if the file holds them as they are, else loaded."""
        order: Any = "F" if self.fortran else "C"
        with _readable(self.path):
            if self.offset is not None:
                return np.memmap(self.path, self.dtype, "r", self.offset, self.shape, order)
            with ZipFile(self.path) as archive, archive.open(f"{self.name}.npy") as file:
                loaded: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
                return loaded


class NpzVolume(Volume):
    """A volume whose samples are looked up at the first read."""

    def __init__(self, member: Member, geometry: Geometry) -> None:
        self._member = member
        self._volume: ArrayVolume | None = None
        self.geometry = geometry

    def read(self, window: Window) -> NDArray[np.float32]:
        if self._volume is None:
            self._volume = ArrayVolume(self._member.array(), self.geometry, file=self._member.path)
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


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the first axis is fastest, and type, from the start of an .npy stream."""
    if np.lib.format.read_magic(file) == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def _content_start(path: Path, entry: ZipInfo) -> int:
    """Where an entry's bytes begin: after a local header of 30 bytes, the name and extra fields."""
    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)
        lengths = np.frombuffer(file.read(4), "<u2")
    return entry.header_offset + 30 + int(lengths.sum())
