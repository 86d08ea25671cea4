"""Items of the field recipes: labels agree with the image, and each effect does what its option says."""

from dataclasses import replace

import numpy as np
import pytest

from mtl_seismic.stochastic.draws import stream
from mtl_seismic.synth import Field2D, Field3D, generate, parameters
from mtl_seismic.synth.field import stacked_ages
from mtl_seismic.synth.recording import halo, imaging_matrix, processed, wavelet, with_noise
from mtl_seismic.synth.restore import interpolated, structure
from mtl_seismic.synth.spacing import draw
from mtl_seismic.synth.stratigraphy import FINENESS, column

SIMPLE = {
    "faults": (0.0, 0.0),
    "tilt": (0.0, 0.0),
    "fold_height": (0.0, 0.0),
    "fold_growth": (0.0, 0.0),
    "rugosity": (0.0, 0.0),
    "unconformities": (0.0, 0.0),
    "channels": (0.0, 0.0),
    "lateral_change": (0.0, 0.0),
    "random_noise": (0.0, 0.0),
    "coherent_noise": (0.0, 0.0),
    "lateral_gain": (0.0, 0.0),
    "gain": (0.0, 0.0),
    "footprint_probability": 0.0,
    "mute_probability": 0.0,
    "washout": (0.0, 0.0),
    "period_growth": (0.0, 0.0),
}
SHAPES = {Field2D: (90, 50), Field3D: (60, 24, 28)}


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.mark.parametrize("cls", SHAPES)
def test_a_flat_model_is_the_convolution_of_its_column(cls):
    recipe = cls(shape=SHAPES[cls], **SIMPLE)
    item, draws = generate(recipe, 1, 0), draw(recipe, 1, 0)
    beyond, size = halo(draws.acquisition), recipe.shape[0]
    rows = size + 2 * beyond
    log = column(draws, 2 * rows, stream(1, 0, "rock"))[0]
    at = ((np.arange(-beyond, size + beyond) + 0.5 * rows) * FINENESS).astype(int)
    trace = imaging_matrix(draws.acquisition, size, 1.25, draws.acquisition.phase) @ np.diff(log[at])
    expected = trace / rms(trace) * recipe.rms
    dhr = item["dhr"].reshape(size, -1)
    assert np.ptp(dhr, axis=1).max() < 1e-4
    np.testing.assert_allclose(dhr[:, 0], expected, atol=1e-3)
    np.testing.assert_allclose(item["rgt"].reshape(size, -1)[:, 0], np.linspace(0, 1, size), atol=1e-5)


@pytest.mark.parametrize("cls", SHAPES)
def test_rgt_is_constant_along_reflectors(cls):
    folded = SIMPLE | {"fold_height": (0.1, 0.1), "tilt": (0.05, 0.05), "rugosity": (2.0, 2.0), "period": (9.0, 9.0)}
    item = generate(cls(shape=SHAPES[cls], **folded), 1, 2)
    rgt, dhr = (item[name].reshape(len(item[name]), -1) for name in ("rgt", "dhr"))
    assert np.ptp(rgt[30]) > 0.03  # the layers are folded
    ages = np.linspace(0.35, 0.65, 60)
    unfolded = np.array([np.interp(ages, age, trace) for age, trace in zip(rgt.T, dhr.T, strict=True)])
    assert unfolded.std(axis=0).mean() < 0.15 * unfolded.mean(axis=0).std()


def test_layers_onlap_an_unconformity_or_drape_it():
    relief = {"unconformities": (1.0, 1.0), "unconformity_depth": (0.5, 0.5), "unconformity_relief": (0.2, 0.2)}
    for drape in (0.0, 1.0):
        recipe = Field2D(shape=(120, 100), **SIMPLE | relief | {"drape": (drape, drape)})
        item = generate(recipe, 3, 1)
        surface = structure(draw(recipe, 3, 1), recipe, stream(3, 1, "relief")).reliefs[0].surface
        just_above = item["rgt"][np.ceil(surface).astype(int) - 1, np.arange(100)]
        # Where layers end against the surface, ages above it vary with its depth; where they follow it, hardly.
        assert (np.ptp(just_above) > 0.1) == (drape == 0.0)
        assert (np.ptp(item["rgt"][30]) < 1e-5) == (drape == 0.0)


def test_ages_of_stages_are_stacked_without_overlap():
    deposit = np.array([[0, 0], [5, 5], [3, 1], [9, 8]], np.float32)
    stage = np.array([[0, 0], [0, 0], [1, 1], [1, 1]])
    np.testing.assert_array_equal(stacked_ages(deposit, stage), [[0, 0], [5, 5], [7, 5], [13, 12]])


def test_ages_rise_with_depth_where_nothing_is_reversed():
    recipe = Field2D(shape=(128, 110), reverse_probability=0.0)
    for index in range(6):
        assert (np.diff(generate(recipe, 8, index)["rgt"], axis=0) < -1e-6).mean() < 0.002


def test_frequency_falls_with_depth():
    recipe = Field2D(shape=(256, 64), **SIMPLE | {"period_growth": (1.0, 1.0), "period": (5.0, 5.0)})
    dhr = generate(recipe, 0, 0)["dhr"][:, 0]

    def mean_frequency(part):
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
        return (power * np.fft.rfftfreq(len(part))).sum() / power.sum()

    assert mean_frequency(dhr[:100]) > 1.25 * mean_frequency(dhr[-100:])


def test_phase_turns_the_wavelet():
    acquisition = draw(Field2D(), 0, 0).acquisition
    times = np.linspace(-2.5, 2.5, 201)
    zero, quarter, half = (wavelet(acquisition, times, phase, 2.0) for phase in (0, 90, 180))
    np.testing.assert_allclose(zero, zero[::-1], atol=1e-9)
    np.testing.assert_allclose(quarter, -quarter[::-1], atol=1e-9)
    np.testing.assert_allclose(half, -zero, atol=1e-9)
    assert zero.argmax() == 100


@pytest.mark.parametrize("spectrum", ["ricker", "flat"])
def test_nothing_is_imaged_beyond_the_highest_frequency(spectrum):
    acquisition = replace(draw(Field2D(), 0, 0).acquisition, spectrum=spectrum, bandwidth=1.3)
    power = np.abs(np.fft.rfft(wavelet(acquisition, np.arange(-2.5, 2.5, 0.05), 0, 1.2))) ** 2
    assert power[np.fft.rfftfreq(100, 0.05) > 1.7].sum() < 0.01 * power.sum()


def test_dhr_can_be_zero_phase():
    turned = SIMPLE | {"phase": (90.0, 90.0)}
    plain, zero = (generate(Field2D(shape=(90, 40), zero_phase_dhr=on, **turned), 0, 0) for on in (False, True))
    assert abs(np.corrcoef(plain["dhr"].ravel(), zero["dhr"].ravel())[0, 1]) < 0.3
    np.testing.assert_array_equal(plain["image"], zero["image"])


@pytest.mark.parametrize("cls", SHAPES)
def test_noise_has_its_level(cls):
    acquisition = replace(draw(cls(), 0, 3).acquisition, random_noise=0.4, coherent_noise=0.0)
    signal = np.random.default_rng(0).standard_normal(SHAPES[cls]).astype(np.float32)
    matrix = imaging_matrix(acquisition, SHAPES[cls][0], 1.0, 0)
    noisy = with_noise(acquisition, signal, matrix, np.random.default_rng(1))
    assert rms(noisy - signal) == pytest.approx(0.4 * rms(signal), rel=0.01)


def test_coherent_noise_is_made_of_arcs_and_lines():
    recipe = Field2D(shape=(120, 100), arcs=(3.0, 3.0), line_sets=(1.0, 1.0))
    acquisition = replace(draw(recipe, 0, 0).acquisition, random_noise=0.0, coherent_noise=1.0)
    assert {event.radius > 0 for event in acquisition.events} == {True, False}
    signal = np.zeros(recipe.shape, np.float32)
    signal[::2] = 1
    matrix = imaging_matrix(acquisition, 120, 1.0, 0)
    noise = with_noise(acquisition, signal, matrix, np.random.default_rng(0)) - signal
    assert rms(noise) == pytest.approx(rms(signal), rel=0.01)
    assert np.mean(np.abs(noise) < 0.1 * np.abs(noise).max()) > 0.4  # events are few and thin


def test_gain_mute_and_footprint_change_amplitude():
    plain = replace(
        draw(Field2D(), 0, 0).acquisition, gain=0.0, lateral_gain=0.0, footprint=0.0, mute_depth=0.0, mute_slope=0.0
    )
    ones, rng = np.ones((100, 60), np.float32), np.random.default_rng(0)
    np.testing.assert_allclose(processed(plain, ones, rng), ones)
    gained = processed(replace(plain, gain=1.0), ones, rng)
    assert gained[-1, 0] / gained[0, 0] == pytest.approx(np.e, rel=1e-3)
    muted = processed(replace(plain, mute_depth=10.0), ones, rng)
    assert not muted[:10].any() and muted[15:].all()
    striped = processed(replace(plain, footprint=0.3, footprint_wavelength=(10.0,)), ones, rng)
    assert striped[0].std() > 4 * striped[-1].std() > 0
    assert processed(replace(plain, lateral_gain=0.4), ones, rng)[0].std() > 0.05


def test_amplitude_is_washed_out_near_faults():
    faulted = SIMPLE | {"faults": (8.0, 8.0), "washout_width": (5.0, 5.0), "drag": (0.0, 0.0), "blur": (0.3, 0.3)}
    clear, washed = (generate(Field2D(shape=(128, 128), **faulted | {"washout": (w, w)}), 2, 1) for w in (0.0, 1.0))
    fault = clear["fault_probability"] > 0
    ratio = rms(washed["image"][fault]) / rms(clear["image"][fault])
    assert ratio < 0.8
    np.testing.assert_array_equal(clear["dhr"], washed["dhr"])


def test_channels_and_lateral_change_alter_the_image_along_layers():
    flat = Field2D(shape=(90, 120), **SIMPLE)
    for change in ({"channels": (3.0, 3.0)}, {"lateral_change": (0.8, 0.8)}):
        dhr = generate(replace(flat, **change), 1, 0)["dhr"]
        assert dhr.std(axis=1).max() > 0.05
        assert np.ptp(generate(replace(flat, **change), 1, 0)["rgt"], axis=1).max() < 1e-6


def test_reflectivity_rises_with_frequency():
    recipe = Field2D(bed_thickness=(0.2, 0.2), period=(5.0, 5.0))
    log = column(draw(recipe, 0, 0), 4096, np.random.default_rng(0))[0][::FINENESS]
    power = np.abs(np.fft.rfft(np.diff(log))) ** 2
    low, middle = power[20:200].mean(), power[400:1000].mean()
    assert middle > 3 * low


def test_maps_are_interpolated_linearly_and_level_beyond_their_edges():
    line = np.array([0.0, 2.0, 6.0], np.float32)
    at = np.array([-3.0, 0.5, 1.25, 2.0, 9.0], np.float32)
    np.testing.assert_allclose(interpolated([line], [at])[0], [0, 1, 3, 6, 6])
    plane = np.add.outer(np.arange(5), 10 * np.arange(4)).astype(np.float32)
    x, y = np.array([0.5, 3.7], np.float32), np.array([1.5, 2.25], np.float32)
    np.testing.assert_allclose(interpolated([plane], [x, y])[0], x + 10 * y, rtol=1e-6)


def test_old_faults_end_at_unconformities():
    options = {"unconformities": (1.0, 1.0), "old_fault_probability": 1.0, "faults": (14.0, 14.0)}
    recipe = Field2D(shape=(128, 128), **SIMPLE | options)
    for index in range(8):
        stages = parameters(recipe, 1, index)["stages"]
        if not stages[0]["faults"]:
            above = int(stages[0]["base"] - stages[0]["relief"] / 2) - 1
            fault = generate(recipe, 1, index)["fault_probability"]
            assert fault.any() and not fault[:above].any()
    drawn = [parameters(Field2D(), 0, index)["stages"] for index in range(60)]
    assert {len(stages) for stages in drawn} == {1, 2, 3}
    assert any(stage["faults"] for stages in drawn for stage in stages[1:])
