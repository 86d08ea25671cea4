"""Axial angles and planes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_seismic.heads.metrics import axial_difference, axial_error, plane_angle, plane_normal

strikes = st.floats(0, 180)
dips = st.floats(1, 179)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(0, 180, 0), (1, 179, 2), (0, 90, 90), (10, 110, 80), (-5, 5, 10), (360, 0, 0), (45, 30, 15)],
)
def test_axial_difference_by_hand(a: float, b: float, expected: float) -> None:
    assert axial_difference(a, b) == pytest.approx(expected)


@given(a=strikes, b=strikes, turns=st.integers(-3, 3))
def test_axial_difference_wraps(a: float, b: float, turns: int) -> None:
    difference = axial_difference(a, b)
    assert 0 <= difference <= 90
    assert axial_difference(a + 180 * turns, b) == pytest.approx(difference, abs=1e-9)
    assert axial_difference(b, a) == pytest.approx(difference, abs=1e-9)


@pytest.mark.parametrize("shape", [(4, 1), (2, 2, 1)])
def test_axial_error_counts_the_mask_and_the_labelled(shape: tuple[int, ...]) -> None:
    truth = np.array([1.0, 60.0, np.nan, 70.0], np.float32).reshape(shape)
    estimate = np.array([179.0, 50.0, 3.0, 0.0], np.float32).reshape(shape)
    mask = np.array([1, 1, 1, 0]).reshape(shape)
    assert axial_error(estimate, truth, mask) == {"mean": 6.0, "within_5": 0.5}
    assert axial_error(truth, truth, mask) == {"mean": 0.0, "within_5": 1.0}


def test_axial_error_undefined_is_nan() -> None:
    angles = np.array([1.0, 2.0])
    empty = axial_error(angles, angles, np.zeros(2, bool))
    unlabelled_mask = axial_error(angles, angles, np.full(2, np.nan))
    broken = axial_error(np.array([np.nan, 2.0]), angles, np.ones(2, bool))
    for error in (empty, unlabelled_mask, broken):
        assert all(math.isnan(value) for value in error.values())


@pytest.mark.parametrize(
    ("strike", "dip", "normal"),
    [
        (0, 0, (-1, 0, 0)),  # a horizontal plane
        (0, 90, (0, 1, 0)),  # vertical along x3
        (90, 90, (0, 0, -1)),  # vertical along x2
        (0, 45, (-math.sqrt(0.5), math.sqrt(0.5), 0)),
    ],
)
def test_plane_normal_by_hand(strike: float, dip: float, normal: tuple[float, ...]) -> None:
    np.testing.assert_allclose(plane_normal(strike, dip), normal, atol=1e-12)


@given(strike=strikes, dip=dips)
def test_normal_is_across_the_strike_and_the_way_down(strike: float, dip: float) -> None:
    s, d = math.radians(strike), math.radians(dip)
    along = np.array([0, math.sin(s), math.cos(s)])
    down = np.array([math.sin(d), math.cos(d) * math.cos(s), -math.cos(d) * math.sin(s)])
    normal = plane_normal(strike, dip)
    np.testing.assert_allclose([normal @ along, normal @ down, normal @ normal], [0, 0, 1], atol=1e-12)


def test_plane_normal_of_a_volume() -> None:
    assert plane_normal(np.zeros((2, 3, 4)), np.float32(30)).shape == (3, 2, 3, 4)


@given(sa=strikes, da=dips, sb=strikes, db=dips, sign=st.sampled_from([1, -1]))
def test_plane_angle_is_the_same_for_both_descriptions(sa: float, da: float, sb: float, db: float, sign: int) -> None:
    angle = plane_angle(sa, da, sb, db)
    assert 0 <= angle <= 90 + 1e-9
    assert plane_angle(sa + sign * 180, 180 - da, sb, db) == pytest.approx(angle, abs=1e-9)
    assert plane_angle(sb, db, sa, da) == pytest.approx(angle, abs=1e-9)
    assert plane_angle(sa + sign * 180, 180 - da, sa, da) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((20, 60), (20, 70), 10),
        ((20, 85), (20, 95), 10),  # across the vertical
        ((10, 90), (60, 90), 50),
        ((0, 90), (0, 0), 90),
        ((30, 70), (30, 70 + 1e-7), 1e-7),  # an arc cosine would give 0 or 1e-6
    ],
)
def test_plane_angle_by_hand(a: tuple[float, float], b: tuple[float, float], expected: float) -> None:
    assert plane_angle(*a, *b) == pytest.approx(expected)
