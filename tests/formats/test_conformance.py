"""The built-in formats keep the promises of Format, and the suite finds formats that do not."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mtl_seismic.formats.hdf5_file.format import Hdf5
from mtl_seismic.formats.npy import Npy
from mtl_seismic.formats.npz import Npz
from mtl_seismic.formats.parts import Parts
from mtl_seismic.formats.raw import Raw
from mtl_seismic.formats.vti.format import Vti
from mtl_seismic.formats.zarr_store.format import Zarr
from mtlcore import ArrayVolume, ArrayWriter, Format, Geometry, MtlError
from mtlcore.testing import check_format, check_reading


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """Hundreds of small files are written, and waiting for the disk would take longer than all else."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


FORMATS = [
    Raw(),
    Raw(byte_order="big"),
    Npy(),
    Npz(),
    Vti(),
    Vti(z="down"),
]


@pytest.mark.parametrize("format", FORMATS, ids=repr)
def test_conforms(format, tmp_path):
    check_format(format, tmp_path)


# Small blocks, so that small volumes have several; no memory, so that unfinished ones are stored and read again.
@pytest.mark.parametrize("options", [{}, {"chunk": 2, "shard": 4}, {"chunk": 3, "compression": "none", "memory": 0}])
def test_zarr_conforms(options, tmp_path):
    pytest.importorskip("zarr")
    check_format(Zarr(**options), tmp_path, examples=10)


@pytest.mark.parametrize("options", [{}, {"chunk": 3, "compression": "gzip"}])
def test_hdf5_conforms(options, tmp_path):
    pytest.importorskip("h5py")
    check_format(Hdf5(**options), tmp_path)


NUMBERS = ["bool", "uint8", "int16", ">i4", "int64", "float16", "float32", ">f8"]


def test_element_types_of_numpy(tmp_path):
    check_reading(Npy(), tmp_path, np.save, NUMBERS)
    check_reading(Npz(), tmp_path, np.savez_compressed, NUMBERS)


def test_element_types_of_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")

    def store(path, values):
        zarr.create_array(path, data=values, overwrite=True)

    check_reading(Zarr(), tmp_path, store, NUMBERS, examples=20)


def test_element_types_of_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")

    def store(path, values):
        with h5py.File(path, "w") as file:
            file["group/data"] = values

    check_reading(Hdf5(), tmp_path, store, NUMBERS)


@dataclass(frozen=True)
class Careless(Format):
    """A format that does everything right, but for what ``fault`` names."""

    name = "careless"
    fault: str = ""

    def open(self, path):
        if self.fault != "missing file" and not path.exists():
            raise MtlError(f"{path} does not exist.")
        values = np.load(path.with_name("volume.npy") if self.fault == "missing file" else path)
        return ArrayVolume(values[::-1] if self.fault == "values" else values)

    @contextmanager
    def create(self, path: Path, geometry, output):
        array = np.zeros(geometry.shape, "f4")
        if path.is_dir():
            if self.fault != "replaces folders":
                raise MtlError(f"{path} is a folder.")
            shutil.rmtree(path)
        if self.fault == "dirty":
            array += 1
        if self.fault == "early":
            path.write_bytes(b"")
        try:
            yield ArrayWriter(array)
        except ValueError:
            if self.fault == "late":
                path.with_name("junk").touch()
            if self.fault != "swallows":
                raise
            return
        with path.open("wb") as file:
            np.save(file, array)


def plain(geometry):
    return Geometry.of_shape(geometry.shape)


def test_a_format_may_keep_the_shape_alone(tmp_path):
    check_format(Careless(), tmp_path, kept=plain)


def test_losing_the_geometry_unsaid_is_found(tmp_path):
    with pytest.raises(AssertionError, match=r"geometry\.axes comes back as"):
        check_format(Careless(), tmp_path)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("values", "samples differ"),
        ("early", "No data left"),
        ("late", "interrupted writing changes .*junk"),
        ("swallows", "swallows the exception"),
        ("dirty", "one window was written: .* samples differ"),
        ("replaces folders", "foldervolume, which holds something else, is replaced"),
    ],
)
def test_faults_are_found(fault, message, tmp_path):
    with pytest.raises((AssertionError, EOFError), match=message):
        check_format(Careless(fault), tmp_path, kept=plain)


def test_an_unclear_error_on_a_missing_file_is_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_format(Careless("missing file"), tmp_path, kept=plain)


@dataclass(frozen=True)
class Forgetful(Zarr):
    """The format zarr, but for a shard that is lost."""

    def commit(self, started, path):
        (shard,) = started.glob("*/c/0/0/0")
        shard.unlink()
        super().commit(started, path)


def test_a_lost_part_is_found(tmp_path):
    pytest.importorskip("zarr")
    with pytest.raises(AssertionError, match=r"two writers: .* samples differ"):
        check_format(Forgetful(chunk=2, shard=4), tmp_path, examples=1)


def test_two_writers_of_one_block_are_found(tmp_path, monkeypatch):
    pytest.importorskip("zarr")
    monkeypatch.setattr(Parts, "_claim", lambda self, block, owner: None)
    with pytest.raises(AssertionError, match="two owners write to one block, without an error"):
        check_format(Zarr(chunk=2, shard=4), tmp_path, examples=1)
