"""Detection metrics against hand counts and brute force."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from mtl_seismic.heads.metrics import average_precision, calibration_error, precision_recall

Array = NDArray[Any]
fields = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(np.float32, shape, elements=st.sampled_from([0.0, 0.125, 0.5, 0.75, 1.0])),
        hnp.arrays(np.float32, shape, elements=st.sampled_from([0.0, 1.0, np.nan])),
    )
)


def precision_recall_by_hand(probability: Array, truth: Array, tolerance: float) -> list[float]:
    """All distances between detected and true samples."""
    detected = np.argwhere((probability >= 0.5) & ~np.isnan(truth))
    true = np.argwhere(truth == 1)
    near = np.linalg.norm(detected[:, None] - true[None], axis=2) <= tolerance
    precision = near.any(axis=1).mean() if len(detected) else math.nan
    recall = near.any(axis=0).mean() if len(true) else math.nan
    return [float(precision), float(recall)]


def average_precision_by_hand(probability: Array, truth: Array) -> float:
    """scikit-learn's definition: sum of (R_n - R_(n-1)) P_n over falling thresholds."""
    area, last_recall = 0.0, 0.0
    for threshold in np.unique(probability)[::-1]:
        chosen = truth[probability >= threshold]
        recall = chosen.sum() / truth.sum()
        area += (recall - last_recall) * chosen.mean()
        last_recall = recall
    return float(area)


def test_precision_recall_by_hand() -> None:
    truth = np.zeros((5, 8))
    truth[:, 2] = 1  # a vertical fault of 5 samples
    probability = np.zeros((5, 8))
    probability[:3, 3] = 0.9  # drawn one sample aside, and too short
    probability[0, 7] = 0.5  # a false alarm; the threshold itself is detected
    assert precision_recall(probability, truth, 0) == (0, 0, 0)
    precision, recall, f1 = precision_recall(probability, truth, 1)
    assert (precision, recall) == (3 / 4, 3 / 5)
    assert f1 == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert precision_recall(probability, truth, math.sqrt(2))[1] == 4 / 5
    assert precision_recall(probability, truth, 1, threshold=0.6)[0] == 1


def test_tolerance_is_a_ball() -> None:
    truth, probability = np.zeros((2, 9, 9, 9))
    truth[4, 4, 4], probability[5, 5, 5] = 1, 1
    assert precision_recall(probability, truth, 1.7)[2] == 0
    assert precision_recall(probability, truth, 1.75)[2] == 1


@given(fields=fields, tolerance=st.sampled_from([0, 1, 1.5, 2, 3.2]))
def test_precision_recall_equals_all_distances(fields: tuple[Array, Array], tolerance: float) -> None:
    expected = precision_recall_by_hand(*fields, tolerance)
    np.testing.assert_allclose(precision_recall(*fields, tolerance)[:2], expected)


@given(fields=fields)
def test_a_wider_tolerance_never_scores_lower(fields: tuple[Array, Array]) -> None:
    scores = np.nan_to_num([precision_recall(*fields, tolerance) for tolerance in (0, 1, 1.5, 2, 4)])
    assert (np.diff(scores, axis=0) >= -1e-12).all()


def test_nothing_true_or_nothing_detected() -> None:
    none, some = np.zeros((3, 4)), np.eye(3, 4)
    np.testing.assert_equal(precision_recall(some, none, 2), (0, math.nan, math.nan))
    np.testing.assert_equal(precision_recall(none, some, 2), (math.nan, 0, 0))
    np.testing.assert_equal(precision_recall(none, none, 2), (math.nan,) * 3)
    assert math.isnan(average_precision(some, none))
    for metric in (average_precision, calibration_error):
        assert math.isnan(metric(some, np.full((3, 4), np.nan)))


def test_average_precision_by_hand() -> None:
    # falling: 0.9 true, 0.8 false, then a tie of one true and one false
    probability, truth = np.array([0.4, 0.9, 0.4, 0.8]), np.array([1, 1, 0, 0])
    assert average_precision(probability, truth) == pytest.approx(0.5 * 1 + 0.5 * 2 / 4)


def test_average_precision_of_a_constant_is_the_share_of_truth() -> None:
    truth = np.arange(24).reshape(2, 3, 4) % 3 == 0
    assert average_precision(np.full(truth.shape, 0.3), truth) == pytest.approx(1 / 3)


@given(fields=fields)
def test_average_precision_equals_its_definition(fields: tuple[Array, Array]) -> None:
    probability, truth = fields
    labelled = ~np.isnan(truth)
    if not (truth == 1).any():
        assert math.isnan(average_precision(probability, truth))
        return
    expected = average_precision_by_hand(probability[labelled], truth[labelled])
    assert average_precision(probability, truth) == pytest.approx(expected)
    assert average_precision(probability**2, truth) == pytest.approx(expected), "only the order matters"


def test_calibration_error_by_hand() -> None:
    # two bins: (0.2, 0.4) with one true of two, (0.9, 1.0) both true
    probability, truth = np.array([[0.2, 0.4], [0.9, 1.0]]), np.array([[0, 1], [1, 1]])
    expected = 0.5 * abs(0.3 - 0.5) + 0.5 * abs(0.95 - 1)
    assert calibration_error(probability, truth, bins=2) == pytest.approx(expected)


@given(share=st.integers(0, 8), shape=st.sampled_from([(8, 4), (8, 2, 3)]))
def test_a_constant_at_the_true_share_is_calibrated(share: int, shape: tuple[int, ...]) -> None:
    truth = np.zeros(shape)
    truth[:share] = 1
    assert calibration_error(np.full(shape, share / 8), truth) == pytest.approx(0)
    assert calibration_error(1 - truth, truth) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(6, 5), (4, 3, 5)])
def test_a_perfect_estimate(shape: tuple[int, ...]) -> None:
    truth = np.random.default_rng(0).random(shape) < 0.3
    for tolerance in (0, 2):
        assert precision_recall(truth.astype(np.float32), truth, tolerance) == (1, 1, 1)
    assert average_precision(truth.astype(np.float32), truth) == 1
    assert calibration_error(truth.astype(np.float32), truth) == 0


@pytest.mark.parametrize("shape", [(6, 5), (4, 3, 5)])
def test_values_at_unlabelled_samples_do_not_matter(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    probability, truth = random.random(shape), (random.random(shape) < 0.3).astype(float)
    truth[::2, 1] = np.nan
    other = np.where(np.isnan(truth), np.nan, probability)
    assert precision_recall(probability, truth, 1) == precision_recall(other, truth, 1)
    assert average_precision(probability, truth) == average_precision(other, truth)
    assert calibration_error(probability, truth) == calibration_error(other, truth)


def test_a_nan_in_the_estimate_shows() -> None:
    probability, truth = np.array([[0.9, np.nan]]), np.array([[1, 0]])
    assert all(math.isnan(value) for value in precision_recall(probability, truth, 1))
    assert math.isnan(average_precision(probability, truth))
    assert math.isnan(calibration_error(probability, truth))
