"""Items of RGM's recipes agree with themselves and with the rules."""

from dataclasses import replace

import numpy as np
import pytest

from mtl_seismic.synth import Rgm2D, Rgm3D, generate, parameters
from mtl_seismic.synth.imaging import image, lags, normalised, wavelet
from mtl_seismic.synth.rgm import _merged, _merged_ages

PLAIN = {
    "regular_probability": 0.0,
    "unconformity_probability": 0.0,
    "gaussian_probability": 0.0,
    "faults": (0.0, 0.0),
    "secondary_height": (0.0, 0.0),
    "random_growth": (0.0, 0.0),
    "slope": (0.0, 0.0),
    "random_height": (0.0, 0.0),
    "noise_level": (0.0, 0.0),
}


def recipes(**options):
    small = (72, 61), (40, 33, 35)
    return [
        cls(shape=shape, **(PLAIN | options | ({"gaussian_growth": (0.0, 0.0)})))
        for cls, shape in zip((Rgm2D, Rgm3D), small, strict=True)
    ]


@pytest.mark.parametrize("recipe", recipes())
def test_a_flat_model_is_the_convolution_of_one_log(recipe):
    item, drawn = generate(recipe, 3, 0), parameters(recipe, 3, 0)
    dhr = item["dhr"].reshape(recipe.shape[0], -1)
    assert np.ptp(dhr, axis=1).max() < 1e-5
    # Deconvolve: the trace must be the wavelet of the drawn frequency times spikes.
    matrix = wavelet(drawn["wavelet"], drawn["frequency"] * 1.25, lags(recipe.shape[0])).astype(float)
    spikes = np.linalg.lstsq(matrix, dhr[:, 0].astype(float), rcond=1e-4)[0]
    np.testing.assert_allclose(matrix @ spikes, dhr[:, 0], atol=2e-3)
    # The image is the same log, seen by the drawn wavelet, blurred along flat layers: only edges feel that.
    low = wavelet(drawn["wavelet"], drawn["frequency"], lags(recipe.shape[0])) @ spikes
    middle = item["image"][(slice(8, -8), *(size // 2 for size in recipe.shape[1:]))]
    assert np.corrcoef(low[8:-8], middle)[0, 1] > 0.99


@pytest.mark.parametrize("recipe", recipes())
def test_rgt_of_a_flat_model_rises_linearly(recipe):
    rgt = generate(recipe, 3, 1)["rgt"]
    np.testing.assert_allclose(rgt.reshape(len(rgt), -1)[:, 0], np.linspace(0, 1, len(rgt)), atol=1e-5)


@pytest.mark.parametrize("recipe", recipes(random_height=(8.0, 8.0), slope=(6.0, 6.0)))
def test_rgt_is_constant_along_reflectors(recipe):
    item = generate(replace(recipe, wavelets=("ricker",)), 5, 0)
    rgt, dhr = (item[name].reshape(recipe.shape[0], -1) for name in ("rgt", "dhr"))
    assert np.ptp(rgt[36 % len(rgt)]) > 0.05  # the layers are folded
    # Read every column's amplitude at one age: along a reflector it is the same everywhere.
    ages = np.linspace(0.3, 0.7, 60)
    unfolded = np.array([np.interp(ages, age, trace) for age, trace in zip(rgt.T, dhr.T, strict=True)])
    assert unfolded.std(axis=0).mean() < 0.2 * unfolded.mean(axis=0).std()


@pytest.mark.parametrize("recipe", recipes(faults=(1.0, 1.0), displacement=(12.0, 12.0)))
def test_rgt_jumps_by_the_displacement_across_a_fault(recipe):
    recipe = replace(recipe, dip=(75.0, 75.0), rake=(90.0, 90.0), strike=(180.0, 180.0))
    rgt = generate(recipe, 1, 0)["rgt"].reshape(*recipe.shape[:2], -1)[..., 0]
    anchor = parameters(recipe, 1, 0)["units"][-1]["faults"][0]["anchor"]
    row = np.clip(int(anchor[0]), 15, recipe.shape[0] - 15)
    at = int(anchor[1] - (row - anchor[0]) / np.tan(np.radians(75)))
    slope = np.median(np.diff(rgt, axis=0))
    jump = (rgt[row, max(at - 6, 0)] - rgt[row, min(at + 6, recipe.shape[1] - 1)]) / slope
    # The first fault of every item moves its low side down, so rock there is younger.
    assert jump == pytest.approx(-12 * np.sin(np.radians(75)), abs=0.6)


def test_faults_end_at_unconformities_and_ages_do_not_overlap():
    recipe = Rgm2D(shape=(120, 90), unconformity_probability=1.0, unconformity_depth=(0.3, 0.35))
    item = generate(recipe, 2, 0)
    top = int(0.3 * 120) - 1
    assert item["fault_probability"][top:].any()
    assert not item["fault_probability"][:top].any()
    assert item["rgt"][:top].max() <= np.quantile(item["rgt"][60:], 0.05)


def test_units_above_an_unconformity_are_calmer_and_tilted_the_other_way():
    recipe = Rgm2D(unconformity_probability=1.0, gaussian_probability=0.5)
    for units in (parameters(recipe, 1, index)["units"] for index in range(12)):
        lowest = units[-1]["folding"]
        for upper in (unit["folding"] for unit in units[:-1]):
            assert upper["height"] == lowest["height"] / 2
            assert upper["growth"] == lowest["growth"] / 2
            assert upper["slope"] == tuple(-rise / 4 for rise in lowest["slope"])
            assert bool(upper["bumps"]) == bool(lowest["bumps"])
            assert all(bump["height"] <= upper["height"] for bump in upper["bumps"])


def test_regular_faults_have_the_dips_and_displacements_asked_for():
    recipe = Rgm2D(regular_probability=1.0, unconformity_probability=0.0, regular_dip=(50.0, 55.0))
    for index in range(8):
        faults = parameters(replace(recipe, regular_displacement=9.0), 1, index)["units"][-1]["faults"]
        assert {round(abs(fault["displacement"]) / 9) for fault in faults} == {1}
        dips = [min(fault["dip"], 180 - fault["dip"]) for fault in faults]
        assert min(dips) >= 50 * 0.95 - 7 and max(dips) <= 55 * 1.05 + 7


def test_images_fade_into_each_other_within_ten_samples_of_an_unconformity():
    upper, lower = np.ones((40, 3), np.float32), -np.ones((40, 3), np.float32)
    merged = _merged([upper, lower], [np.full(3, 20.0)])[:, 0]
    np.testing.assert_array_equal(merged[:15], 1)
    np.testing.assert_array_equal(merged[24:], -1)
    assert (np.diff(merged[14:25]) < 0).all() and merged[19] == pytest.approx(0, abs=1e-6)


def test_ages_of_an_eroded_unit_begin_where_those_above_end():
    rows = np.arange(10, dtype=np.float32)[:, None] * np.ones(4, np.float32)
    merged = _merged_ages([rows, rows * 2], [np.array([3.0, 4.0, 5.0, 4.0])])
    assert merged[2, 0] == 2 + (6 - 4)
    assert merged[3, 0] == 6


@pytest.mark.parametrize("cls", [Rgm2D, Rgm3D])
def test_half_sample_shift_moves_the_image_against_the_labels(cls):
    shape = (48, 40) if cls is Rgm2D else (48, 24, 24)
    usual, moved = (generate(cls(shape=shape, half_sample_shift=on), 4, 2) for on in (False, True))
    np.testing.assert_array_equal(usual["rgt"], moved["rgt"])
    np.testing.assert_array_equal(usual["fault_probability"], moved["fault_probability"])
    assert np.abs(usual["dhr"] - moved["dhr"]).max() > 0.1


def test_images_have_the_rms_of_the_recipe():
    for recipe in (Rgm2D(shape=(64, 48)), Rgm3D(shape=(40, 24, 24))):
        item = generate(recipe, 0, 0)
        for name in ("image", "dhr"):
            assert np.sqrt(np.mean(item[name] ** 2)) == pytest.approx(recipe.rms, rel=1e-4)


def test_noise_level_is_the_ratio_of_largest_values():
    from mtl_seismic.synth.noise import random_noise

    for kind in ("uniform", "normal", "exp"):
        noise = random_noise(np.random.default_rng(0), (30, 40), kind, (0, 2))
        assert np.abs(noise).max() == pytest.approx(1)
        assert abs(noise.mean()) < 1e-5


def test_gaussian_bumps_of_3d_lie_anywhere():
    recipe = Rgm3D(shape=(32, 64, 64), gaussian_probability=1.0)
    bumps = [bump for i in range(60) for bump in parameters(recipe, 0, i)["units"][0]["folding"]["bumps"]]
    centres = np.array([bump["centre"] for bump in bumps])
    assert 0 <= centres.min() < 10 and 54 < centres.max() <= 63
    assert abs(np.corrcoef(centres.T)[0, 1]) < 0.3


def test_choices_are_independent_of_each_other_and_of_the_item_number():
    drawn = [parameters(Rgm2D(), 9, i) for i in range(600)]
    even = np.array([i % 2 for i in range(600)])
    uniform = np.array([d["noise_kind"] == "uniform" for d in drawn])
    normal = np.array([d["normal_amplitudes"] for d in drawn])
    ricker = np.array([d["wavelet"] == "ricker" for d in drawn])
    for one, other in ((even, uniform), (normal, ricker), (uniform, normal)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.15


def test_distributions_of_the_published_recipe():
    drawn = [parameters(Rgm2D(), 1, i) for i in range(800)]
    units = [d["units"][-1] for d in drawn]
    counts = np.array([len(unit["faults"]) for unit in units])
    assert abs(np.mean([len(d["boundaries"]) > 0 for d in drawn]) - 0.2) < 0.05
    assert abs(np.mean([len(unit["folding"]["bumps"]) > 0 for unit in units]) - 0.25) < 0.05
    assert counts.min() == 1 and counts.max() <= 25
    assert np.mean(counts == 1) < 0.07  # nint: half as likely as an inner value
    layers = np.array([(d["layers"], d["frequency"]) for d in drawn])
    np.testing.assert_allclose(layers[:, 0], 20 + 40 * (layers[:, 1] - 100) / 80)


def test_normalising_nothing_gives_nothing():
    assert not normalised(np.zeros((3, 3), np.float32), 1.0).any()
    assert image(np.zeros((5, 5), np.float32), "ricker", 100, [1.0]).shape == (5, 5)
