"""Windows of arrays in files, and files that change while they are read."""

import os
import resource

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_seismic.formats.hdf5_file.format import Hdf5
from mtl_seismic.formats.npy import Npy
from mtl_seismic.formats.npz import Npz
from mtl_seismic.formats.raw import Raw
from mtl_seismic.formats.vti.format import Vti
from mtl_seismic.formats.zarr_store.format import Zarr
from mtlcore import IMAGE, Geometry, MtlError
from mtlcore.io.file_array import FileArray

SHAPE = (60, 40, 30)
VALUES = np.random.default_rng(0).standard_normal(SHAPE).astype("f4")
WHOLE = tuple(slice(0, size) for size in SHAPE)
FORMATS = [Raw(), Npy(), Npz(), Vti(), Hdf5(), Hdf5(compression="gzip")]


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 8), st.integers(1, 9)), min_size=1, max_size=4),
    st.integers(0, 5),
)
def test_windows_of_any_shape(axes, offset):
    import tempfile

    shape = tuple(size for size, _, _ in axes)
    values = np.arange(np.prod(shape), dtype=">i2").reshape(shape)
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(offset) + values.tobytes())
        file.flush()
        array = FileArray(file.name, ">i2", shape, offset)
        window = tuple(slice(start, start + length) for _, start, length in axes)
        np.testing.assert_array_equal(array[window], values[window])
        np.testing.assert_array_equal(array[window[:1]], values[window[:1]])
        array.close()


def written(format, folder):
    path = folder / f"a{format.suffixes[0]}"
    with format.create(path, Geometry.of_shape(SHAPE), IMAGE) as writer:
        writer.write(WHOLE, VALUES)
    return path


@pytest.mark.parametrize("format", FORMATS, ids=repr)
@pytest.mark.parametrize("change", ["shorter", "longer", "written", "replaced", "removed"])
def test_a_file_that_changes_is_said(format, change, tmp_path):
    path = written(format, tmp_path)
    volume = format.open(path)
    np.testing.assert_array_equal(volume.read(WHOLE), VALUES)
    size = path.stat().st_size
    if change == "shorter":
        os.truncate(path, size // 2)
    elif change == "longer":
        os.truncate(path, size + 4096)
    elif change == "written":
        with path.open("r+b") as file:
            file.seek(size // 2)
            file.write(bytes(64))
        os.utime(path, ns=(0, 10**18))
    elif change == "replaced":
        written(format, tmp_path)
    else:
        path.unlink()
    with pytest.raises(MtlError, match=r"a\.\w+ (was|has|cannot be read|became)") as caught:
        volume.read(WHOLE)
    assert "\n" not in str(caught.value)
    volume.close()


@pytest.mark.parametrize("format", [Raw((256, 512, 256)), Npy(), Npz(), Vti(), Hdf5(), Zarr()], ids=lambda f: f.name)
def test_a_window_of_a_large_file_takes_little_memory(format, tmp_path):
    path, shape = tmp_path / f"a{format.suffixes[0]}", (256, 512, 256)
    with format.create(path, Geometry.of_shape(shape), IMAGE) as writer:
        writer.write((slice(0, 256), slice(0, 8), slice(0, 8)), np.ones((256, 8, 8), "f4"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    volume = format.open(path)
    assert volume.read((slice(0, 256), slice(4, 12), slice(4, 12))).sum() == 256 * 16
    volume.close()
    # 134 MB in the file; blocks of 64 or 128 samples are read whole.
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 30_000_000


def test_a_pack_of_zeros_is_refused(tmp_path):
    from zipfile import ZIP_BZIP2, ZipFile

    header = np.lib.format.header_data_from_array_1_0(np.zeros((1, 1), "f4")) | {"shape": (2**13, 2**13)}
    with ZipFile(tmp_path / "a.npz", "w", ZIP_BZIP2) as archive, archive.open("image.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(2**8):
            file.write(bytes(2**20))
    with pytest.raises(MtlError, match=r"a\.npz claims 2684\d+ bytes, packed in \d+: no array of samples"):
        Npz().open(tmp_path / "a.npz")


def test_chunks_larger_than_memory_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("image", (2**20, 2**20), "f4", chunks=(2**15, 2**14), compression="gzip")
        file["image"].id.write_direct_chunk((0, 0), b"x")
    import zarr

    zarr.create_array(tmp_path / "a.zarr", shape=(2**20, 2**20), chunks=(2**20, 2**20), dtype="f4")
    for name in ("a.h5", "a.zarr"):
        with pytest.raises(MtlError, match=rf"{name}") as caught:
            (Hdf5() if name == "a.h5" else Zarr()).open(tmp_path / name)
        assert "GB" in str(caught.value)
