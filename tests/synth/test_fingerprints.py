"""Recipe rgm2d has the statistics of RGM's output, within what 60 items can tell; benchmarks/ has the whole table."""

import numpy as np
import pytest

from mtl_seismic.synth import Rgm2D, generate


@pytest.fixture(scope="module")
def items():
    recipe = Rgm2D(half_sample_shift=True)
    return [generate(recipe, 100, index) for index in range(60)]


def median(items, statistic):
    return float(np.median([statistic(item) for item in items]))


def test_amplitudes(items):
    assert median(items, lambda item: np.abs(item["dhr"]).max()) == pytest.approx(1.31, abs=0.1)
    assert median(items, lambda item: np.abs(item["image"]).max()) == pytest.approx(1.29, abs=0.1)


def test_likeness_of_image_and_dhr(items):
    like = median(items, lambda item: np.corrcoef(item["image"].ravel(), item["dhr"].ravel())[0, 1])
    assert like == pytest.approx(0.90, abs=0.025)


def test_faults(items):
    assert np.mean([item["fault_probability"].mean() for item in items]) == pytest.approx(0.075, abs=0.02)
    dips = np.concatenate([item["fault_dip"][item["fault_dip"] > 0] for item in items])
    assert dips.min() >= 50 and dips.max() <= 130
    assert dips.mean() == pytest.approx(90, abs=4)


def test_traces_are_three_or_four_samples_wide(items):
    edges = [np.diff(np.pad(item["fault_probability"], ((0, 0), (1, 1))), axis=1) for item in items]
    widths = np.concatenate([np.nonzero(edge == -1)[1] - np.nonzero(edge == 1)[1] for edge in edges])
    assert (widths == 3).mean() == pytest.approx(0.71, abs=0.05)
    assert (widths == 4).mean() == pytest.approx(0.22, abs=0.04)


def test_relative_geologic_time(items):
    assert np.mean([item["rgt"].mean() for item in items]) == pytest.approx(0.498, abs=0.01)
    assert np.mean([item["rgt"][0].mean() for item in items]) == pytest.approx(0.05, abs=0.015)
    assert np.mean([item["rgt"][-1].mean() for item in items]) == pytest.approx(0.93, abs=0.015)
    assert np.mean([(np.diff(item["rgt"], axis=0) < 0).mean() for item in items]) == pytest.approx(0.003, abs=0.001)
