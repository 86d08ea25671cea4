import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_seismic.stochastic.smoothing import kernel, smooth, smoothing_matrix


@pytest.mark.parametrize("sigma", [0.5, 2.0, 4.0, 25.0])
def test_kernel_is_a_gaussian_of_unit_sum(sigma):
    weights = kernel(sigma)
    lag = np.arange(len(weights)) - len(weights) // 2
    assert weights.sum() == pytest.approx(1)
    assert np.sqrt((weights * lag**2).sum()) == pytest.approx(sigma, rel=0.06)


def test_smoothing_is_convolution_with_mirrored_edges():
    values = np.random.default_rng(0).standard_normal((40, 31)).astype(np.float32)
    half = len(kernel(3)) // 2
    padded = np.pad(values, ((half, half), (0, 0)), mode="reflect")
    expected = np.array([np.convolve(column, kernel(3), "valid") for column in padded.T]).T
    np.testing.assert_allclose(smooth(values, (3, 0)), expected, atol=1e-6)


def test_a_line_is_smoothed_as_an_axis_is():
    line = np.random.default_rng(0).standard_normal(50).astype(np.float32)
    np.testing.assert_allclose(smooth(line, 4), smooth(line[:, None], (4, 0))[:, 0], atol=1e-6)


@given(st.integers(1, 40), st.floats(0.5, 60))
def test_smoothing_keeps_a_constant_on_axes_shorter_than_the_kernel(size, sigma):
    np.testing.assert_allclose(smoothing_matrix(size, sigma).sum(axis=1), 1, atol=1e-4)
