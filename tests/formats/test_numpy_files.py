""".npy and .npz files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_seismic.formats.npy import Npy
from mtl_seismic.formats.npz import Npz
from mtlcore import IMAGE, Geometry, MtlError

WINDOW = (slice(1, 3), slice(0, 2))
VALUES = np.arange(12).reshape(4, 3)


@pytest.mark.parametrize("kind", ["?", "<f2", ">f4", "<f8", ">i2", "<i8", "u1", ">u4"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("suffix", [".npy", ".npz", "compressed.npz"])
def test_types_and_orders(kind, order, suffix, tmp_path):
    values = VALUES.astype(kind, order=order)
    path = tmp_path / f"a{suffix}"
    {".npy": np.save, ".npz": np.savez, "compressed.npz": np.savez_compressed}[suffix](path, values)
    volume = (Npy() if suffix == ".npy" else Npz()).open(path)
    assert volume.shape == (4, 3)
    np.testing.assert_array_equal(volume.read(WINDOW), values[WINDOW].astype("f4"))
    volume.close()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(5), r"1 axes \(5\): expected 2 \(depth, x\) or 3"),
        (np.float32(1), r"0 axes \(a single value\)"),
        (np.zeros((2, 2, 2, 2)), r"4 axes \(2x2x2x2\)"),
        (np.zeros((2, 0)), "2x0|mmap"),
        (np.zeros((2, 2), complex), "complex128: expected real numbers"),
        (np.full((2, 2), "text"), "<U4: expected real numbers"),
        (np.zeros((2, 2), [("a", "f4")]), "expected real numbers"),
        (np.array([[1, None]]), "objects"),
    ],
)
@pytest.mark.parametrize("format", [Npy(), Npz()], ids=repr)
def test_arrays_that_are_no_volumes(format, values, message, tmp_path):
    path = tmp_path / f"a{format.suffixes[0]}"
    (np.save if format.name == "npy" else np.savez)(path, values)
    with pytest.raises(MtlError, match=message) as caught:
        format.open(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("kind", "offset"), [("f8", 1e12), ("i4", 2**30), ("i8", -(2**40))])
def test_what_float32_would_lose_is_refused(kind, offset, tmp_path):
    signal = np.random.default_rng(0).normal(0, 500, (40, 30)).astype(kind)
    np.save(tmp_path / "far.npy", signal + np.array(offset, kind))
    with pytest.raises(MtlError, match=r"far\.npy holds values .* vary by no more than 489, .* subtract their mean"):
        Npy().open(tmp_path / "far.npy").load()
    np.save(tmp_path / "near.npy", signal + np.array(1_000_000, kind))
    assert Npy().open(tmp_path / "near.npy").load().std() == pytest.approx(500, rel=0.1)
    np.save(tmp_path / "constant.npy", np.full((40, 30), offset, kind) + np.array(signal * 1e-19 * offset, kind))
    assert (Npy().open(tmp_path / "constant.npy").load() == np.float32(offset)).all()


@pytest.mark.parametrize("format", [Npy(), Npz()], ids=repr)
@pytest.mark.parametrize("keep", [0, 1, 7, 40, 100, -1])
def test_truncated_files(format, keep, tmp_path):
    path = tmp_path / f"a{format.suffixes[0]}"
    (np.save if format.name == "npy" else np.savez)(path, VALUES)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        MtlError, match="is empty" if keep == 0 else f"cannot be read as {path.suffix}|cut short"
    ) as caught:
        format.open(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("default")  # of a header that looks like one of Python 2
@pytest.mark.parametrize("write", [np.save, np.savez, np.savez_compressed])
def test_damaged_files_raise_nothing_but_our_errors(write, tmp_path_factory):
    path = tmp_path_factory.mktemp("damaged") / f"a.np{'y' if write is np.save else 'z'}"
    format = Npy() if write is np.save else Npz()
    write(path, VALUES)
    content = path.read_bytes()

    @settings(deadline=None, max_examples=150)
    @given(st.integers(0, len(content) - 1), st.binary(min_size=1, max_size=4))
    def damage(start, new):
        path.write_bytes(content[:start] + new + content[start + len(new) :])
        try:
            format.open(path).load()
        except MtlError as error:
            assert str(path) in str(error)

    damage()


def test_a_sidecar_of_another_shape_is_passed_over(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    (tmp_path / "a.npy.json").write_text('{"shape": [4, 3], "axes": [{"unit": "ms"}, {}]}')
    assert Npy().open(tmp_path / "a.npy").geometry.axes[0].unit == "ms"
    np.save(tmp_path / "a.npy", VALUES.T)
    assert Npy().open(tmp_path / "a.npy").geometry.axes == Geometry.of_shape((3, 4)).axes


@pytest.mark.parametrize("format", [Npy(), Npz()], ids=repr)
def test_a_plain_geometry_needs_no_sidecar_and_removes_an_old_one(format, tmp_path):
    plain = Geometry.of_shape((4, 3))
    path = tmp_path / f"a{format.suffixes[0]}"
    for geometry, files in [(plain.like(attributes={"note": "x"}), 2), (plain, 1)]:
        with format.create(path, geometry, IMAGE) as writer:
            writer.write((slice(0, 4), slice(0, 3)), VALUES.astype("f4"))
        assert len(list(tmp_path.iterdir())) == files
        assert format.open(path).geometry.attributes == geometry.attributes


def test_the_source_of_headers_survives(tmp_path):
    source = tmp_path / "survey.sgy"
    with Npy().create(tmp_path / "a.npy", Geometry.of_shape((4, 3), source=source), IMAGE):
        pass
    assert Npy().open(tmp_path / "a.npy").geometry.source == source


def test_new_npy_files_are_plain_float32(tmp_path):
    with Npy().create(tmp_path / "a.npy", Geometry.of_shape((4, 3)), IMAGE) as writer:
        writer.write((slice(0, 4), slice(0, 3)), VALUES.astype("f4"))
    found = np.load(tmp_path / "a.npy")
    np.testing.assert_array_equal(found, VALUES)
    assert found.dtype == "<f4"
    assert found.flags.c_contiguous


def test_which_array_of_an_npz(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, image=VALUES, dhr=VALUES + 1)
    assert Npz().open(path).load()[0, 0] == 0
    assert Npz("dhr").open(path).load()[0, 0] == 1
    with pytest.raises(MtlError, match=r"a\.npz has no array 'dhrr'. Did you mean 'dhr'\? Arrays: image, dhr"):
        Npz("dhrr").open(path)
    np.savez(path, rgt=VALUES, dhr=VALUES)
    with pytest.raises(MtlError, match=r"2 arrays, none called image\. Say array=NAME\. Arrays: rgt, dhr"):
        Npz().open(path)
    np.savez(path)
    with pytest.raises(MtlError, match="0 arrays"):
        Npz().open(path)


def test_a_new_npz_holds_the_outputs_name_and_is_reproducible(tmp_path):
    for name in ("a.npz", "b.npz"):
        with Npz().create(tmp_path / name, Geometry.of_shape((4, 3)), IMAGE) as writer:
            writer.write((slice(0, 4), slice(0, 3)), VALUES.astype("f4"))
    with np.load(tmp_path / "a.npz") as archive:
        np.testing.assert_array_equal(archive["image"], VALUES)
        assert archive.files == ["image"]
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_opening_an_npz_reads_no_samples(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", np.random.default_rng(0).random((100, 200)))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(content)
    volume = Npz().open(tmp_path / "a.npz")
    assert volume.shape == (100, 200)
    with pytest.raises(MtlError, match=r"a\.npz cannot be read as \.npz"):
        volume.load()
