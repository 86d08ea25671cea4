"""Constants that mean undefined are found and masked sample by sample; amplitudes of any kind are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlcore.inference import undefined
from mtlcore.inference.amplitude import prepare
from mtlcore.inference.undefined import HUGE_VALUES, NULL_VALUES, find_undefined, undefined_values


def section(scale=1.0, seed=0, shape=(60, 40)):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def padded(value, scale=1.0, rows=20):
    """A section whose traces are undefined down to rows that differ from trace to trace."""
    image = section(scale)
    top = np.arange(len(image))[:, None] < rows + np.arange(image.shape[1]) % 5
    image[top] = value
    return image, top


@pytest.mark.parametrize("value", [*HUGE_VALUES, *(-value for value in HUGE_VALUES), *NULL_VALUES, np.nan, np.inf])
@pytest.mark.parametrize("scale", [0.01, 1000.0])
def test_undefined_values_in_live_traces_are_masked(value, scale):
    image, top = padded(value, scale)
    np.testing.assert_array_equal(undefined_values(image), top)
    np.testing.assert_array_equal(undefined_values(image.astype(np.float64)), top)


@pytest.mark.parametrize("value", [32767.0, -32768.0, 1e10, -1e6, 255.0])
def test_any_constant_far_from_all_else_is_padding(value):
    image, top = padded(value)
    np.testing.assert_array_equal(undefined_values(image), top)


def test_ibm_rounding_and_interpolation_do_not_hide_a_huge_value():
    image, top = padded(1e30 * (1 + 2**-21))
    edge = ~top & np.roll(top, 1, axis=0)
    image[edge] = 3e29
    np.testing.assert_array_equal(undefined_values(image), top | edge)


def test_most_of_a_section_may_be_undefined():
    image, top = padded(1e30, rows=50)
    np.testing.assert_array_equal(undefined_values(image), top)


@given(st.floats(1e-30, 1e36), st.integers(0, 2**32 - 1))
def test_amplitudes_of_any_scale_are_defined(scale, seed):
    assert not undefined_values(section(scale, seed)).any()


def test_what_is_not_undefined():
    quiet = section()
    quiet[:30] = 0
    clipped = section(20_000).clip(-9999, 9999)
    whole_numbers = np.rint(section(800, shape=(300, 200)))
    spike = section()
    spike[5, 8] = 1e30
    mask = np.where(section() > 0, np.float32(1), np.float32(0)) * np.float32(1e30)
    chance = section(1000)
    chance[::7, ::3] = -999.25
    for image in (quiet, clipped, whole_numbers, spike, mask, chance, np.zeros((9, 4), np.float32)):
        assert not undefined_values(image).any()


def test_windows_of_an_image_agree_with_the_whole(monkeypatch):
    image, top = padded(-999.25, 1000.0)
    found = find_undefined([image[:, :7], image[:, 20:]])
    np.testing.assert_array_equal(found.mask(image), top)
    np.testing.assert_array_equal(found.mask(image[3:9, 5:6]), top[3:9, 5:6])
    monkeypatch.setattr(undefined, "CHUNK", 100)
    assert find_undefined([image]) == found


@pytest.mark.parametrize("value", [1e30, -999.25, np.nan])
def test_amplitudes_are_measured_without_undefined_samples(value):
    image, top = padded(value, 1000.0)
    prepared = prepare(image)
    assert prepared.scale == pytest.approx(np.sqrt(np.mean(image[~top].astype(np.float64) ** 2)), rel=1e-3)
    np.testing.assert_array_equal(prepared.dead, top)
    assert prepared.report["not_finite_samples"] == top.sum()
