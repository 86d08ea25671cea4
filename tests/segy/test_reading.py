"""SEG-Y files of all sorts are read as they are: no sample invented, none lost."""

from __future__ import annotations

import numpy as np
import pytest
import segyio

from mtl_cli.volume_facts import corners
from mtl_seismic.formats.crooked import trace_points
from mtl_seismic.segy.format import SegY
from mtl_seismic.segy.samples import FORMATS
from mtlcore import IMAGE, Axis
from mtlcore.errors import MtlWarning
from mtlcore.io.files import make_format

CUBE_AXES = (
    Axis("time", 20, 200.0, 4.0, "ms"),
    Axis("inline", 6, 1000.0, 2.0, "line"),
    Axis("crossline", 7, 300.0, 4.0, "line"),
)
STANDARD = {"inline": 189, "crossline": 193, "cdp_x": 181, "cdp_y": 185}


def check_cube(volume, array, live):
    assert volume.geometry.axes == CUBE_AXES
    np.testing.assert_array_equal(volume.geometry.live, live)
    np.testing.assert_array_equal(volume.load(), array)


@pytest.mark.parametrize("sorting", ["inline", "crossline", "random"])
def test_a_ragged_cube_in_any_order(make_cube, sorting):
    path, array, live = make_cube(sorting=sorting)
    volume = SegY().open(path)
    check_cube(volume, array, live)
    facts = volume.geometry.attributes["segy"]
    assert facts["bytes"] == STANDARD
    assert facts["sorting"] == {"random": "none"}.get(sorting, sorting)
    assert volume.geometry.source == path


@pytest.mark.parametrize("sorting", ["inline", "crossline", "random"])
def test_windows_are_parts_of_the_whole(make_cube, sorting):
    path, array, _ = make_cube(sorting=sorting)
    volume = SegY().open(path)
    random = np.random.default_rng(0)
    for _ in range(50):
        window = tuple(slice(start := random.integers(size), random.integers(start, size) + 1) for size in array.shape)
        np.testing.assert_array_equal(volume.read(window), array[window])
    for whole in ((slice(3, 4), slice(0, 6), slice(0, 7)), (slice(0, 20), slice(0, 6), slice(2, 3))):
        np.testing.assert_array_equal(volume.read(whole), array[whole])
    part = volume.read((slice(0, 2), slice(0, 1), slice(0, 2)))
    assert part.flags.c_contiguous and part.flags.writeable


@pytest.mark.parametrize("code", FORMATS)
@pytest.mark.parametrize("order", [">", "<"])
def test_every_sample_format_in_both_byte_orders(make_segy, code, order):
    limit = 2 ** (8 * min(FORMATS[code].bytes, 3) - 1) - 1
    values = [0, 1, 2, 77, 127, limit]
    traces = np.array([values, values[::-1] if "unsigned" in FORMATS[code].name else [-v for v in values]], np.float32)
    volume = SegY().open(make_segy(traces, {21: [1, 2]}, code=code, order=order))
    np.testing.assert_array_equal(volume.load(), traces.T)
    np.testing.assert_array_equal(volume.read((slice(4, 6), slice(1, 2))), traces.T[4:6, 1:2])
    facts = volume.geometry.attributes["segy"]
    assert (facts["samples"], facts["byte_order"]) == (FORMATS[code].name, {">": "big", "<": "little"}[order])


def test_ibm_fractions(make_segy):
    values = np.array([[1.5, -0.1, 1e-30, 3.14159265, -1e20, 118.625, 0.0, 65535.9]])
    volume = SegY().open(make_segy(values, {21: 1}, code=1))
    np.testing.assert_allclose(volume.load()[:, 0], values[0], rtol=1e-6)


def test_the_same_samples_as_segyio(make_cube):
    path, array, live = make_cube(code=1, scale=123.456)
    with segyio.open(path, ignore_geometry=True) as file:
        traces = file.trace.raw[:]
        lines = file.attributes(189)[:], file.attributes(193)[:]
    volume = SegY().open(path).load()
    np.testing.assert_array_equal(volume[:, (lines[0] - 1000) // 2, (lines[1] - 300) // 4].T, traces)
    assert len(traces) == live.sum() and np.count_nonzero(array[0]) <= live.sum()


@pytest.mark.parametrize("positions", [(9, 21), (17, 21), (5, 21), (13, 17), (73, 77)])
def test_line_numbers_elsewhere_are_found(make_cube, positions):
    path, array, live = make_cube(positions=positions)
    volume = SegY().open(path)
    check_cube(volume, array, live)
    found = volume.geometry.attributes["segy"]["bytes"]
    assert (found["inline"], found["crossline"]) == positions


def test_swapped_line_bytes_are_put_right_by_options(make_cube):
    path, array, live = make_cube(positions=(193, 189))
    assert SegY().open(path).shape == (20, 7, 6)
    check_cube(SegY(inline=193, crossline=189).open(path), array, live)


def test_line_numbers_at_any_place_by_options(make_cube):
    path, array, live = make_cube(positions=(221, 233))
    check_cube(SegY(inline=221, crossline=233).open(path), array, live)


def test_coordinates(make_cube):
    geometry = SegY().open(make_cube()[0]).geometry
    # 12.5 m per line of step 2 and crossline of step 4, turned, from (500 km, 700 km).
    (x0, xi, xx), (y0, yi, yx) = geometry.coordinates
    assert (xi, xx, yi, yx) == (6.25, -0.75, 1.5, 3.125)
    assert (x0 + 1000 * xi + 300 * xx, y0 + 1000 * yi + 300 * yx) == (500_000, 700_000)


@pytest.mark.parametrize(("scalar", "factor"), [(-100, 0.01), (0, 1), (1, 1), (10, 10), (-1000, 0.001)])
def test_coordinate_scalars(make_cube, scalar, factor):
    geometry = SegY().open(make_cube(words={71: scalar})[0]).geometry
    np.testing.assert_allclose(geometry.coordinates[0][1:], [625 * factor, -75 * factor], rtol=1e-6)
    given = SegY(scalar=-10).open(make_cube(words={71: scalar})[0]).geometry
    np.testing.assert_allclose(given.coordinates[0][1:], [62.5, -7.5], rtol=1e-6)


def test_coordinates_in_the_source_words_and_given_ones(make_cube):
    path, *_ = make_cube()
    with segyio.open(path, "r+", ignore_geometry=True) as file:
        for header in file.header:
            header.update({73: header[181], 77: header[185], 181: 0, 185: 0})
    geometry = SegY().open(path).geometry
    assert geometry.attributes["segy"]["bytes"] == STANDARD | {"cdp_x": 73, "cdp_y": 77}
    assert SegY(cdp_x=73, cdp_y=77).open(path).geometry.coordinates == geometry.coordinates
    assert geometry.coordinates[0][1:] == (6.25, -0.75)


def test_a_2d_line_of_cdp_numbers_only(make_segy, make_image):
    traces = make_image((15, 30))
    path = make_segy(traces, {21: 500 + 2 * np.arange(15), 71: 1, 73: 1000 + 25 * np.arange(15), 77: 4000})
    volume = SegY().open(path)
    assert volume.geometry.axes == (Axis("time", 30, 0.0, 4.0, "ms"), Axis("cdp", 15, 500.0, 2.0, "line"))
    assert volume.geometry.live is None
    assert volume.geometry.coordinates == ((-5250.0, 12.5, 0.0), (4000.0, 0.0, 0.0))
    np.testing.assert_array_equal(volume.load(), traces.T)


def test_a_2d_line_with_gaps_and_dead_traces(make_segy, make_image):
    traces = make_image((6, 9))
    path = make_segy(traces, {21: [11, 12, 14, 15, 16, 19], 29: [1, 1, 1, 2, 1, 1]})
    volume = SegY().open(path)
    live = np.array([1, 1, 0, 1, 0, 1, 0, 0, 1], bool)
    np.testing.assert_array_equal(volume.geometry.live, live)
    np.testing.assert_array_equal(volume.load()[:, live], traces[[0, 1, 2, 4, 5]].T)
    assert not volume.load()[:, ~live].any()


def test_one_line_of_a_volume_is_a_section(make_segy, make_image):
    traces = make_image((8, 9))
    path = make_segy(traces, {189: 77, 193: 40 + 3 * np.arange(8), 21: np.arange(8) + 1})
    volume = SegY().open(path)
    assert volume.geometry.axes[1:] == (Axis("crossline", 8, 40.0, 3.0, "line"),)
    lines = SegY(dimensions=3).open(path).geometry.axes[1:]
    assert lines == (Axis("inline", 1, 77.0, 1.0, "line"), Axis("crossline", 8, 40.0, 3.0, "line"))


def test_one_trace(make_segy, make_image):
    traces = make_image((1, 9))
    volume = SegY().open(make_segy(traces, {}))
    assert volume.shape == (9, 1)
    np.testing.assert_array_equal(volume.load(), traces.T)


@pytest.mark.parametrize(
    ("binary", "revision"), [({"revision": 0, "fixed": 0}, 0), ({}, 1), ({"revision": 0x201}, 2.1)]
)
def test_revisions(make_cube, binary, revision):
    path, array, live = make_cube(**binary)
    volume = SegY().open(path)
    check_cube(volume, array, live)
    assert volume.geometry.attributes["segy"]["revision"] == revision


def test_revision_0_means_nothing_by_its_unassigned_bytes(make_cube):
    path, array, live = make_cube(revision=0, texts=3)
    check_cube(SegY().open(path), array, live)


def test_revision_2_words(make_cube):
    path, array, live = make_cube(
        revision=0x200, order="<", mark=16909060, samples=0, long_samples=20, long_interval=333.25, trailers=1,
        tail=b" " * 3200, interval=333, words={117: 333},
    )  # fmt: skip
    volume = SegY().open(path)
    assert volume.geometry.axes[0] == Axis("time", 20, 200.0, 0.33325, "ms")
    np.testing.assert_array_equal(volume.load(), array)
    np.testing.assert_array_equal(volume.geometry.live, live)


def test_extended_text_headers(make_cube, text_cards):
    path, array, live = make_cube(extended=[text_cards(["ONE"]), text_cards(["TWO"])])
    check_cube(SegY().open(path), array, live)
    ended = [text_cards(["ONE"]), text_cards(["((SEG: EndText))"], "ascii")]
    path, array, live = make_cube(extended=ended, texts=-1)
    check_cube(SegY().open(path), array, live)


def test_delay_scalar_and_depth(make_cube, text_cards):
    def vertical(**options):
        return SegY().open(make_cube(**options)[0]).geometry.axes[0]

    assert vertical(words={109: -15, 215: -10}) == Axis("time", 20, -1.5, 4.0, "ms")
    assert vertical(words={109: 150, 215: 10}, revision=0).origin == 150
    assert vertical(text=text_cards(["VERTICAL DOMAIN: DEPTH"])) == Axis("depth", 20, 200.0, 4.0, "m")
    assert vertical(text=text_cards(["Z UNITS = FEET"], "ascii")).unit == "ft"
    # Measured in feet, and depth: neither the time nor the coordinates are changed by that.
    assert vertical(text=text_cards(["VERTICAL DOMAIN: DEPTH"]), measure=2).unit == "ft"
    assert vertical(measure=2).unit == "ms"
    path, *_ = make_cube()
    assert SegY(unit="m", interval=12.5, delay=0.0).open(path).geometry.axes[0] == Axis("depth", 20, 0.0, 12.5, "m")


def test_opening_reads_no_samples(make_cube, monkeypatch):
    """But for the few on which the format is checked."""
    path, *_ = make_cube(size=(500, 40, 50))
    read = []
    decode = type(FORMATS[5]).decode
    monkeypatch.setattr(
        type(FORMATS[5]), "decode", lambda self, stored, order: read.append(stored.size) or decode(self, stored, order)
    )
    volume = SegY().open(path)
    assert sum(read) <= 64 * 500
    read.clear()
    volume.read((slice(10, 20), slice(3, 4), slice(0, 50)))
    assert sum(read) == 500


def test_extended_text_headers_without_a_revision(make_cube, text_cards):
    with pytest.warns(MtlWarning, match=r"bytes 3505-3506 .* say 2, which means nothing in revision 0"):
        path, array, live = make_cube(extended=[text_cards(["MORE"])] * 2, revision=0)
        volume = SegY().open(path)
    check_cube(volume, array, live)


@pytest.fixture
def crooked_line(make_segy, make_image):
    """A file of 12 traces with CDP 22 missing, on a bend; and X and Y of all 13 places."""
    cdp = np.delete(np.arange(20, 33), 2)
    k = np.arange(13)
    x, y = 50_000_000 + 1250 * k, 600_000_000 + 100 * (k - 6) ** 2
    words = {21: cdp, 71: -100, 181: np.delete(x, 2), 185: np.delete(y, 2)}
    known = [np.interp(k, np.delete(k, 2), np.delete(each / 100, 2)) for each in (x, y)]
    return make_segy(make_image((12, 9)), words), np.stack(known, axis=1)


def test_a_crooked_line_keeps_the_place_of_every_trace(crooked_line, recwarn):
    path, points = crooked_line
    np.testing.assert_allclose(trace_points(SegY().open(path).geometry), points)
    assert not recwarn.list


@pytest.mark.parametrize("suffix", [".npy", ".sgy"])
def test_a_crooked_line_goes_through_other_formats(crooked_line, tmp_path, suffix):
    path, points = crooked_line
    volume = SegY().open(path)
    copy = tmp_path / f"copy{suffix}"
    # Without the source, new headers are made.
    with make_format(copy).create(copy, volume.geometry.like(source=None), IMAGE) as writer:
        writer.write((slice(0, 9), slice(0, 13)), volume.load())
    found = trace_points(make_format(copy).open(copy).geometry)
    known = volume.geometry.live if suffix == ".sgy" else slice(None)
    np.testing.assert_allclose(found[known], points[known], atol=0.005)


def test_inspect_shows_a_crooked_lines_own_ends(crooked_line):
    path, points = crooked_line
    ends = corners(SegY().open(path).geometry)
    assert [end["cdp"] for end in ends] == [20, 32]
    np.testing.assert_allclose([[end["x"], end["y"]] for end in ends], points[[0, -1]])


def test_erratic_coordinates_of_a_line_are_no_course(make_segy, make_image):
    x = 50_000_000 + 1250 * np.arange(100)
    x[[7, 30, 50, 80]] = 900_000_000
    with pytest.warns(MtlWarning, match="are they other words"):
        geometry = SegY().open(make_segy(make_image((100, 9)), {21: np.arange(100), 71: -100, 181: x, 185: 7})).geometry
    assert trace_points(geometry) is None
