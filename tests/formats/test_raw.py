"""Raw files."""

import json
import os
import tempfile
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_seismic.formats.npy import Npy
from mtl_seismic.formats.raw import Raw
from mtlcore import IMAGE, Axis, Geometry, MtlError
from mtlcore.errors import MtlWarning

DTYPES = ["float32", "float64", "float16", "int8", "int16", "int32", "uint8", "uint16"]


def write_sidecar(path, **content):
    Path(f"{path}.json").write_text(json.dumps(content))


@st.composite
def spans(draw, size):
    start = draw(st.integers(0, size - 1))
    return slice(start, draw(st.integers(start + 1, size)))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_windows_of_every_type(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 8), min_size=2, max_size=3)))
    kind, order = data.draw(st.sampled_from(DTYPES)), data.draw(st.sampled_from(["little", "big"]))
    window = tuple(data.draw(spans(size)) for size in shape)
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    values = random.integers(0, 100, shape).astype(kind)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.bin")
        # Depth is fastest on disk.
        path.write_bytes(values.astype(np.dtype(kind).newbyteorder(order)).tobytes(order="F"))
        volume = Raw(shape, kind, order).open(path)
        np.testing.assert_array_equal(volume.read(window), values[window])
        assert volume.read(window).dtype == np.float32
        assert volume.geometry.axes == Geometry.of_shape(shape).axes
        volume.close()


def test_the_order_on_disk_is_the_references(tmp_path):
    values = np.random.default_rng(0).standard_normal((5, 3, 4)).astype("f4")
    with Raw().create(tmp_path / "a.bin", Geometry.of_shape(values.shape), IMAGE) as writer:
        writer.write((slice(0, 5), slice(0, 3), slice(0, 4)), values)
    np.testing.assert_array_equal(np.fromfile(tmp_path / "a.bin", "<f4").reshape(4, 3, 5).T, values)


def test_nan_infinities_and_wide_doubles_read_without_a_warning(tmp_path):
    np.array([[np.nan, np.inf], [1e300, -1.5]]).T.tofile(tmp_path / "a.bin")
    found = Raw((2, 2), "float64").open(tmp_path / "a.bin").load()
    np.testing.assert_array_equal(found, np.array([[np.nan, np.inf], [np.inf, -1.5]], "f4"))


def test_a_short_sidecar_is_enough(tmp_path):
    np.arange(6, dtype=">i2").tofile(tmp_path / "a.bin")
    write_sidecar(tmp_path / "a.bin", shape=[3, 2], dtype="int16", byte_order="big", axes=[{"step": 4}, {}])
    volume = Raw().open(tmp_path / "a.bin")
    np.testing.assert_array_equal(volume.load(), [[0, 3], [1, 4], [2, 5]])
    assert volume.geometry.axes == (Axis("depth", 3, step=4.0), Axis("x", 2))


def test_options_overrule_the_sidecar(tmp_path):
    path = tmp_path / "a.bin"
    np.arange(6, dtype="<f4").tofile(path)
    write_sidecar(path, shape=[3, 2], axes=[{"unit": "ms"}, {}], dtype="float64", byte_order="big")
    same = Raw((3, 2), "float32", "little").open(path)
    other = Raw((2, 3), "float32", "little").open(path)
    assert same.geometry.axes[0].unit == "ms"
    assert other.geometry.axes == Geometry.of_shape((2, 3)).axes
    np.testing.assert_array_equal(other.load(), [[0, 2, 4], [1, 3, 5]])
    with pytest.raises(MtlError, match="4x3 of float32 needs 48"):
        Raw((4, 3), "float32").open(path)


@pytest.mark.parametrize("size", [0, 1, 95, 97, 192])
def test_a_size_that_does_not_fit(size, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(size))
    with pytest.raises(MtlError) as caught:
        Raw((4, 6)).open(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    if size:
        assert f"has {size} bytes" in message
        assert "needs 96" in message
        assert "--shape DEPTHxTRACES" in message
    assert ("--shape 4x12" in message) == (size == 192)


def test_a_shape_that_is_not_known_or_not_one(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(96))
    with pytest.raises(MtlError, match=r"a\.bin is not known.*no a\.bin\.json.*--shape DEPTHxTRACES"):
        Raw().open(path)
    for shape in [(24,), (2, 2, 2, 3), (0, 4), (-4, -6), ()]:
        with pytest.raises(MtlError, match="expected 2 or 3 sizes, depth first"):
            Raw(shape).open(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[3, 2]", "not a JSON object"),
        ("{}", "needs the option 'shape'"),
        ('{"shpae": [3, 2]}', "no option 'shpae'. Did you mean 'shape'"),
        ('{"shape": [3]}', "expected 2 or 3 sizes"),
        ('{"shape": [3, 0]}', "expected 2 or 3 sizes"),
        ('{"shape": [3, "2"]}', "shape.* is '2': expected"),
        ('{"shape": [3, 2], "dtype": "f4"}', "dtype is 'f4': expected one of float32"),
        ('{"shape": [3, 2], "live": ["1"]}', "wrong 'live': expected 1 text.s. of 2 characters"),
        ('{"shape": [3, 2], "live": ["1x"]}', "wrong 'live'"),
        ('{"shape": [3, 2], "axes": [{}]}', "1 axes for the shape 3x2"),
        ('{"shape": [3, 2], "axes": [{"size": 4}, {}]}', "axes of other sizes than its shape 3x2"),
        ('{"shape": [3, 2], "axes": [{"stp": 4}, {}]}', "axis 0 has no option 'stp'"),
        ('{"shape": [3, 3]}', r"has 24 bytes, but the shape 3x3 of float32 needs 36\. What would fit: --shape 3x2"),
    ],
)
def test_damaged_sidecars(text, message, tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(24))
    (tmp_path / "a.bin.json").write_text(text)
    with pytest.raises(MtlError, match=message) as caught:
        Raw().open(tmp_path / "a.bin")
    assert "a.bin" in str(caught.value)


@pytest.mark.parametrize("format", [Raw((1024, 1024, 1024)), Npy()], ids=["raw", "npy"])
def test_a_window_of_a_large_file_is_cheap(format, tmp_path):
    path = tmp_path / "large"
    if format.name == "raw":
        path.touch()
        os.truncate(path, 4 * 2**30)
    else:
        np.lib.format.open_memmap(path, mode="w+", dtype="f4", shape=(1024, 1024, 1024))
    assert path.stat().st_blocks * 512 < 2**20, "the test's own file is not sparse"
    tracemalloc.start()
    try:
        part = format.open(path).read((slice(500, 564), slice(10, 74), slice(900, 964)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert part.shape == (64, 64, 64)
    assert not part.any()
    assert peak < 4 * part.nbytes


def reflections(shape=(128, 96)):
    """Dipping reflections with some noise."""
    depth, x = np.meshgrid(*map(np.arange, shape), indexing="ij")
    return (1000 * np.sin(0.3 * depth + 0.05 * x) + 50 * np.random.default_rng(0).standard_normal(shape)).astype("f4")


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">i2", "<i2", ">i4", "<i4"])
@pytest.mark.parametrize("volume", [reflections(), np.random.default_rng(1).standard_normal((128, 96)) * 1000])
def test_the_other_byte_order_is_named(dtype, volume, tmp_path):
    volume.astype(dtype).T.tofile(tmp_path / "a.bin")
    kind, right = np.dtype(dtype).name, "big" if dtype[0] == ">" else "little"
    wrong = "little" if right == "big" else "big"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(
            Raw((128, 96), kind, right).open(tmp_path / "a.bin").load(), volume.astype(dtype), rtol=1e-6
        )
    if dtype[1] == "i" and abs(np.corrcoef(volume[1:].ravel(), volume[:-1].ravel())[0, 1]) < 0.5:
        return  # white noise of whole numbers looks alike in either order
    with pytest.warns(MtlWarning, match=rf"a\.bin: as {kind} of {wrong} endian, .*format\.byte_order={right}"):
        Raw((128, 96), kind, wrong).open(tmp_path / "a.bin")


@pytest.mark.parametrize("stored", ["depth slowest", "sizes exchanged"])
def test_a_wrong_order_of_axes_is_named(stored, tmp_path):
    values = reflections()
    (values if stored == "depth slowest" else values.T).tofile(tmp_path / "a.bin")
    shape = (128, 96) if stored == "depth slowest" else (96, 128)
    right = 96 if stored == "depth slowest" else 128
    with pytest.warns(MtlWarning, match=rf"a\.bin: samples repeat every {right}, not every {shape[0]} as the shape"):
        Raw(shape).open(tmp_path / "a.bin")


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<i2"])
def test_an_unknown_shape_is_guessed(dtype, tmp_path):
    (reflections((300, 550)) * np.hanning(300)[:, None]).astype(dtype).T.tofile(tmp_path / "a.bin")
    options = (" --set format.dtype=int16" if dtype == "<i2" else "") + (
        " --set format.byte_order=big" if dtype == ">f4" else ""
    )
    with pytest.raises(MtlError, match=rf"repeat every 300: --shape 300x550{options} may be right"):
        Raw().open(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("size", "hint"),
    [
        (2 * 24, r"format\.dtype=int16, uint16 or float16"),
        (8 * 24, r"format\.dtype=float64"),
        (4 * 24 + 512, "a header of 512 bytes, which is to be removed"),
        (3600 + 6 * (240 + 16), r"--format segy \(it has the size of a SEG-Y file of this shape\)"),
    ],
)
def test_what_would_fit_is_named(size, hint, tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(size))
    with pytest.raises(MtlError, match=rf"has {size} bytes, .*What would fit: .*{hint}"):
        Raw((4, 6)).open(tmp_path / "a.bin")


def test_tiny_probabilities_are_plausible(tmp_path):
    values = (10.0 ** np.random.default_rng(0).uniform(-30, 0, (64, 48))).astype("<f4")
    values.T.tofile(tmp_path / "a.bin")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(Raw((64, 48)).open(tmp_path / "a.bin").load(), values)
