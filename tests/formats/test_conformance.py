"""The built-in formats keep the promises of Format, and the suite finds formats that do not."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mtl_seismic.formats.npy import Npy
from mtl_seismic.formats.npz import Npz
from mtl_seismic.formats.raw import Raw
from mtlcore import ArrayVolume, ArrayWriter, Format, Geometry, MtlError
from mtlcore.testing import check_format


@pytest.mark.parametrize("format", [Raw(), Raw(byte_order="big"), Npy(), Npz()], ids=repr)
def test_conforms(format, tmp_path):
    check_format(format, tmp_path)


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
    ],
)
def test_faults_are_found(fault, message, tmp_path):
    with pytest.raises((AssertionError, EOFError), match=message):
        check_format(Careless(fault), tmp_path, kept=plain)


def test_an_unclear_error_on_a_missing_file_is_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_format(Careless("missing file"), tmp_path, kept=plain)
