"""Time or depth, metres or feet: what cards of text headers say, in the words of many programs."""

from __future__ import annotations

import warnings

import pytest

from mtl_seismic.segy.domain import stated
from mtl_seismic.segy.format import SegY
from mtlcore import IMAGE, Axis
from mtlcore.io.files import make_format

DEPTH = [
    ("C 9 Depth min: -4502.00 max: -2.00 delta: 4500.00", "depth"),
    ("C 5 DEPTH UNITS: METERS", "m"),
    ("C 5 DEPTH UNIT FEET", "ft"),
    ("DEPTH MIGRATION, SAMPLE INTERVAL 4 M", "m"),
    ("SAMPLE INTERVAL: 10 FT", "ft"),
    ("SAMPLING RATE 5M    SAMPLES/TRACE 1201", "m"),
    ("VERTICAL DOMAIN: DEPTH", "depth"),
    ("VERTICAL UNIT: M (SAMPLE INTERVAL IN M/1000, DELAY IN M)", "m"),
    ("Z UNITS = FEET", "ft"),
    ("DOMAIN: DEPTH", "depth"),
    ("DEPTH DOMAIN PSDM STACK", "depth"),
    ("DEPTH (M) 0 TO 6000", "m"),
    ("DEPTH IN FEET", "ft"),
    ("DEPTH RANGE 0 - 5000", "depth"),
    ("DZ = 12.5 M", "m"),
    ("DEPTH STEP 5 METRES", "m"),
    ("PSTM STRETCHED TO DEPTH", "depth"),
    ("DEPTH: 0 - 4000 M", "m"),
    ("SAMPLE UNIT: METER", "m"),
    ("UNITS: METERS DEPTH", "m"),
    ("DATA IS IN DEPTH", "depth"),
]
TIME = [
    "C 9 Time min: -2300.00 max: -4.00 delta: 2296.00",
    "SAMPLE INTERVAL 4 MS    SAMPLES/TRACE 1501",
    "VERTICAL UNIT: MS (SAMPLE INTERVAL IN MICROSECONDS, DELAY IN MS)",
    "PSDM CONVERTED TO TIME",
    "TIME DOMAIN, PRE-STACK DEPTH MIGRATED",
    "DOMAIN: TIME",
    "TWT RANGE 0 4000",
]
NOTHING = [
    "A SURVEY",
    "WATER DEPTH (M) IN BYTES 61-64",
    "SOURCE DEPTH 6 M   CABLE DEPTH 8 M",
    "GUN DEPTH: 5 M     STREAMER DEPTH MIN 7 MAX 9",
    "SAMPLES/TRACE 1501 BITS/IN 1600",
    "C 2 MTLCORE 0.1.0: rgt, relative geological time, increasing with depth (1)",
]


def header(*lines):
    return "".join(line.ljust(80) for line in lines).ljust(3200)


@pytest.mark.parametrize(("card", "unit"), DEPTH)
def test_depth(card, unit):
    found = stated(header("C 1 SEGY OUTPUT FROM SOMEWHERE", card))
    assert found.unit == unit and found.card == card.strip() and not found.note


@pytest.mark.parametrize("card", TIME)
def test_time(card):
    assert stated(header(card)).unit == "ms"


@pytest.mark.parametrize("card", NOTHING)
def test_what_says_nothing(card):
    found = stated(header(card))
    assert found.unit is None and not found.note


def test_depth_in_an_aside_is_a_doubt():
    for card in ("PRE-STACK DEPTH MIGRATION", "PSDM FINAL STACK", "DEPTH VOLUME"):
        assert card in stated(header(card)).note
    assert "both" in stated(header("DOMAIN: TIME", "DOMAIN: DEPTH")).note


def opened(path, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return SegY(**options).open(path).geometry.axes[0], " | ".join(str(item.message) for item in caught)


def test_the_measurement_word_names_the_unit_of_depth(make_cube, text_cards):
    cards = text_cards(["", "DEPTH MIN: 0 MAX: 400"])
    assert opened(make_cube(text=cards, measure=1)[0]) == (Axis("depth", 20, 200.0, 4.0, "m"), "")
    assert opened(make_cube(text=cards, measure=2)[0])[0].unit == "ft"
    # A unit that is said beats it, and the user beats both.
    named = text_cards(["DEPTH UNITS: METERS"])
    assert opened(make_cube(text=named, measure=2)[0])[0].unit == "m"
    assert opened(make_cube(text=named, measure=2)[0], unit="ms")[0] == Axis("time", 20, 200.0, 4.0, "ms")


def test_a_doubt_is_said(make_cube, text_cards):
    axis, message = opened(make_cube(text=text_cards(["PRESTACK DEPTH MIGRATION"]))[0])
    assert axis.unit == "ms" and "speaks of depth" in message and "format.unit" in message
    axis, message = opened(make_cube(size=(900, 4, 6), interval=12_500, words={117: 12_500})[0])
    assert axis.unit == "ms" and "11.25 s long" in message
    assert opened(make_cube(text=text_cards(["PRESTACK DEPTH MIGRATION"]))[0], unit="m")[1] == ""


def test_intervals_in_whole_metres(make_cube, text_cards):
    cards = text_cards(["DEPTH UNITS: METERS"])
    axis, message = opened(make_cube(text=cards, interval=25, words={117: 25})[0])
    assert axis.step == 25 and "read as 25" in message


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".vti", ".sgy"])
def test_depth_survives_other_formats(make_cube, text_cards, tmp_path, suffix):
    volume = SegY().open(make_cube(text=text_cards(["DEPTH UNITS: FEET"]))[0])
    between, back = tmp_path / f"copy{suffix}", tmp_path / "back.sgy"
    for path, source in ((between, volume), (back, None)):
        source = source or make_format(between).open(between)
        with make_format(path).create(path, source.geometry.like(source=None), IMAGE) as writer:
            writer.write(tuple(slice(0, size) for size in source.shape), source.load())
    assert SegY().open(back).geometry.axes[0] == volume.geometry.axes[0]


@pytest.mark.parametrize(
    ("unit", "step", "read"),
    [("metres", 5.0, (5.0, "m")), ("meter", 5.0, (5.0, "m")), ("feet", 5.0, (5.0, "ft")), ("km", 0.005, (5.0, "m")),
     ("milliseconds", 4.0, (4.0, "ms")), ("us", 4000.0, (4.0, "ms")), ("seconds", 0.004, (4.0, "ms"))],
)  # fmt: skip
def test_units_by_other_names(make_cube, tmp_path, unit, step, read):
    geometry = SegY().open(make_cube()[0]).geometry
    axes = (Axis("z", 20, 0.0, step, unit), *geometry.axes[1:])
    with SegY().create(tmp_path / "a.sgy", geometry.like(axes=axes, source=None), IMAGE):
        pass
    axis = SegY().open(tmp_path / "a.sgy").geometry.axes[0]
    assert (axis.step, axis.unit) == read
