"""Files without a SEG-Y input: headers made from the geometry, read back by segyio and by the format itself."""

from __future__ import annotations

import numpy as np
import pytest
import segyio

from mtl_seismic.segy.format import SegY
from mtlcore import IMAGE, Axis, Geometry
from mtlcore.errors import MtlError

TIME = Axis("time", 30, 1000.0, 2.0, "ms")
LINES = (Axis("inline", 5, 100.0, 1.0, "line"), Axis("crossline", 7, 2000.0, 3.0, "line"))
MATRIX = ((430_000.0, 12.5, -4.25), (6_700_000.25, 4.25, 12.5))
B, T = segyio.BinField, segyio.TraceField


def write(path, geometry, values, **options):
    with SegY(**options).create(path, geometry, IMAGE) as writer:
        writer.write(tuple(slice(0, size) for size in geometry.shape), values)
    return path


def test_segyio_reads_a_cube(tmp_path, make_image):
    geometry = Geometry((TIME, *LINES), coordinates=MATRIX)
    values = make_image(geometry.shape)
    path = write(tmp_path / "cube.sgy", geometry, values)
    with segyio.open(path, strict=True) as file:
        np.testing.assert_array_equal(segyio.tools.cube(file), values.transpose(1, 2, 0))
        np.testing.assert_array_equal(file.ilines, 100 + np.arange(5))
        np.testing.assert_array_equal(file.xlines, 2000 + 3 * np.arange(7))
        np.testing.assert_array_equal(file.samples, 1000 + 2.0 * np.arange(30))
        assert segyio.tools.dt(file) == 2000
        assert (file.bin[B.SEGYRevision], file.bin[B.TraceFlag], file.bin[B.MeasurementSystem]) == (1, 1, 1)
        header = file.header[9]  # inline 101, crossline 2006
        assert header[T.SourceGroupScalar] == -100 and header[T.CoordinateUnits] == 1
        assert header[T.CDP_X] == round(100 * (430_000 + 12.5 * 101 - 4.25 * 2006))
        assert header[T.CDP_Y] == round(100 * (6_700_000.25 + 4.25 * 101 + 12.5 * 2006))
        text = file.text[0].decode("cp037" if file.text[0][:1] != b"C" else "ascii")
    assert text.startswith("C 1 MTLCORE") and "bytes 189-192 (inline number), 100 TO 104" in text
    assert SegY().open(path).geometry.coordinates == MATRIX


def test_only_live_traces_are_written(tmp_path, make_image):
    live = np.ones((5, 7), bool)
    live[1, 2:] = live[3, 0] = False
    values = np.where(live, make_image((30, 5, 7)), np.float32(0))
    path = write(tmp_path / "cube.sgy", Geometry((TIME, *LINES), live=live), values)
    assert path.stat().st_size == 3600 + live.sum() * (240 + 4 * 30)
    np.testing.assert_array_equal(SegY().open(path).geometry.live, live)


def test_lines_without_a_live_trace_are_held_by_one_flagged_as_dead(tmp_path, make_image):
    live = np.zeros((40, 7), bool)
    live[20:22, 3:6] = True
    axes = (TIME, Axis("inline", 40, 100.0, 1.0, "line"), LINES[1])
    path = write(tmp_path / "cube.sgy", Geometry(axes, live=live), make_image((30, 40, 7)))
    geometry = SegY().open(path).geometry
    assert geometry.axes == axes
    np.testing.assert_array_equal(geometry.live, live)
    with segyio.open(path, ignore_geometry=True) as file:
        kinds = file.attributes(29)[:]
        assert (kinds == 1).sum() == 6 and (kinds == 2).sum() < 50
        assert not any(file.trace.raw[int(k)].any() for k in np.flatnonzero(kinds == 2))


def test_segyio_reads_a_2d_line(tmp_path, make_image):
    geometry = Geometry((TIME, Axis("cdp", 9, 501.0, 2.0, "line")), coordinates=((0.0, 10.0, 0.0), (5.0, 0.0, 0.0)))
    values = make_image(geometry.shape)
    path = write(tmp_path / "line.sgy", geometry, values, write_as="ibm")
    with segyio.open(path, ignore_geometry=True) as file:
        np.testing.assert_array_equal(file.attributes(21)[:], 501 + 2 * np.arange(9))
        np.testing.assert_allclose(file.trace.raw[:], values.T, rtol=2**-20)
        assert file.bin[B.Format] == 1
    assert SegY().open(path).geometry.axes == geometry.axes


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (Axis("depth", 9, 0.0, 1.0, "sample"), Axis("time", 9, 0.0, 1.0, "ms")),
        (Axis("time", 9, 0.5, 0.002, "s"), Axis("time", 9, 500.0, 2.0, "ms")),
        (Axis("depth", 9, 1200.0, 12.5, "m"), Axis("depth", 9, 1200.0, 12.5, "m")),
        (Axis("depth", 9, -50.0, 5.0, "ft"), Axis("depth", 9, -50.0, 5.0, "ft")),
        (Axis("time", 9, 1.25, 4.0, "ms"), Axis("time", 9, 1.25, 4.0, "ms")),
        (Axis("time", 9, 123_000.0, 4.0, "ms"), Axis("time", 9, 123_000.0, 4.0, "ms")),
        # Beyond the 2-byte words of revision 1.
        (Axis("time", 9, 0.0, 1 / 3, "ms"), Axis("time", 9, 0.0, 0.333333333, "ms")),
        (Axis("depth", 9, 0.0, 100.0, "m"), Axis("depth", 9, 0.0, 100.0, "m")),
    ],
)
def test_vertical_axes(tmp_path, given, read):
    path = write(tmp_path / "line.sgy", Geometry((given, Axis("cdp", 2, 1.0))), np.ones((9, 2), np.float32))
    found = SegY().open(path).geometry.axes[0]
    assert (found.name, found.unit, found.origin) == (read.name, read.unit, read.origin)
    assert found.step == pytest.approx(read.step, rel=1e-8)


def test_long_traces(tmp_path, make_image):
    values = make_image((70_000, 3))
    path = write(tmp_path / "long.sgy", Geometry((Axis("time", 70_000, 0.0, 1.0, "ms"), Axis("cdp", 3, 1.0))), values)
    np.testing.assert_array_equal(SegY().open(path).load(), values)


@pytest.mark.parametrize("axis", [Axis("x", 4, 0.0, 12.5, "m"), Axis("x", 4, 10.0, -2.0, "m"), Axis("x", 4, 3e9, 1.0)])
def test_positions_that_are_no_line_numbers_are_counted(tmp_path, make_image, axis):
    values = make_image((30, 4))
    path = write(tmp_path / "line.sgy", Geometry((TIME, axis)), values)
    volume = SegY().open(path)
    assert volume.geometry.axes[1] == Axis("cdp", 4, 1.0, 1.0, "line")
    np.testing.assert_array_equal(volume.load(), values)


@pytest.mark.parametrize(("shift", "unit"), [(3e7, 0.1), (3e8, 1.0), (3e9, 100.0)])
def test_large_coordinates(tmp_path, make_image, shift, unit):
    geometry = Geometry((TIME, *LINES), coordinates=((shift, 1000.0, 0.0), (0.0, 0.0, 1000.0)))
    path = write(tmp_path / "cube.sgy", geometry, make_image(geometry.shape))
    matrix = SegY().open(path).geometry.coordinates
    np.testing.assert_allclose(matrix, geometry.coordinates, atol=unit, rtol=1e-9)


def test_what_segy_cannot_say_is_refused(tmp_path):
    path = tmp_path / "line.sgy"
    for axes, matrix, said in (
        ((Axis("time", 3, 0.0, -1.0, "ms"), Axis("cdp", 2)), None, "sample interval of -1 ms"),
        ((TIME, Axis("cdp", 2)), ((1e13, 1.0, 0.0), (0.0, 0.0, 0.0)), "coordinates as large as 1e"),
    ):
        with pytest.raises(MtlError, match=said):
            write(path, Geometry(axes, coordinates=matrix), np.zeros([axis.size for axis in axes], np.float32))
    assert not list(tmp_path.iterdir())


def test_windows_must_fit(tmp_path):
    with (
        pytest.raises(ValueError, match="do not fit"),
        SegY().create(tmp_path / "x.sgy", Geometry.of_shape((3, 4)), IMAGE) as writer,
    ):
        writer.write((slice(0, 3), slice(0, 2)), np.zeros((3, 4), np.float32))
