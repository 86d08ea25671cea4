"""Header words that hold something else (line numbers elsewhere, floats, padding, coordinates) and what is said."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mtl_seismic.segy.format import SegY
from mtlcore import IMAGE
from mtlcore.errors import MtlError


def opened(path, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return SegY(**options).open(path), " | ".join(str(item.message) for item in caught)


def survey(rows=10, columns=12, angle="parallel"):
    """Inline and crossline indices of each trace, and its X and Y."""
    i, x = (part.ravel() for part in np.mgrid[:rows, :columns])
    if angle == "parallel":
        return i, x, 500_000 + 25 * x, 6_000_000 + 25 * i
    return i, x, 500_000 + 20 * x + 15 * i, 6_000_000 + 20 * i - 15 * x


@pytest.mark.parametrize("angle", ["parallel", "rotated"])
@pytest.mark.parametrize("positions", [(221, 225), (213, 217), (9, 13), (17, 25), (197, 201), (233, 237), (225, 221)])
@pytest.mark.parametrize("xy", [(73, 77), (181, 185), None])
def test_lines_are_found_wherever_they_stand(make_segy, make_image, angle, positions, xy):
    i, x, map_x, map_y = survey(angle=angle)
    words = {220: 0, 224: 0, **dict.fromkeys(range(197, 238, 4), 0)}
    words |= {positions[0]: 100 + i, positions[1]: 300 + x} | (dict(zip(xy, (map_x, map_y), strict=True)) if xy else {})
    traces = make_image((120, 9))
    volume, message = opened(make_segy(traces, words))
    first, second = volume.geometry.axes[1:]
    if positions == (225, 221):  # the order of the bytes is all that tells inline from crossline
        first, second = second, first
    assert (first.origin, first.size, second.origin, second.size) == (100, 10, 300, 12)
    assert (volume.geometry.coordinates is not None) == (xy is not None)
    assert not message
    assert "bytes" in volume.evidence()["line_numbers"]


def test_coordinates_that_cover_a_rotated_area_are_no_line_numbers(make_segy, make_image):
    _, _, x, y = survey(angle="rotated")
    path = make_segy(make_image((120, 9)), {**dict.fromkeys(range(197, 238, 4), 0), 73: x, 77: y})
    with pytest.raises(MtlError, match=r"format.inline=BYTE"):
        SegY().open(path)
    assert opened(path, dimensions=2)[0].shape == (9, 120)


def test_coordinates_as_line_numbers_are_said(make_segy, make_image):
    _, _, x, y = survey()
    path = make_segy(make_image((120, 9)), {**dict.fromkeys(range(197, 238, 4), 0), 73: x, 77: y})
    volume, message = opened(path)
    assert volume.shape == (9, 12, 10) and "coordinates in bytes 73-76" in message and "format.inline" in message
    assert volume.geometry.coordinates is not None


def test_words_that_make_mostly_holes_are_refused(make_segy, make_image):
    random = np.random.default_rng(0)
    cells = random.choice(400 * 400, 4000, replace=False)
    path = make_segy(make_image((4000, 5)), {189: 1 + cells // 400, 193: 1 + cells % 400})
    with pytest.raises(MtlError, match="98% of it without a trace"):
        SegY().open(path)
    volume, message = opened(path, inline=189, crossline=193)
    assert volume.shape == (5, 400, 400) and "are these the right words" in message


def test_a_survey_of_any_outline_is_one(make_segy, make_image):
    """A triangle, a ring around an obstruction, a decimated grid: smoothly bounded, if not rectangles."""
    row, column = np.mgrid[:40, :50]
    distance = np.hypot(row - 20, column - 25)
    for live in (column < row + 2, (distance < 19) & (distance > 6), (row % 4 == 0) & (column % 5 == 0)):
        i, x = np.nonzero(live)
        volume, message = opened(make_segy(make_image((len(i), 5)), {189: 10 + i, 193: 10 + x}))
        assert volume.ndim == 3 and not message


def test_a_second_numbering_is_named_where_nothing_decides(make_segy, make_image):
    i, x, map_x, map_y = survey()
    index = np.arange(120)
    words = {**dict.fromkeys(range(197, 238, 4), 0), 9: 100 + i, 21: 300 + x, 13: 1 + index // 30, 17: 1 + index % 30}
    volume, message = opened(make_segy(make_image((120, 9)), words))
    assert volume.shape == (9, 10, 12) and "It could be bytes 13-16" in message
    # Coordinates decide.
    assert not opened(make_segy(make_image((120, 9)), words | {181: map_x, 185: map_y}))[1]
    volume, _ = opened(make_segy(make_image((120, 9)), words))
    assert "bytes 13-16" in volume.evidence()["also_possible"][0]


@pytest.mark.parametrize("kind", ["ieee", "ibm"])
@pytest.mark.parametrize("code", [1, 5])
@pytest.mark.parametrize("order", "><")
def test_floats_in_integer_words(make_segy, make_image, float_bits, kind, code, order):
    i, x, map_x, map_y = survey(angle="rotated")
    words = {start: float_bits(v, kind) for start, v in ((189, 100 + i), (193, 1300 + x), (181, map_x), (185, map_y))}
    volume, message = opened(make_segy(make_image((120, 9)), words | {71: 1}, code=code, order=order))
    first, second = volume.geometry.axes[1:]
    assert (first.origin, first.step, first.size, second.origin, second.size) == (100, 1, 10, 1300, 12)
    np.testing.assert_allclose(np.array(volume.geometry.coordinates)[:, 1:], [[15, 20], [20, -15]], atol=1e-3)
    assert f"floats are read as line numbers in bytes 189-192 (inline number) ({kind.upper()})" in message
    assert "read as coordinates" in message


def test_coordinates_that_are_floats_in_files_of_integer_lines(make_segy, make_image):
    i, x, map_x, map_y = survey()
    words = {189: 1 + i, 193: 1 + x, 71: -100}
    words |= {start: np.asarray(part, np.float32).view(np.int32) for start, part in ((181, map_x), (185, map_y))}
    volume, _ = opened(make_segy(make_image((120, 9)), words))
    np.testing.assert_allclose(np.array(volume.geometry.coordinates)[:, 1:], [[0, 25], [25, 0]], atol=1e-3)
    as_integers, _ = opened(make_segy(make_image((120, 9)), words), coordinate_words="integer")
    assert as_integers.geometry.coordinates[0][0] > 1e7


@pytest.mark.parametrize("where", ["end", "middle", "start", "many"])
@pytest.mark.parametrize("angle", ["parallel", "rotated"])
def test_traces_with_blank_headers_are_skipped_and_counted(make_segy, make_image, tmp_path, where, angle):
    i, x, map_x, map_y = survey(angle=angle)
    at, count = {"end": (120, 1), "middle": (57, 3), "start": (0, 2), "many": (60, 90)}[where]
    words = {
        189: 100 + i,
        193: 300 + x,
        181: map_x,
        185: map_y,
        109: np.full(120, 200),
        115: np.full(120, 9),
        29: np.ones(120),
    }
    words = {start: np.insert(values, at, np.zeros(count)) for start, values in words.items()}
    words |= {start: np.where(words[189] > 0, 1, 0) for start in (1, 5, 117)}
    traces = make_image((120, 9))
    path = make_segy(np.insert(traces, at, np.zeros((count, 9)), axis=0), words)
    volume, message = opened(path)
    np.testing.assert_array_equal(volume.load(), traces.reshape(10, 12, 9).transpose(2, 0, 1))
    assert f"{count} traces, the first of them trace {at + 1}, have no number" in message
    assert volume.geometry.coordinates is not None and volume.geometry.axes[0].origin == 200
    # A copy keeps them, headers and all.
    with SegY().create(tmp_path / "copy.sgy", volume.geometry, IMAGE) as writer:
        writer.write(tuple(slice(0, size) for size in volume.shape), volume.load())
    assert (tmp_path / "copy.sgy").read_bytes()[3200:] == path.read_bytes()[3200:]


def test_blank_traces_do_not_turn_a_line_or_a_volume_into_something_else(make_segy, make_image):
    cdp = np.r_[np.arange(500, 530), np.zeros(4)]
    volume, message = opened(make_segy(make_image((34, 9)), {21: cdp}))
    assert volume.shape == (9, 30) and "4 traces" in message


def test_numbers_from_zero_are_numbers(make_segy, make_image):
    i, x, *_ = survey()
    volume, message = opened(make_segy(make_image((120, 9)), {189: i, 193: x}))
    assert volume.shape == (9, 10, 12) and not message and volume.geometry.live is None


def test_a_few_absurd_coordinates_do_not_count(make_segy, make_image):
    i, x, map_x, map_y = survey()
    map_x = map_x.copy()
    map_x[[7, 80]] = 2_000_000_000
    volume, message = opened(make_segy(make_image((120, 9)), {189: 1 + i, 193: 1 + x, 181: map_x, 185: map_y}))
    np.testing.assert_allclose(np.array(volume.geometry.coordinates)[:, 1:], [[0, 25], [25, 0]], atol=1e-6)
    assert "2 traces have coordinates" in message


@settings(
    max_examples=60, database=None, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(
    size=st.tuples(st.integers(4, 12), st.integers(4, 12)),
    origin=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    step=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    positions=st.sampled_from([(189, 193), (9, 21), (13, 17), (9, 13), (17, 25), (221, 225), (213, 217), (201, 229)]),
    angle=st.floats(0, 2 * np.pi),
    share=st.floats(0.8, 1),
    blank=st.integers(0, 5),
    scalar=st.sampled_from([1, -10, -100]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_survey_with_coordinates_is_read_as_it_is(
    make_segy, size, origin, step, positions, angle, share, blank, scalar, seed
):
    random = np.random.default_rng(seed)
    live = random.random(size) < share
    live[0] = live[:, 0] = live[-1] = live[:, -1] = True
    i, x = np.nonzero(live)
    factor = max(1, -scalar)
    easting = np.rint(factor * (450_000 + 25 * (np.cos(angle) * x - np.sin(angle) * i))).astype(int)
    northing = np.rint(factor * (6_200_000 + 25 * (np.sin(angle) * x + np.cos(angle) * i))).astype(int)
    words = {**dict.fromkeys(range(197, 238, 4), 0), 71: scalar, 181: easting, 185: northing}
    words |= {positions[0]: origin[0] + step[0] * i, positions[1]: origin[1] + step[1] * x}
    at = int(random.integers(0, len(i) + 1))
    words = {start: np.insert(np.broadcast_to(v, len(i)), at, np.zeros(blank)) for start, v in words.items()}
    traces = np.insert(random.standard_normal((len(i), 4)).astype(np.float32), at, np.zeros((blank, 4)), axis=0)
    volume, message = opened(make_segy(traces, words))
    assert volume.geometry.shape == (4, *size)
    assert [axis.origin for axis in volume.geometry.axes[1:]] == list(map(float, origin))
    assert ("traces, the first" in message) == bool(blank)
    np.testing.assert_array_equal(volume.load()[:, i, x].T, np.delete(traces, np.s_[at : at + blank], axis=0))
