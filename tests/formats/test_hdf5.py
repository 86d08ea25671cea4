"""HDF5 files: what other programs see, and what must not go wrong silently."""

import os
import resource
from contextlib import nullcontext

import numpy as np
import pytest

from mtl_seismic.formats.hdf5_file.format import Hdf5
from mtl_seismic.formats.hdf5_file.probe import refuse_endless
from mtlcore import Axis, Geometry, MtlError, Output

h5py = pytest.importorskip("h5py")

AXES = (Axis("time", 5, 100.0, 4.0, "ms"), Axis("inline", 4, 1000.0, 2.0, "line"), Axis("crossline", 3, 50.0, -1.0))
GEOMETRY = Geometry(AXES, np.arange(12).reshape(4, 3) > 2)
VALUES = np.arange(60, dtype="f4").reshape(5, 4, 3)
WHOLE = (slice(0, 5), slice(0, 4), slice(0, 3))


def write(path, geometry=GEOMETRY, **options):
    with Hdf5(**options).create(path, geometry, Output("rgt", "relative geological time")) as writer:
        writer.write(WHOLE, VALUES)
    return path


def test_axes_are_dimension_scales(tmp_path):
    with h5py.File(write(tmp_path / "a.h5")) as file:
        rgt = file["rgt"]
        assert [dimension.keys() for dimension in rgt.dims] == [["time"], ["inline"], ["crossline"]]
        np.testing.assert_array_equal(rgt.dims[2][0], [50, 49, 48])
        assert (file["time"].attrs["units"], rgt.attrs["units"]) == ("ms", "1")
        np.testing.assert_array_equal(file["live"], GEOMETRY.live)


def test_long_attributes_fit(tmp_path):
    attributes = {"text header": "C" * 100_000}
    path = write(tmp_path / "a.h5", GEOMETRY.like(attributes=attributes))
    assert Hdf5().open(path).geometry.attributes == attributes


def test_files_of_other_programs(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["survey/amplitude"] = VALUES
        file["survey/cdp"] = np.arange(3)
    assert Hdf5().open(tmp_path / "a.h5").geometry.axes == Geometry.of_shape((5, 4, 3)).axes
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["other"] = VALUES
    with pytest.raises(MtlError, match=r"2 arrays .*: set format\.array=NAME\. .*: other, survey/amplitude"):
        Hdf5().open(tmp_path / "a.h5")
    np.testing.assert_array_equal(Hdf5(array="/survey/amplitude").open(tmp_path / "a.h5").load(), VALUES)


def test_uneven_positions_are_refused(tmp_path):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["inline"][0] = 7
    with pytest.raises(MtlError, match=r"Axis 'inline' of .*a\.h5 has uneven positions \(7 to 1006\)"):
        Hdf5().open(path)


def test_damaged_files_are_said_in_one_line(tmp_path):
    path = write(tmp_path / "a.h5", compression="gzip")
    content = path.read_bytes()
    for damaged in (b"text", content[: len(content) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(MtlError, match=r"a\.h5 cannot be read as HDF5: ") as caught:
            Hdf5().open(path)
        assert "\n" not in str(caught.value)


def test_windows_that_do_not_fit(tmp_path):
    with (
        pytest.raises(ValueError, match="do not fit"),
        Hdf5().create(tmp_path / "a.h5", GEOMETRY, Output("a")) as writer,
    ):
        writer.write(WHOLE, np.ones((1, 4, 3), "f4"))
    assert not list(tmp_path.iterdir())


def test_a_full_disk(tmp_path):
    # A limit on file sizes stands in for the full disk: the same calls fail, in the same way.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with (
            pytest.raises(MtlError, match=r"Cannot write .*a\.h5: it is too large"),
            Hdf5().create(tmp_path / "a.h5", Geometry.of_shape((300, 200)), Output("a")) as writer,
        ):
            writer.write((slice(0, 300), slice(0, 200)), np.ones((300, 200), "f4"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_the_package_h5py_is_an_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MtlError, match=r'need the package h5py, not installed here: pip install "mtlcore\[hdf5\]"'):
        Hdf5()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a file is read in a copy of the process")
def test_a_file_that_makes_the_library_loop_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_seismic.formats.hdf5_file.probe.CPU_SECONDS", 1)
    path = write(tmp_path / "a.h5")
    content = path.read_bytes()
    # In a heap of texts, free space of no size: the library looks for the next object at the same place.
    heap = content.index(b"GCOL") + 16
    path.write_bytes(content[:heap] + bytes(16) + content[heap + 16 :])
    with pytest.raises(MtlError, match=r"a\.h5 is damaged: reading its structure does not end"):
        Hdf5().open(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a file is read in a copy of the process")
@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("while True: pass", "reading its structure does not end"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "reading its structure crashes the library HDF5"),
        ("import time; time.sleep(9)", "reading its structure did not end after 0.5 s"),
        ("raise ValueError", ""),
        ("", ""),
    ],
)
def test_what_a_look_at_a_file_may_do(action, message, tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_seismic.formats.hdf5_file.probe.CPU_SECONDS", 1)
    if "sleep" in action:
        monkeypatch.setattr("mtl_seismic.formats.hdf5_file.probe.SECONDS", 0.5)
    with pytest.raises(MtlError, match=message) if message else nullcontext():
        refuse_endless(tmp_path / "a.h5", lambda: exec(action))
