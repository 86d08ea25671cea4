"""Horizons followed through small sections whose layers are known."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtl_seismic.heads.metrics import horizon_depth_error, share_not_increasing

Array = NDArray[Any]
PERFECT = {"mean": 0.0, "p95": 0.0, "within_2": 1.0}
shapes = pytest.mark.parametrize("shape", [(20, 7), (16, 5, 4)])


def layers(shape: tuple[int, ...], seed: int = 0) -> Array:
    """Layers of uneven thickness that dip, increasing with depth in every trace."""
    random = np.random.default_rng(seed)
    return np.cumsum(0.5 + random.random(shape), axis=0) + 2 * random.random(shape[1:])


def depth(shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(np.arange(shape[0], dtype=float).reshape(-1, *[1] * (len(shape) - 1)), shape)


def is_nan(error: dict[str, float]) -> bool:
    return set(error) == set(PERFECT) and all(math.isnan(value) for value in error.values())


@pytest.mark.parametrize(("seed", "errors"), [(0, [1, 3]), (1, [1, 2]), (2, [2, 3])])
def test_by_hand(seed: int, errors: list[float]) -> None:
    """Three traces shifted by 0, 1 and 3 samples, which a flat estimate does not follow."""
    shifts = np.array([0, 1, 3])
    truth = depth((10, 3)) + shifts
    found = horizon_depth_error(depth((10, 3)), truth, seed)
    # A horizon at depth k of the seed lies at k + shift difference; it counts where that is inside the trace.
    moves = shifts[seed] - np.delete(shifts, seed)
    each = np.concatenate([[abs(m)] * (10 - abs(m)) for m in moves])
    assert sorted(set(np.abs(moves))) == errors
    assert found["mean"] == pytest.approx(each.mean())
    assert found["within_2"] == pytest.approx((each <= 2).mean())
    assert found["p95"] == pytest.approx(np.percentile(each, 95))


def test_interpolates_between_samples() -> None:
    truth = np.array([[0, 0.5], [1, 1.5], [2, 2.5]])
    # Depths 1 and 2 of trace 0 lie at 0.5 and 1.5 of trace 1; depth 0 lies above it and does not count.
    assert horizon_depth_error(depth((3, 2)), truth, 0) == {"mean": 0.5, "p95": 0.5, "within_2": 1.0}


def test_a_horizon_lost_by_the_estimate_is_an_error() -> None:
    truth = depth((10, 2))
    estimate = truth + np.array([0, 100])
    # Every horizon of trace 0 lies above trace 1 of the estimate and is taken at its top.
    assert horizon_depth_error(estimate, truth, 0)["mean"] == pytest.approx(np.arange(10).mean())


def test_a_constant_estimate_is_no_way_to_score() -> None:
    assert horizon_depth_error(np.zeros((10, 2)), depth((10, 2)), 0)["mean"] == pytest.approx(4.5)


def test_of_repeated_strata_the_shallowest_counts() -> None:
    seed, thrust = np.arange(6.0), np.array([0, 1, 2, 3, 2, 3.0])  # 2 and 3 again below the thrust
    truth = np.stack([seed, thrust], axis=1)
    assert horizon_depth_error(depth((6, 2)), truth, 0) == PERFECT
    # Running maximum 0 1 2 3 3 4: the horizon 3.5 lies half-way between the last two samples.
    truth = np.stack([seed + 0.5, np.array([0, 1, 2, 3, 2, 4.0])], axis=1)
    expected = np.mean([0.5, 0.5, 0.5, 4.5 - 3])
    assert horizon_depth_error(depth((6, 2)), truth, 0)["mean"] == pytest.approx(expected)


def test_default_seed_is_the_central_trace() -> None:
    section, volume = layers((20, 7)), layers((16, 5, 4))
    assert horizon_depth_error(depth((20, 7)), section) == horizon_depth_error(depth((20, 7)), section, 3)
    found = horizon_depth_error(depth((16, 5, 4)), volume)
    assert found == horizon_depth_error(depth((16, 5, 4)), volume, (2, 2))
    assert found != horizon_depth_error(depth((16, 5, 4)), volume, (0, 0))


def test_a_volume_is_scored_like_a_section() -> None:
    truth = layers((20, 6))
    section = horizon_depth_error(depth((20, 6)), truth, 4)
    assert horizon_depth_error(depth((20, 2, 3)), truth.reshape(20, 2, 3), (1, 1)) == section


@shapes
def test_a_perfect_estimate(shape: tuple[int, ...]) -> None:
    truth = layers(shape)
    assert horizon_depth_error(truth, truth) == PERFECT
    truth[5:8] = truth[5:8][::-1].copy()  # neither is a trace that turns over a mistake
    assert horizon_depth_error(truth, truth) == PERFECT


@given(seed=st.integers(0, 50), scale=st.floats(0.01, 50), offset=st.floats(-5, 5), axes=st.sampled_from([2, 3]))
def test_a_linear_change_of_the_estimate_does_not_matter(seed: int, scale: float, offset: float, axes: int) -> None:
    shape = (12, 4, 3)[:axes]
    estimate, truth = layers(shape, seed), layers(shape, seed + 1)
    expected = horizon_depth_error(estimate, truth)["mean"]
    assert horizon_depth_error(scale * estimate + offset, truth)["mean"] == pytest.approx(expected, abs=1e-6)


@shapes
def test_values_at_unlabelled_samples_do_not_matter(shape: tuple[int, ...]) -> None:
    estimate, truth = layers(shape, 1), layers(shape)
    truth[:3, 0] = np.nan
    truth[6:9, 1] = np.nan
    truth[:, -1] = np.nan
    other = np.where(np.isnan(truth), 1e6, estimate)
    assert horizon_depth_error(estimate, truth) == horizon_depth_error(other, truth)
    assert horizon_depth_error(truth, truth) == PERFECT


def test_horizons_in_an_unlabelled_gap_do_not_count() -> None:
    truth = depth((10, 2)) + np.array([0.5, 0])
    truth[4:6, 1] = np.nan
    estimate = depth((10, 2)).copy()
    estimate[3:7, 0] += 100  # wrong only for the horizons 3.5, 4.5 and 5.5, which touch the gap, and 6.5
    clamped = 9 - 6.5
    expected = np.mean([0.5] * 5 + [clamped])  # 0.5 1.5 2.5, 6.5, 7.5 8.5; 9.5 lies below the trace
    assert horizon_depth_error(estimate, truth, 0)["mean"] == pytest.approx(expected)


def test_undefined_is_nan() -> None:
    truth = layers((6, 3))
    broken = truth.copy()
    broken[2, 0] = np.nan
    assert is_nan(horizon_depth_error(broken, truth)), "NaN in the estimate"
    assert is_nan(horizon_depth_error(truth, np.full((6, 3), np.nan)))
    assert is_nan(horizon_depth_error(truth[:, :1], truth[:, :1])), "no other trace"
    assert is_nan(horizon_depth_error(depth((6, 2)), depth((6, 2)) + np.array([0, 50]))), "none in common"
    broken[:, 1] = np.nan
    assert is_nan(horizon_depth_error(truth, broken)), "nothing labelled at the seed"


def test_refuses_unlike_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(6, 2, 3\).*\(6, 3, 2\)"):
        horizon_depth_error(np.zeros((6, 2, 3)), np.zeros((6, 3, 2)))


def test_share_not_increasing_by_hand() -> None:
    section = np.array([[0, 0], [1, 0], [0.5, np.nan], [2, 3]])
    assert share_not_increasing(section) == 2 / 4  # one fall and one tie of 4 labelled pairs
    assert share_not_increasing(section[:, :, None]) == 2 / 4
    assert math.isnan(share_not_increasing(section[:1]))


@shapes
def test_share_not_increasing_ideal_and_worst(shape: tuple[int, ...]) -> None:
    assert share_not_increasing(layers(shape)) == 0
    assert share_not_increasing(-layers(shape)) == 1
    assert share_not_increasing(np.zeros(shape)) == 1
