"""Revisions 0 to 2.1 in both byte orders, with counts that are where the standard has them, elsewhere, or wrong."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtl_seismic.segy.format import SegY
from mtlcore.errors import MtlError, MtlWarning


def build(path, binary, order=">", traces=25, samples=50, texts=(), headers=1, counts=None, interval=4000, offset=0):
    """A 5 x 5 survey. ``binary``: {first byte: (struct letter, value)}; ``counts``: bytes 115-116."""
    head = bytearray(400)
    base = {3217: ("H", interval & 0xFFFF), 3221: ("H", samples & 0xFFFF), 3225: ("h", 5)}
    for at, (kind, value) in (base | binary).items():
        struct.pack_into(order + kind, head, at - 3201, value)
    array = np.random.default_rng(0).standard_normal((traces, samples)).astype(np.float32)
    parts = [b"\x40" * 3200, bytes(head), *texts]
    for number, row in enumerate(array):
        header = bytearray(240 * headers)
        words = {189: ("i", 1 + number // 5), 193: ("i", 20 + number % 5), 117: ("H", interval & 0xFFFF)}
        words[115] = ("H", (samples if counts is None else counts) & 0xFFFF)
        for at, (kind, value) in words.items():
            struct.pack_into(order + kind, header, at - 1, value)
        parts += [bytes(header), row.astype(order + "f4").tobytes()]
    path.write_bytes(b"".join(parts))
    return array.T.reshape(samples, 5, traces // 5)


def opened(path, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        volume = SegY(**options).open(path)
    return volume, " | ".join(str(item.message) for item in caught)


def revision(major, minor):
    return {3501: ("B", major), 3502: ("B", minor)}


@pytest.mark.parametrize("order", "><")
@pytest.mark.parametrize(
    ("stored", "expected"),
    [((1, 0), 1), ((2, 0), 2), ((2, 1), 2.1), ((0, 1), 1), ((0, 2), 2), ((0, 0), 0), ((77, 3), 0)],
)
def test_the_revision_is_two_single_bytes_in_either_order(tmp_path, order, stored, expected):
    array = build(tmp_path / "a.sgy", revision(*stored), order)
    volume, text = opened(tmp_path / "a.sgy")
    assert volume.geometry.attributes["segy"]["revision"] == expected and not text
    np.testing.assert_array_equal(volume.load(), array)


def test_a_revision_that_was_swapped_as_one_number(tmp_path):
    build(tmp_path / "a.sgy", revision(1, 2), "<")
    assert opened(tmp_path / "a.sgy")[0].geometry.attributes["segy"]["revision"] == 2.1


@pytest.mark.parametrize("order", "><")
@pytest.mark.parametrize("minor", [0, 1])
def test_real_valued_intervals_and_counts_of_4_bytes(tmp_path, order, minor):
    binary = revision(2, minor) | {3269: ("i", 50), 3273: ("d", 333.25), 3297: ("i", 16909060), 3221: ("H", 0)}
    array = build(tmp_path / "a.sgy", binary, order, counts=0, interval=333)
    volume, text = opened(tmp_path / "a.sgy")
    assert volume.geometry.axes[0].step == 0.33325 and not text
    np.testing.assert_array_equal(volume.load(), array)


def test_more_samples_than_2_bytes_hold(tmp_path):
    array = build(tmp_path / "a.sgy", revision(2, 1) | {3269: ("i", 70_000)}, samples=70_000)
    np.testing.assert_array_equal(opened(tmp_path / "a.sgy")[0].load(), array)


@pytest.mark.parametrize("order", "><")
@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("kind", "hi")
@pytest.mark.parametrize("extra", [0, 1, 3])
def test_additional_trace_headers_counted_in_2_or_4_bytes(tmp_path, order, minor, kind, extra):
    array = build(tmp_path / "a.sgy", revision(2, minor) | {3507: (kind, extra)}, order, headers=1 + extra)
    volume, _ = opened(tmp_path / "a.sgy")
    np.testing.assert_array_equal(volume.load(), array)


def text(line="EXTENDED", coding="cp037"):
    return line.ljust(3200).encode(coding)


# Traces of 100 samples make five of them as long as one text header: the file's size alone tells nothing.
@pytest.mark.parametrize("samples", [50, 100])
@pytest.mark.parametrize("major", [1, 2])
@pytest.mark.parametrize(
    ("said", "present", "warned"),
    [(0, 0, False), (2, 2, False), (2, 0, True), (1, 2, True), (3, 1, True), (-1, 0, True), (-1, 2, True)],
)
def test_extended_text_announced_or_not(tmp_path, samples, major, said, present, warned):
    array = build(
        tmp_path / "a.sgy", revision(major, 0) | {3505: ("h", said)}, samples=samples, texts=[text()] * present
    )
    volume, message = opened(tmp_path / "a.sgy")
    np.testing.assert_array_equal(volume.load(), array)
    assert ("3505-3506" in message) == warned


@pytest.mark.parametrize("coding", ["cp037", "ascii"])
def test_variable_extended_text_ends_at_its_stanza(tmp_path, coding):
    texts = [text("ONE", coding), text("((SEG: EndText))", coding)]
    array = build(tmp_path / "a.sgy", revision(1, 0) | {3505: ("h", -1)}, samples=100, texts=texts)
    volume, message = opened(tmp_path / "a.sgy")
    np.testing.assert_array_equal(volume.load(), array)
    assert not message


def test_a_first_trace_offset_that_is_wrong(tmp_path):
    array = build(tmp_path / "a.sgy", revision(2, 1) | {3521: ("Q", 3600 + 3200)}, samples=47)
    np.testing.assert_array_equal(opened(tmp_path / "a.sgy")[0].load(), array)
    build(tmp_path / "b.sgy", revision(2, 1) | {3521: ("Q", 2**60)})
    assert opened(tmp_path / "b.sgy")[0].shape == (50, 5, 5)


@given(
    st.dictionaries(
        st.sampled_from([3217, 3221, 3269, 3501, 3505, 3507, 3521, 3529]), st.binary(min_size=2, max_size=2)
    )
)
@settings(max_examples=150, database=None, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_file_header_is_read_whole_or_refused_in_a_line(tmp_path, garbage):
    """Whatever the counts claim: the right samples, or one line that says what is wrong."""
    array = build(tmp_path / "a.sgy", revision(2, 1))
    content = bytearray((tmp_path / "a.sgy").read_bytes())
    for at, value in garbage.items():
        content[at - 1 : at + 1] = value
    (tmp_path / "a.sgy").write_bytes(content)
    try:
        volume, _ = opened(tmp_path / "a.sgy")
    except MtlError as error:
        assert "\n" not in str(error) and "a.sgy" in str(error)
    else:
        np.testing.assert_array_equal(volume.load(), array)


@pytest.mark.parametrize(
    ("words", "step", "warned"),
    [
        ({"interval": -4000}, 4.0, "negative"),
        ({"interval": 4}, 4.0, "read as 4 ms"),
        ({"interval": -4}, 4.0, "negative, its sign is dropped, and read as 4 ms"),
        ({"interval": 2}, 2.0, "read as 2 ms"),
        ({"interval": 50_000}, 50.0, ""),
        ({"interval": 62}, 0.062, ""),
    ],
)
def test_intervals_of_a_wrong_sign_or_unit(tmp_path, words, step, warned):
    build(tmp_path / "a.sgy", revision(1, 0), **words)
    volume, message = opened(tmp_path / "a.sgy")
    assert volume.geometry.axes[0].step == step
    assert (warned in message) if warned else not message


@pytest.mark.parametrize(
    ("exact", "step"), [(4.0, 4.0), (0.004, 4.0), (-4000.0, 4.0), (2000.0, 2.0), (float("nan"), 4.0), (1e300, 4.0)]
)
def test_a_real_interval_in_other_units_or_against_the_others(tmp_path, exact, step):
    build(tmp_path / "a.sgy", revision(2, 1) | {3273: ("d", exact)})
    volume, message = opened(tmp_path / "a.sgy")
    assert volume.geometry.axes[0].step == step and "3273-3280" in message
    assert opened(tmp_path / "a.sgy", interval=3.0)[0].geometry.axes[0].step == 3


def test_the_interval_that_most_traces_have(tmp_path, make_cube):
    steps = np.full(35, 2000)
    steps[0] = 0
    steps[5] = 1000
    with pytest.warns(MtlWarning) as caught:
        volume = SegY().open(make_cube(words={117: steps}, interval=2000)[0])
    assert volume.geometry.axes[0].step == 2 and "trace 6 has 1000" in str(caught[0].message)
