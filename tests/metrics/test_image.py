"""Image metrics against values computed by hand, and by a direct loop over windows."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtl_seismic.heads.metrics import peak_signal_to_noise, signal_to_noise, structural_similarity

Array = NDArray[Any]
shapes = pytest.mark.parametrize("shape", [(13, 12), (12, 11, 13)])


def pair(shape: tuple[int, ...], seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    truth = random.normal(size=shape)
    return truth + 0.3 * random.normal(size=shape), truth


def similarity_by_hand(estimate: Array, truth: Array, data_range: float) -> float:
    """SSIM from its definition: one window at a time, weights from their product over axes."""
    taps = np.exp(-np.square(np.arange(-5, 6)) / (2 * 1.5**2))
    weight = taps
    for _ in range(truth.ndim - 1):
        weight = np.multiply.outer(weight, taps)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for corner in np.ndindex(*(size - 10 for size in truth.shape)):
        window = tuple(slice(start, start + 11) for start in corner)
        a, b = estimate[window], truth[window]
        if np.isnan(b[(5,) * b.ndim]):
            continue
        w = np.where(np.isnan(b), 0, weight) / weight[~np.isnan(b)].sum()
        b = np.nan_to_num(b)
        ma, mb = (w * a).sum(), (w * b).sum()
        va, vb, cov = (w * (a - ma) ** 2).sum(), (w * (b - mb) ** 2).sum(), (w * (a - ma) * (b - mb)).sum()
        values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(values))


def test_signal_to_noise_by_hand() -> None:
    # scale = 3/2, so the residual of (3, 0, 1) is (1.5, -1.5, 1): 10 / 5.5
    estimate, truth = np.array([1.0, 1.0, 0.0]), np.array([3.0, 0.0, 1.0])
    assert signal_to_noise(estimate, truth) == pytest.approx(10 * math.log10(10 / 5.5))


@given(scale=st.floats(0.01, 100), sign=st.sampled_from([1, -1]), seed=st.integers(0, 99))
def test_signal_to_noise_ignores_the_scale(scale: float, sign: int, seed: int) -> None:
    estimate, truth = pair((6, 5), seed)
    expected = signal_to_noise(estimate, truth)
    assert expected >= 0
    assert signal_to_noise(sign * scale * estimate, truth) == pytest.approx(expected)
    assert signal_to_noise(estimate, scale * truth) == pytest.approx(expected)


def test_peak_signal_to_noise_by_hand() -> None:
    # peak 2, mean squared error 0.04 / 4
    estimate, truth = np.array([[1.0, -2.2], [0.0, 0.5]]), np.array([[1.0, -2.0], [0.0, 0.5]])
    assert peak_signal_to_noise(estimate, truth) == pytest.approx(10 * math.log10(4 / 0.01))


@shapes
def test_structural_similarity_follows_its_definition(shape: tuple[int, ...]) -> None:
    estimate, truth = pair(shape)
    assert structural_similarity(estimate, truth, 2.0) == pytest.approx(similarity_by_hand(estimate, truth, 2.0))


@shapes
def test_structural_similarity_agrees_with_scikit_image(shape: tuple[int, ...]) -> None:
    skimage = pytest.importorskip("skimage.metrics")
    estimate, truth = pair(shape)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 2.0}
    expected = skimage.structural_similarity(estimate, truth, **options)
    assert structural_similarity(estimate, truth, 2.0) == pytest.approx(expected)


@shapes
def test_structural_similarity_gives_unlabelled_samples_no_weight(shape: tuple[int, ...]) -> None:
    estimate, truth = pair(shape)
    truth[4:6, 5:7] = np.nan
    expected = similarity_by_hand(estimate, truth, 2.0)
    assert structural_similarity(estimate, truth, 2.0) == pytest.approx(expected)


@shapes
def test_a_perfect_estimate(shape: tuple[int, ...]) -> None:
    _, truth = pair(shape)
    assert signal_to_noise(truth, truth) == math.inf
    assert peak_signal_to_noise(truth, truth) == math.inf
    assert structural_similarity(truth, truth, 2.0) == pytest.approx(1)
    assert structural_similarity(truth.astype(np.float32), truth, 2.0) == pytest.approx(1)


@shapes
def test_values_at_unlabelled_samples_do_not_matter(shape: tuple[int, ...]) -> None:
    estimate, truth = pair(shape)
    truth[:4, ::5] = np.nan
    other = np.where(np.isnan(truth), np.nan, estimate)
    for metric in (signal_to_noise, peak_signal_to_noise):
        assert metric(estimate, truth) == metric(other, truth)
    assert structural_similarity(estimate, truth, 2.0) == structural_similarity(other, truth, 2.0)


def test_undefined_is_nan() -> None:
    estimate, truth = pair((12, 12))
    for undefined in (np.zeros_like(truth), np.full_like(truth, np.nan)):
        assert math.isnan(signal_to_noise(estimate, undefined))
        assert math.isnan(peak_signal_to_noise(estimate, undefined))
    assert math.isnan(structural_similarity(estimate, np.full_like(truth, np.nan), 1.0))
    assert math.isnan(structural_similarity(estimate[:10], truth[:10], 1.0)), "shorter than the window"
    assert math.isnan(structural_similarity(estimate, truth, 0.0))


def test_a_nan_in_the_estimate_shows() -> None:
    estimate, truth = pair((12, 12))
    estimate[6, 6] = np.nan
    assert math.isnan(signal_to_noise(estimate, truth))
    assert math.isnan(peak_signal_to_noise(estimate, truth))
    assert math.isnan(structural_similarity(estimate, truth, 1.0))


def test_an_empty_estimate_has_no_signal() -> None:
    assert signal_to_noise(np.zeros(3), np.array([1.0, 2.0, 3.0])) == pytest.approx(0)
