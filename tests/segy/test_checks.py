"""Damaged files are refused, and doubtful ones warned of, in one line that names the header word and its bytes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mtl_seismic.segy.format import SegY
from mtlcore.errors import MtlError, MtlWarning, OptionError
from mtlcore.io.files import make_format


def refusal(path, **options):
    with pytest.raises(MtlError) as caught:
        SegY(**options).open(path)
    message = str(caught.value)
    assert path.name in message and "\n" not in message
    return message


def warned(path, **options):
    """The volume and the text of the warnings of opening it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        volume = SegY(**options).open(path)
    assert all(issubclass(item.category, MtlWarning) and "\n" not in str(item.message) for item in caught)
    assert all(path.name in str(item.message) for item in caught)
    return volume, " | ".join(str(item.message) for item in caught)


def test_a_file_cut_short(make_cube):
    path, array, _ = make_cube()
    path.write_bytes(path.read_bytes()[:-100])
    message = refusal(path)
    assert "cut short" in message and "3221-3222" in message and "format.cut=true" in message
    volume, text = warned(path, cut=True)
    assert "cut short: 34 whole traces" in text
    # The last trace is missing, and nothing stands in for it.
    assert volume.geometry.live.sum() == 34
    assert not volume.load()[:, ~volume.geometry.live].any()
    assert np.array_equal(volume.load()[:, :5], array[:, :5])


@pytest.mark.parametrize("length", [10, 3600, 3700])
def test_a_file_that_is_hardly_there(tmp_path, length):
    path = tmp_path / "tiny.sgy"
    path.write_bytes(bytes(length))
    assert "too short for SEG-Y" in refusal(path)


def test_a_file_that_is_no_segy(tmp_path):
    path = tmp_path / "text.sgy"
    path.write_text("This is no SEG-Y file. " * 1000)
    assert "3225-3226 (sample format code)" in refusal(path)


def test_a_wrong_format_code(make_cube):
    path, array, _ = make_cube(code=5)
    damaged = bytearray(path.read_bytes())
    damaged[3224:3226] = b"\x00\x63"
    path.write_bytes(damaged)
    assert "3225-3226" in refusal(path) and "format.code" in refusal(path)
    assert np.array_equal(SegY(code=5).open(path).load(), array)


def test_a_sample_count_that_does_not_fit(make_cube):
    path, array, _ = make_cube(samples=23)
    volume, text = warned(path)
    assert "3221-3222" in text and "115-116" in text
    assert np.array_equal(volume.load(), array)
    assert "3221-3222" in refusal(make_cube(samples=23, words={115: 23})[0])
    assert np.array_equal(SegY(samples=20).open(path).load(), array)


def test_traces_of_different_lengths(make_cube):
    lengths = np.where(np.arange(35) == 9, 17, 20)
    assert "trace 10 has 17 in bytes 115-116" in refusal(make_cube(words={115: lengths}, fixed=0)[0])
    _, text = warned(make_cube(words={115: lengths})[0])
    assert "trace 10 has 17 in bytes 115-116" in text


def test_sample_intervals(make_cube):
    volume, text = warned(make_cube(interval=2000)[0])
    assert "3217-3218" in text and "117-118" in text and volume.geometry.axes[0].step == 4
    volume, text = warned(make_cube(interval=0, words={117: 0})[0])
    assert "3217-3218" in text and "format.interval" in text
    assert volume.geometry.axes[0].unit == "sample" and volume.geometry.axes[0].step == 1
    assert warned(make_cube(interval=0)[0])[1] == ""
    _, text = warned(make_cube(words={117: np.where(np.arange(35) == 9, 2000, 4000)})[0])
    assert "trace 10 has 2000 in bytes 117-118" in text
    assert warned(make_cube(interval=0, words={117: 0})[0], interval=2.0)[1] == ""


def test_traces_that_start_at_different_times(make_cube):
    path, *_ = make_cube(words={109: np.where(np.arange(35) == 9, 250, 200)})
    assert "bytes 109-110" in refusal(path) and "trace 10" in refusal(path)
    assert SegY(delay=200.0).open(path).geometry.axes[0].origin == 200


@pytest.mark.parametrize("position", [189, 193])
def test_a_damaged_line_number(make_cube, position):
    path, *_ = make_cube(size=(4, 20, 30))
    damaged = bytearray(path.read_bytes())
    at = 3600 + 99 * (240 + 16) + position - 1
    damaged[at : at + 4] = (77_777_777).to_bytes(4, "big")
    path.write_bytes(damaged)
    message = refusal(path)
    assert f"bytes {position}-{position + 3}" in message and "trace 100 " in message and "77777777" in message


def test_no_grid_in_the_given_bytes(make_cube):
    random = np.random.default_rng(0).integers(0, 2**30, 35)
    message = refusal(make_cube(words={221: random})[0], inline=221, crossline=193)
    assert "bytes 221-224" in message and "format.inline" in message


def test_two_traces_at_one_place(make_cube):
    path, array, live = make_cube()
    content = path.read_bytes()
    size = 240 + 80
    other = content[3600 + 5 * size :][: size - 80] + bytes(80)
    path.write_bytes(content + other)
    message = refusal(path)
    assert "traces 6 and 36 are both at inline 1002, crossline 304" in message and "189-192" in message
    volume, text = warned(path, duplicates="first")
    assert "the first one is read" in text
    assert np.array_equal(volume.load(), array) and np.array_equal(volume.geometry.live, live)


def test_gathers(make_segy, make_image):
    inline, crossline, offset = (part.ravel() for part in np.mgrid[1:5, 1:6, 0:3])
    path = make_segy(make_image((60, 8)), {189: inline, 193: crossline, 37: 100 * offset})
    assert "pre-stack" in refusal(path)
    path = make_segy(make_image((60, 8)), {21: np.arange(60) // 3})
    assert "pre-stack" in refusal(path) and "bytes 21-24" in refusal(path)


def test_constant_headers(make_segy, make_image):
    traces = make_image((12, 8))
    volume, text = warned(make_segy(traces, {189: 5, 193: 5, 21: 0}))
    assert "no header word numbers the traces" in text and "21-24" in text
    np.testing.assert_array_equal(volume.load(), traces.T)


def test_all_traces_flagged_as_dead(make_cube):
    path, _, live = make_cube(words={29: 2})
    volume, text = warned(path)
    assert "bytes 29-30" in text
    np.testing.assert_array_equal(volume.geometry.live, live)


@pytest.mark.parametrize(("written", "said", "name"), [(1, 5, "IBM"), (5, 1, "IEEE")])
@pytest.mark.parametrize("order", [">", "<"])
def test_floats_of_the_other_kind(make_segy, written, said, name, order):
    traces = np.random.default_rng(1).standard_normal((40, 60)) * 1000
    right = make_segy(traces, {21: np.arange(40) + 1}, code=written, order=order)
    assert warned(right)[1] == ""
    assert warned(right, code=written)[1] == ""
    _, text = warned(right, code=said)
    assert f"look like {name} floats" in text and "3225-3226" in text and f"format.code={written}" in text


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize(
    ("written", "said", "name"), [(2, 5, "4-byte integers"), (2, 1, "4-byte integers"), (5, 2, "IEEE")]
)
def test_integers_that_are_floats_and_the_reverse(make_segy, order, written, said, name):
    traces = np.rint(np.random.default_rng(1).standard_normal((40, 60)) * 1000)
    right = make_segy(traces, {21: np.arange(40) + 1}, code=written, order=order)
    assert warned(right)[1] == ""
    _, text = warned(right, code=said)
    assert f"look like {name}" in text and f"format.code={written}" in text


def test_undefined_samples_are_no_sign_of_another_format(make_segy):
    traces = np.random.default_rng(1).standard_normal((40, 60)).astype(np.float32)
    traces[:, :30] = 1e30
    assert warned(make_segy(traces, {21: np.arange(40) + 1}))[1] == ""


def test_fields_of_few_values_prove_nothing(make_segy):
    """Angles and probabilities: round numbers, a narrow range, mostly zeros."""
    random = np.random.default_rng(1)
    for values in (
        np.where(random.random((40, 60)) < 0.1, random.uniform(64, 127, (40, 60)), 0),
        random.integers(0, 180, (40, 60)),
        random.random((40, 60)),
        np.zeros((40, 60)),
    ):
        for code in (1, 5):
            assert warned(make_segy(values, {21: np.arange(40) + 1}, code=code))[1] == ""


def test_implausible_amplitudes(make_segy):
    traces = np.random.default_rng(1).standard_normal((40, 60)).astype(">f4")
    path = make_segy(traces.view("<f4").astype(np.float32), {21: np.arange(40) + 1})
    assert "implausible" in warned(path)[1] and "3225-3226" in warned(path)[1]


def test_coordinates_off_the_grid(make_cube):
    random = np.random.default_rng(0)
    path, *_ = make_cube(words={181: random.integers(5_000_000, 6_000_000, 35)})
    assert "bytes 181-184" in warned(path)[1]
    volume, text = warned(make_cube(words={89: 2})[0])
    assert "bytes 89-90" in text and volume.geometry.coordinates is None


def test_options(tmp_path):
    path = tmp_path / "x.sgy"
    for options, said in (
        ({"inline": 300, "crossline": 193}, "1 to 237"),
        ({"inline": 189}, "given together"),
        ({"code": 4}, "expected one of"),
        ({"interval": -1.0}, "more than 0"),
        ({"cdp": 21, "inline": 5, "crossline": 9}, "give one of them"),
        ({"colour": 1}, "no option 'colour'"),
    ):
        with pytest.raises(OptionError, match=said):
            make_format(path, "segy", options)
