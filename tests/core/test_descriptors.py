"""Numbers of an image, and lines about those that a network does not know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlcore.inference.descriptors import DESCRIPTORS, describe_image, typical_ranges, unlike, widened

KNOWN = {"slope": (0.1, 0.5), "centroid": (0.2, 0.4), "noise": (0.0, 0.3)}


def section(shape=(160, 120), slope=0.2, period=8.0, noise=0.0, seed=0):
    """Reflectors of random strength with one slope."""
    random = np.random.default_rng(seed)
    rows, traces = np.indices(shape)
    log = random.standard_normal(4 * shape[0] + 800)
    lag = np.arange(-20, 21) / period
    trace = np.convolve(log, (1 - 2 * (np.pi * lag) ** 2) * np.exp(-((np.pi * lag) ** 2)), "same")
    image = np.interp(rows + slope * traces + 300, np.arange(len(trace)), trace)
    return (image + noise * image.std() * random.standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("slope", [0.05, 0.3, 0.8])
def test_slopes_are_those_of_the_reflectors(slope):
    assert describe_image(section(slope=slope))["slope"] == pytest.approx(slope, rel=0.2, abs=0.02)


def test_frequencies_follow_the_wavelet_noise_the_noise_and_correlation_the_slope():
    fine, coarse = (describe_image(section(period=period)) for period in (5.0, 12.0))
    assert fine["centroid"] > 1.7 * coarse["centroid"]
    assert fine["bandwidth"] > 1.5 * coarse["bandwidth"]
    assert 0.1 < coarse["centroid"] < coarse["bandwidth"] < 0.6
    levels = [describe_image(section(noise=noise))["noise"] for noise in (0.0, 0.5, 1.5)]
    assert levels[0] < 0.1 < levels[1] < levels[2]
    gentle, steep = (describe_image(section(slope=slope))["correlation"] for slope in (0.1, 0.8))
    assert gentle > 5 * steep
    heavy = section() * np.random.default_rng(0).exponential(1, (160, 1)).astype(np.float32) ** 2
    assert describe_image(heavy)["kurtosis"] > 2 * describe_image(section())["kurtosis"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(2, 60), min_size=2, max_size=3), st.floats(-30, 30))
def test_images_of_any_size_and_amplitude_are_described_alike(shape, exponent):
    image = np.random.default_rng(0).standard_normal(shape)
    numbers, scaled = describe_image(image), describe_image(image * 10**exponent)
    assert all(np.isfinite(list(numbers.values())))
    assert scaled == pytest.approx(numbers, rel=1e-6)
    assert set(numbers) <= {descriptor.name for descriptor in DESCRIPTORS}
    assert describe_image(np.zeros(shape)) == {}


def test_a_volume_is_described_by_its_sections():
    volume = np.repeat(section((80, 60))[:, None], 40, axis=1)
    numbers, flat = describe_image(volume), describe_image(section((80, 60)))
    assert numbers["centroid"] == pytest.approx(flat["centroid"], rel=0.3)


def test_lines_name_the_number_the_value_and_what_is_known():
    assert unlike({"slope": 0.3, "centroid": 0.3, "noise": 0.1}, KNOWN) == []
    assert unlike({"slope": 0.52}, KNOWN) == []  # hardly beyond
    (line,) = unlike({"slope": 2.3, "centroid": 0.3}, KNOWN)
    assert line.startswith("slope of reflectors") and line.endswith("2.3 (trained on 0.1 to 0.5)")
    assert unlike({"slope": 2.3}, {}) == []
    assert widened(KNOWN, {"slope": (0.05, 0.2), "kurtosis": (3.0, 5.0)}) == {
        **KNOWN,
        "slope": (0.05, 0.5),
        "kurtosis": (3.0, 5.0),
    }


def test_training_data_lie_within_their_own_ranges_and_others_do_not():
    class Items(list):
        shape = (160, 120)

    slopes = np.linspace(0.1, 0.4, 30)
    items = Items({"image": section(slope=slope, noise=0.2, seed=k)} for k, slope in enumerate(slopes))
    ranges = typical_ranges(items)
    assert set(ranges) == {descriptor.name for descriptor in DESCRIPTORS}
    outside = [len(unlike(describe_image(item["image"]), ranges)) for item in items]
    assert np.mean([count == 0 for count in outside]) > 0.85
    steep = unlike(describe_image(section(slope=1.5, noise=0.2)), ranges)
    assert any(line.startswith("slope") for line in steep)
