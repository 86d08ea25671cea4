"""Volumes that come from a SEG-Y file are written with its headers, byte for byte."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import segyio

from mtl_seismic.formats.npy import Npy
from mtl_seismic.segy.format import SegY
from mtlcore import Axis, Output
from mtlcore.errors import MtlError, MtlWarning

FAULT = Output("fault_probability", "probability of a fault", unit="1")
LINE = "MTLCORE 0.1.0: fault_probability, probability of a fault (1)"


def write(path, geometry, values, **options):
    with SegY(**options).create(path, geometry, FAULT) as writer:
        for start in range(0, values.shape[1], 2):
            window = (slice(0, values.shape[0]), slice(start, min(start + 2, values.shape[1])))
            window += tuple(slice(0, size) for size in values.shape[2:])
            writer.write(window, values[window])
    return path


def field(volume):
    """Values between 0 and 1, 0 on dead traces."""
    values = np.random.default_rng(5).random(volume.shape).astype(np.float32)
    live = volume.geometry.live
    return values if live is None else np.where(live, values, np.float32(0))


def split(path, samples, bytes_per_sample, start=3600):
    """Text header, binary header, extended headers, and trace headers with samples."""
    content = path.read_bytes()
    size = 240 + samples * bytes_per_sample
    count = (len(content) - start) // size
    traces = np.frombuffer(content, np.uint8, count * size, start).reshape(count, size)
    return content[:3200], content[3200:3600], content[3600:start], traces[:, :240], content[start + count * size :]


def cards_of(text, coding):
    text = text.decode(coding)
    return [text[start : start + 80] for start in range(0, 3200, 80)]


@pytest.mark.parametrize("sorting", ["inline", "crossline", "random"])
@pytest.mark.parametrize(
    ("code", "order", "bytes_per_sample"),
    [(1, ">", 4), (5, ">", 4), (5, "<", 4), (1, "<", 4), (6, ">", 8), (3, ">", 2), (8, "<", 1), (2, ">", 4)],
)
def test_all_headers_are_those_of_the_input(make_cube, tmp_path, sorting, code, order, bytes_per_sample):
    path, *_ = make_cube(sorting=sorting, code=code, order=order, scale=30.0)
    volume = SegY().open(path)
    values = field(volume)
    made = write(tmp_path / "made.sgy", volume.geometry, values)
    is_float = code in (1, 5, 6)
    old = split(path, 20, bytes_per_sample)
    new = split(made, 20, bytes_per_sample if is_float else 4)
    assert np.array_equal(old[3], new[3])
    if is_float:
        assert old[1] == new[1]
    else:
        expected = (5).to_bytes(2, "big" if order == ">" else "little")
        assert new[1] == old[1][:24] + expected + old[1][26:]
    before, after = (cards_of(part, "cp037") for part in (old[0], new[0]))
    changed = [number for number in range(40) if before[number] != after[number]]
    assert changed == [1] and after[1] == f"C 2 {LINE}".ljust(80)
    again = SegY().open(made)
    assert again.geometry.axes == volume.geometry.axes
    assert again.geometry.coordinates == volume.geometry.coordinates
    np.testing.assert_array_equal(again.geometry.live, volume.geometry.live)
    np.testing.assert_allclose(again.load(), values, rtol=0 if code != 1 else 2**-20, atol=0)


def test_everything_else_in_the_file_stays_too(make_cube, text_cards, tmp_path):
    """Extended text headers, trailers, dead traces, repeated traces, odd positions given by options."""
    path, _, live = make_cube(
        positions=(221, 233), extended=[text_cards(["ONE"]), text_cards(["TWO"])], tail=b"\x40" * 3200,
        revision=0x200, trailers=1, words={29: np.where(np.arange(35) == 4, 2, 1)},
    )  # fmt: skip
    options = {"inline": 221, "crossline": 233}
    volume = SegY(**options).open(path)
    made = write(tmp_path / "made.sgy", volume.geometry, field(volume))
    old, new = (split(file, 20, 4, 3600 + 2 * 3200) for file in (path, made))
    assert old[1:3] == new[1:3] and old[4] == new[4] and np.array_equal(old[3], new[3])
    assert path.stat().st_size == made.stat().st_size
    again = SegY(**options).open(made)
    assert (again.geometry.live == volume.geometry.live).all() and again.geometry.live.sum() == live.sum() - 1
    np.testing.assert_array_equal(again.load(), field(volume))


def test_repeated_traces_are_repeated(make_cube, tmp_path):
    path, *_ = make_cube()
    content = path.read_bytes()
    path.write_bytes(content + content[3600 + 5 * 320 :][:320])
    with pytest.warns(MtlWarning, match="the first one is read"):
        volume = SegY(duplicates="first").open(path)
    made = write(tmp_path / "made.sgy", volume.geometry, field(volume))
    with segyio.open(made, ignore_geometry=True) as file:
        assert file.tracecount == 36
        np.testing.assert_array_equal(file.trace.raw[35], file.trace.raw[5])
        assert file.trace.raw[5].any()


def test_headers_survive_a_stay_in_another_format(make_cube, tmp_path):
    path, *_ = make_cube()
    volume = SegY().open(path)
    between = tmp_path / "field.npy"
    with Npy().create(between, volume.geometry, FAULT) as writer:
        writer.write(tuple(slice(0, size) for size in volume.shape), field(volume))
    direct = write(tmp_path / "direct.sgy", volume.geometry, field(volume))
    stored = Npy().open(between)
    assert write(tmp_path / "made.sgy", stored.geometry, stored.load()).read_bytes() == direct.read_bytes()


@pytest.mark.parametrize(
    ("lines", "coding", "card"),
    [
        (["TITLE", "", "", "LAST WORDS"], "ascii", "C 5"),
        (["FULL"] * 38, "cp037", "C39"),
        (["FULL"] * 20 + [""] + ["FULL"] * 19, "cp037", "C21"),
    ],
)
def test_the_line_is_put_on_a_free_card(make_cube, text_cards, tmp_path, lines, coding, card):
    volume = SegY().open(make_cube(text=text_cards(lines, coding))[0])
    made = write(tmp_path / "made.sgy", volume.geometry, field(volume))
    before = cards_of(text_cards(lines, coding), coding)
    after = cards_of(made.read_bytes()[:3200], coding)
    assert [one[:3] for one, other in zip(after, before, strict=True) if one != other] == [card]
    assert next(text for text in after if text.startswith(card)) == f"{card} {LINE}".ljust(80)


def test_a_full_text_header_is_left_as_it_is(make_cube, text_cards, tmp_path):
    volume = SegY().open(make_cube(text=text_cards(["FULL"] * 40))[0])
    with pytest.warns(MtlWarning, match="no card of its text header is free"):
        made = write(tmp_path / "made.sgy", volume.geometry, field(volume))
    assert made.read_bytes()[:3200] == text_cards(["FULL"] * 40)


def test_the_line_is_the_users(make_cube, tmp_path):
    volume = SegY().open(make_cube()[0])
    made = write(tmp_path / "made.sgy", volume.geometry, field(volume), text="FAULTS OF 2026")
    assert cards_of(made.read_bytes()[:3200], "cp037")[1].rstrip() == "C 2 FAULTS OF 2026"


def test_another_vertical_axis_goes_where_it_belongs(make_cube, tmp_path):
    path, *_ = make_cube()
    volume = SegY().open(path)
    geometry = volume.geometry.like(axes=(Axis("time", 8, 52.5, 1.0, "ms"), *volume.geometry.axes[1:]))
    made = write(tmp_path / "made.sgy", geometry, np.zeros(geometry.shape, np.float32))
    assert SegY().open(made).geometry.axes == geometry.axes
    old, new = split(path, 20, 4)[3], split(made, 8, 4)[3]
    changed = set(np.flatnonzero((old != new).any(axis=0)) + 1)
    assert changed <= {109, 110, 115, 116, 117, 118, 215, 216}


def test_other_traces_get_new_headers(make_cube, tmp_path):
    volume = SegY().open(make_cube()[0])
    geometry = volume.geometry.like(
        axes=(*volume.geometry.axes[:2], Axis("crossline", 3, 304.0, 4.0, "line")), live=None
    )
    with pytest.warns(MtlWarning, match="new headers"):
        made = write(tmp_path / "made.sgy", geometry, np.ones((20, 6, 3), np.float32))
    assert SegY().open(made).geometry.axes == geometry.axes


def test_an_input_that_has_gone(make_cube, tmp_path):
    path, *_ = make_cube()
    volume = SegY().open(path)
    values = field(volume)
    shutil.move(path, tmp_path / "elsewhere.sgy")
    with pytest.warns(MtlWarning, match="survey.sgy cannot be copied"):
        made = write(tmp_path / "made.sgy", volume.geometry, values)
    again = SegY().open(made)
    assert again.geometry.axes == volume.geometry.axes
    np.testing.assert_array_equal(again.load(), values)


def test_ibm_cannot_hold_nan(make_cube, tmp_path):
    volume = SegY().open(make_cube(code=1)[0])
    values = field(volume)
    values[3, 3, 3] = np.nan
    with pytest.raises(MtlError, match="write_as=ieee"):
        write(tmp_path / "made.sgy", volume.geometry, values)
    assert not (tmp_path / "made.sgy").exists()
    made = write(tmp_path / "made.sgy", volume.geometry, values, write_as="ieee")
    np.testing.assert_array_equal(SegY().open(made).load(), values)


@pytest.mark.parametrize(
    "options",
    [
        {"inline": 193, "crossline": 189},
        {"inline": 193, "crossline": 189, "unit": "m"},
        {"interval": 2.5, "scalar": -10, "byte_order": "big"},
    ],
)
def test_a_copy_is_read_as_its_input_was(make_cube, tmp_path, options):
    """With the same misleading headers, and without repeating the options."""
    volume = SegY(**options).open(make_cube()[0])
    made = write(tmp_path / "made.sgy", volume.geometry, field(volume))
    again = SegY().open(made)
    assert again.geometry.axes == volume.geometry.axes
    assert again.geometry.coordinates == volume.geometry.coordinates
    np.testing.assert_array_equal(again.load(), field(volume))
    text = cards_of(made.read_bytes()[:3200], "cp037")[1]
    assert text.startswith("C 2 MTL") and "fault_probability" in text and "READ WITH" in text
    third = write(tmp_path / "third.sgy", again.geometry, field(volume))
    assert SegY().open(third).geometry.axes == volume.geometry.axes
    # What the user says counts more.
    assert SegY(inline=189, crossline=193).open(made).shape == (20, 6, 7)


def test_options_that_need_more_room(make_cube, tmp_path):
    options = {
        "inline": 193,
        "crossline": 189,
        "cdp_x": 181,
        "cdp_y": 185,
        "scalar": -10,
        "interval": 1.5,
        "delay": 0.0,
    }
    volume = SegY(**options).open(make_cube()[0])
    with pytest.warns(MtlWarning, match="need the format options of"):
        made = write(tmp_path / "made.sgy", volume.geometry, field(volume))
    assert SegY(**options).open(made).geometry.axes == volume.geometry.axes


def test_a_wrong_format_code_is_put_right_in_the_copy(make_cube, tmp_path):
    path, *_ = make_cube(code=5)
    content = bytearray(path.read_bytes())
    content[3225] = 1
    path.write_bytes(content)
    volume = SegY(code=5).open(path)
    made = write(tmp_path / "made.sgy", volume.geometry, field(volume))
    assert made.read_bytes()[3224:3226] == b"\x00\x05"
    np.testing.assert_array_equal(SegY().open(made).load(), field(volume))


def test_headers_are_looked_at_once_for_all_outputs(make_cube, tmp_path, monkeypatch):
    from mtl_seismic.segy import survey

    path, *_ = make_cube()
    geometry = SegY().open(path).geometry
    scans = []
    real = survey.scan
    monkeypatch.setattr(survey, "scan", lambda layout, wanted: scans.append(layout.path) or real(layout, wanted))
    for name in ("one", "two", "three"):
        write(tmp_path / f"{name}.sgy", geometry, np.zeros(geometry.shape, np.float32))
    assert len(scans) == 1
    # Another file under the same name is another file.
    path.write_bytes(path.read_bytes())
    write(tmp_path / "four.sgy", geometry, np.zeros(geometry.shape, np.float32))
    assert len(scans) == 2
