"""Images of other sampling than those of the training are resampled for the network, and fields sampled back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_seismic.heads.rgt import RGT
from mtlcore.errors import OptionError
from mtlcore.inference.averaging import spread_output
from mtlcore.inference.chain import Chain
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.resampling import resample
from mtlcore.inference.sampling import dominant_period, rows_by_period, shape_to_see, typical_periods
from mtlcore.model.model import Model
from mtlcore.plugin.outputs import Output


def waves(rows, period, traces=6):
    phase = np.arange(traces) * 0.7
    return np.sin(2 * np.pi * (np.arange(rows)[:, None] + 0.5) / period + phase).astype(np.float32)


@pytest.mark.parametrize("period", [4.0, 8.0, 20.0])
def test_the_period_of_a_wave_is_found(period):
    assert dominant_period(waves(200, period)) == pytest.approx(period, rel=0.05)
    assert dominant_period(waves(200, period) * 1e-20) == pytest.approx(period, rel=0.05)


def test_a_constant_image_has_no_period_and_is_left_as_it_is():
    assert dominant_period(np.ones((50, 4), np.float32)) == np.inf
    assert shape_to_see(np.ones((50, 4), np.float32), (5.0, 9.0), None) == (50, 4)


@pytest.mark.parametrize(
    ("period", "expected"),
    [(7.0, 240), (10.0, 240), (14.0, 115), (28.0, 57), (2.6, 480)],
)
def test_only_periods_far_from_those_known_ask_for_other_rows(period, expected):
    rows = rows_by_period(waves(240, period), (5.0, 9.0))
    assert rows == pytest.approx(expected, rel=0.08)


def test_a_model_that_knows_no_periods_sees_images_as_they_are_and_a_scale_overrules_all():
    assert shape_to_see(waves(240, 30), None, None) == (240, 6)
    assert shape_to_see(waves(240, 30), (5.0, 9.0), 1.0) == (240, 6)
    assert shape_to_see(waves(240, 7), (5.0, 9.0), 0.5) == (120, 6)
    assert shape_to_see(waves(240, 7), (5.0, 9.0), (0.5, 3.0)) == (120, 18)
    with pytest.raises(
        OptionError, match=r"scale is 1\.0,2\.0,2\.0, and the image has 2 axes: expected a factor for each"
    ):
        shape_to_see(waves(240, 7), None, (1.0, 2.0, 2.0))
    for wrong in (0.0, (1.0, 99.0)):
        with pytest.raises(OptionError, match=r"expected factors from 1/16 to 16"):
            InferOptions(scale=wrong)


@settings(max_examples=30)
@given(st.integers(8, 60), st.floats(1, 3))
def test_waves_that_are_resampled_more_finely_and_back_are_the_same(rows, factor):
    values = np.random.default_rng(rows).standard_normal((rows, 3)).astype(np.float32)
    output = Output("dhr", amplitude=True)
    finer = resample(output, values, (round(rows * factor), 3))
    assert np.allclose(resample(output, finer, (rows, 3)), values, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 1.5, 0.5])
def test_waves_keep_their_places_and_amplitudes(factor):
    found = resample(Output("dhr", amplitude=True), waves(100, 10), (round(100 * factor), 6))
    away = round(20 * factor)
    assert np.abs(found - waves(round(100 * factor), 10 * factor))[away:-away].max() < 0.05


def test_spreads_of_amplitudes_stay_above_0_and_time_increases_to_its_ends():
    spread = np.zeros((20, 3), np.float32)
    spread[9] = 1
    assert (resample(spread_output(Output("dhr", amplitude=True)), spread, (57, 3)) >= 0).all()
    time = np.linspace(0, 1, 32, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)
    finer = resample(RGT().outputs[0], time, (256, 3))
    assert (np.diff(finer, axis=0) > 0).all()
    assert (finer.min(), finer.max()) == (0, 1)


def test_decay_that_looks_like_a_long_period_does_not_shrink_the_image_to_nothing():
    image = waves(256, 8) * np.exp(-np.arange(256) / 4)[:, None]
    assert rows_by_period(image.astype(np.float32), (5.0, 9.0)) >= 32


def test_probabilities_stay_probabilities_and_angles_are_never_averaged():
    field = np.zeros((20, 3), np.float32)
    field[10:] = 1
    smooth = resample(Output("p"), field, (50, 3))
    assert smooth.shape == (50, 3)
    assert (smooth >= 0).all() and (smooth <= 1).all()
    assert (np.diff(smooth, axis=0) >= 0).all()
    angles = np.where(field > 0, 179, 1).astype(np.float32)
    assert set(np.unique(resample(Output("a", merge="axial"), angles, (33, 3)))) == {1.0, 179.0}


def test_fields_come_back_on_the_images_rows_and_dips_are_those_of_its_samples(make_model, make_image):
    """A network that sees every image with half the rows gives, up to interpolation, what it gives of that image."""
    model = make_model(tasks=("dhr", "fault"))
    image = make_image((64, 40))
    whole = Chain.of([model], options=InferOptions(scale=0.5)).run(image)
    assert whole.seen == (32, 40)
    assert {values.shape for values in whole.fields.values()} == {(64, 40)}
    seen = model.predict(resample(Output("image", amplitude=True), image, (32, 40)))
    assert np.allclose(whole.fields["fault_probability"][::2], seen["fault_probability"], atol=0.2)
    tangent = np.tan(np.deg2rad(whole.fields["fault_dip"][::2])), np.tan(np.deg2rad(seen["fault_dip"]))
    steep = np.abs(tangent[1]) < 50
    assert np.median(np.abs(tangent[0] / tangent[1])[steep & (np.abs(tangent[1]) > 1e-2)]) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("ndim", [2, 3])
def test_fields_come_back_on_the_images_traces_whatever_traces_were_seen(make_model, make_image, ndim):
    """Nothing is lost where nothing was resampled, and what was comes back in place."""
    model = make_model(tasks=("dhr", "rgt", "fault"), ndim=ndim)
    image = make_image((24, 20, 18)[:ndim])
    scale = (1.0, 2.0, 0.5)[:ndim]
    found = Chain.of([model], options=InferOptions(scale=scale)).run(image)
    assert found.seen == (24, 40, 9)[:ndim]
    seen = model.predict(resample(Output("image", amplitude=True), image, found.seen))
    assert {values.shape for values in found.fields.values()} == {image.shape}
    assert found.fields["fault_probability"].max() <= seen["fault_probability"].max()
    if ndim == 2:  # the greatest of the two traces that one became
        pairs = seen["fault_probability"].reshape(24, 20, 2).max(2)
        assert np.allclose(found.fields["fault_probability"], pairs, atol=1e-5)
    as_it_is = Chain.of([model], options=InferOptions(scale=(1.0,) * ndim)).run(image).fields
    assert all(np.array_equal(values, as_it_is[name]) for name, values in model.predict(image).items())


def test_a_models_periods_decide_and_dead_traces_stay_dead(make_model):
    model = make_model(tasks=("dhr",))
    known = Model(replace(model.config, periods=(5.0, 9.0)), parts_of(model), model.net)
    image = waves(96, 16, 24)
    image[:, 4] = 0
    found = Chain.of([known]).run(image)
    assert found.seen[0] == pytest.approx(96 * np.sqrt(45) / 16, rel=0.1)
    assert (found.fields["dhr"][:, 4] == 0).all()
    assert found.fields["dhr"].any()


def parts_of(model):
    from mtlcore.model.model import Parts

    return Parts(model.stage, model.backbone, model.tasks)


def test_training_writes_down_the_periods_of_its_data():
    class Items(list):
        shape = (128, 6)

    items = Items({"image": waves(128, period)} for period in np.linspace(6, 12, 40))
    low, high = typical_periods(items)
    assert 5.5 < low < 7
    assert 11 < high < 12.5
    assert typical_periods(Items([{"image": np.zeros((20, 4), np.float32)}])) is None
