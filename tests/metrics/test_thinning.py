"""Faults one sample thick: drawing them thick gains nothing."""

import numpy as np
import pytest

from mtl_seismic.heads.fault import Fault
from mtl_seismic.heads.metrics import everything_f1, plane_normal, precision_recall, thinned, thinned_precision_recall
from mtl_seismic.synth import RECIPES, generate


def plane(shape, dip, strike=180.0, half=1.5):
    """A band around a plane through the middle."""
    normal = plane_normal(strike, dip)[: len(shape)]
    distance = sum((axis - size / 2) * n for axis, size, n in zip(np.indices(shape), shape, normal, strict=True))
    return (np.abs(distance) <= half).astype(np.float32), distance


@pytest.mark.parametrize("dip", [20.0, 60.0, 90.0, 117.0])
@pytest.mark.parametrize("half", [1.5, 2.0])
def test_a_band_becomes_the_line_in_its_middle_whole(dip, half):
    band, distance = plane((60, 50), dip, half=half)
    line = thinned(band, np.full(band.shape, dip), None)
    assert np.abs(distance[line]).max() <= 1.1
    assert line.sum() < band.sum() * 0.75 / (half / 1.5)
    middle = np.abs(distance) < 0.5
    assert precision_recall(line.astype(float), middle.astype(float), 1.5)[1] == 1


@pytest.mark.parametrize(("dip", "strike"), [(60.0, 30.0), (100.0, 120.0)])
def test_a_slab_becomes_a_surface(dip, strike):
    band, distance = plane((30, 28, 26), dip, strike)
    surface = thinned(band, np.full(band.shape, dip), np.full(band.shape, strike))
    assert np.abs(distance[surface]).max() <= 1.0
    assert 0.15 * band.sum() < surface.sum() < 0.75 * band.sum()


def test_noise_below_the_threshold_and_nothing_at_all_have_no_ridges():
    noise = np.random.default_rng(0).random((20, 20)) * 0.49
    assert not thinned(noise, np.full((20, 20), 90.0), None).any()
    assert not thinned(np.full((4, 4), np.nan), np.zeros((4, 4)), None).any()


def test_what_is_drawn_thick_does_not_outweigh_what_is_drawn_thin():
    """A true fault drawn thick and a false one drawn thin are one right and one wrong."""
    truth, _ = plane((60, 60), 90.0, half=2.5)
    predicted = truth.copy()
    predicted[:, 10] = 1
    dip = np.full(truth.shape, 90.0)
    lines = thinned(predicted, dip, None), thinned(truth, dip, None)
    assert precision_recall(predicted, truth, 2)[0] > 0.8
    assert thinned_precision_recall(lines[0], truth, lines[1], 2)[:2] == (0.5, 1)
    assert thinned_precision_recall(lines[1], truth, lines[1], 0) == (1, 1, 1)
    unlabelled = np.where(np.arange(60)[:, None] < 30, truth, np.nan)
    assert thinned_precision_recall(lines[1][::-1], unlabelled, lines[1], 2)[0] == 1


def test_everything_as_a_fault_has_the_score_of_the_samples_near_faults():
    truth = np.zeros((10, 40))
    truth[:, 20] = 1
    share = 5 / 40
    assert everything_f1(truth, 2) == pytest.approx(2 * share / (1 + share))
    assert np.isnan(everything_f1(np.zeros((4, 4)), 2))


@pytest.mark.parametrize("name", ["rgm2d", "field3d"])
def test_labels_score_one_in_all_that_the_task_reports(name):
    recipe = RECIPES[name](shape=(64, 60) if name == "rgm2d" else (32, 30, 28))
    item = generate(recipe, 0, 4)
    figures = Fault().metrics(item, item)
    for figure in ("f1_2", "thinned_f1_2", "thinned_precision_2", "thinned_recall_2", "average_precision"):
        assert figures[figure] == 1, figure
    assert 0 < figures["everything_f1_2"] < 1
