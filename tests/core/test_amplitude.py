"""Amplitudes of any scale, dead traces, spikes and values that are not finite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlcore.inference import amplitude
from mtlcore.inference.amplitude import balance, prepare
from mtlcore.inference.chain import Chain
from mtlcore.inference.infer import InferOptions


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 7.0, 1e12, 1e30])
def test_predictions_do_not_depend_on_the_amplitude_scale(make_model, make_image, scale):
    model, image = make_model(), make_image((48, 40))
    expected, found = model.predict(image), model.predict((image * scale).astype(np.float32))
    for name, values in expected.items():
        factor = scale if name == "dhr" else 1
        largest = np.abs(values.astype(np.float64)).max() * factor
        assert np.abs(found[name].astype(np.float64) - values.astype(np.float64) * factor).max() < 1e-4 * largest


@given(st.floats(1e-200, 1e200), st.integers(0, 2**32 - 1))
def test_an_image_of_any_scale_is_normalised_to_the_level(scale, seed):
    image = np.random.default_rng(seed).standard_normal((20, 10)) * scale
    prepared = prepare(image, level=0.3)
    assert np.sqrt(np.mean(prepared.image.astype(np.float64) ** 2)) == pytest.approx(0.3, rel=1e-4)
    assert np.allclose(prepared.image * np.float64(prepared.scale), image, rtol=1e-5, atol=scale * 1e-6)


def test_the_chunks_of_a_large_volume_do_not_change_the_answer(make_image, monkeypatch):
    image = make_image((50, 7, 6))
    image[3, 2, 1], image[:, 0, 0], image[9, 5, 5] = np.nan, 4, 1e9
    whole = prepare(image)
    monkeypatch.setattr(amplitude, "CHUNK", 100)
    parts = prepare(image)
    assert np.array_equal(parts.image, whole.image)
    assert np.array_equal(parts.dead, whole.dead)
    assert parts.scale == pytest.approx(whole.scale, rel=1e-12)


def changed(where, value):
    image = np.random.default_rng(0).standard_normal((40, 36)).astype(np.float32)
    image[where] = value
    return image


def constant_trace_with_a_gap():
    image = changed(np.s_[:, 3], 5)
    image[7, 3] = np.nan
    return image


BROKEN = {
    # image; dead traces, samples that are not finite, dead samples
    "dead traces": (changed(np.s_[:, 3:6], 0), 3, 0, 120),
    "constant trace": (changed(np.s_[:, 3], 5), 1, 0, 40),
    "constant trace with a gap": (constant_trace_with_a_gap(), 1, 1, 40),
    "nan trace": (changed(np.s_[:, 3], np.nan), 1, 40, 40),
    "constant image": (changed(np.s_[:, :], 2.5), 36, 0, 1440),
    "zero image": (changed(np.s_[:, :], 0), 36, 0, 1440),
    "nan image": (changed(np.s_[:, :], np.nan), 36, 1440, 1440),
    "infinities": (changed(np.s_[5:7, 8], np.inf), 0, 2, 2),
    "minus infinity": (changed(np.s_[5, 8], -np.inf), 0, 1, 1),
    "spike": (changed(np.s_[5, 8], 1e30), 0, 0, 0),
    "spike in a faint image": (changed(np.s_[5, 8], 1e38) * np.float32(1e-25), 0, 0, 0),
    "largest number": (changed(np.s_[5, 8], np.finfo(np.float32).max), 0, 0, 0),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_images_give_finite_fields_that_are_0_where_dead(make_model, kind):
    image, dead_traces, not_finite, dead = BROKEN[kind]
    prepared = prepare(image)
    assert prepared.report == {"traces": 36, "dead_traces": dead_traces, "not_finite_samples": not_finite}
    assert prepared.dead.sum() == dead
    assert np.isfinite(prepared.image).all()
    for name, values in make_model().predict(image).items():
        assert np.isfinite(values).all(), name
        assert (values[prepared.dead] == 0).all(), name


def test_a_spike_does_not_change_the_scale_of_the_rest(make_image):
    image = make_image((60, 50))
    spiked = image.copy()
    spiked[30, 20] = 1e20
    assert prepare(spiked).scale == pytest.approx(prepare(image).scale, rel=0.01)
    assert np.abs(prepare(spiked).image).max() == amplitude.GREATEST


def test_traces_that_do_not_exist_are_dead(make_model, make_image):
    from mtlcore.inference.chain import Chain

    image, live = make_image((30, 20)), np.ones(20, bool)
    live[4:7] = False
    result = Chain.of([make_model()]).run(image, live=live)
    assert result.statistics.report["dead_traces"] == 3
    assert all((values[:, ~live] == 0).all() and (values[:, live] != 0).any() for values in result.fields.values())


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint8, np.float16, np.float64, ">f4"])
def test_any_element_type_is_taken(make_image, kind):
    image = (make_image((20, 10)) * 20 + 100).astype(kind)
    assert np.allclose(prepare(image).image, prepare(image.astype(np.float32)).image, atol=1e-4)


def test_the_image_given_is_not_changed(make_model, make_image):
    image = make_image((24, 20))
    image[3, 4] = np.nan
    before = image.copy()
    make_model().predict(image)
    assert np.array_equal(image, before, equal_nan=True)


@pytest.mark.parametrize("shape", [(200, 30), (120, 16, 12)])
def test_decay_along_depth_is_evened_out_and_put_back(shape):
    image = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    decay = np.exp(-np.linspace(0, 3, shape[0])).reshape(-1, *[1] * (len(shape) - 1)).astype(np.float32)
    even, uneven = balance(prepare(image)), balance(prepare(image * decay))
    assert even.gain == 1.0
    rows = np.sqrt((uneven.image.reshape(shape[0], -1) ** 2).mean(1))
    assert rows[10:-10].max() / rows[10:-10].min() < 3  # it was 20
    assert np.sqrt((uneven.image**2).mean()) == pytest.approx(1, rel=0.05)
    assert np.allclose(uneven.image * uneven.scale * uneven.gain, image * decay, rtol=1e-4, atol=1e-6)


def test_what_is_all_but_empty_is_not_made_loud():
    image = np.random.default_rng(0).standard_normal((300, 20)).astype(np.float32)
    image[:120] *= 1e-6
    found = balance(prepare(image))
    assert np.abs(found.image[:50]).max() < 1e-3
    assert np.isfinite(balance(prepare(np.zeros((40, 6), np.float32))).image).all()


def test_results_of_an_image_that_decays_are_those_of_one_that_does_not(make_model, make_image):
    image = make_image((120, 40))
    decay = np.exp(-np.linspace(0, 4, 120, dtype=np.float32))[:, None]
    model = make_model(tasks=("dhr", "fault"))
    plain = model.predict(image)
    options = InferOptions(balance=False)
    found, left = model.predict(image * decay), Chain.of([model], options=options).run(image * decay).fields
    for name, factor in (("fault_probability", 1), ("dhr", decay)):
        errors = [np.abs(fields[name] / factor - plain[name])[20:-20].mean() for fields in (found, left)]
        assert errors[0] < 0.5 * errors[1], name


@pytest.mark.parametrize("offset", [1000.0, -3.0])
def test_an_offset_is_taken_off_for_the_network_and_kept_by_amplitudes(make_model, make_image, offset):
    image, options = make_image((24, 20)), InferOptions(uncertainty=True)
    image[5:8, 3], image[:, 9] = np.nan, 0  # unknown samples and a dead trace
    live = np.isfinite(image) & (np.arange(20) != 9)
    image[live] -= np.median(image[live])
    chain = Chain.of([make_model(), make_model(stage="mtr")], options=options)
    plain = chain.run(image).fields
    shifted = (image + np.float32(offset)).astype(np.float32)
    shifted[:, 9] = 0
    found = chain.run(shifted).fields
    assert np.allclose(found["dhr"][live], plain["dhr"][live] + offset, atol=0.02)
    assert np.allclose(found["dhr_uncertainty"], plain["dhr_uncertainty"], atol=0.02)
    assert not found["dhr"][~live].any()
    alone = Chain.of([make_model(stage="mtr")]).run(shifted, fields={k: v for k, v in found.items() if "unc" not in k})
    assert abs(alone.fields["dhr"][live].mean() - offset) < 1.5


def test_images_of_8_bits_lie_around_0_for_the_network(make_image):
    image = np.clip(128 + 40 * make_image((60, 40)), 0, 255).astype(np.uint8)
    prepared = prepare(image)
    assert prepared.offset == pytest.approx(128, abs=3)
    assert abs(prepared.image.mean()) < 0.1
    assert np.sqrt(np.mean(prepared.image**2)) == pytest.approx(1, rel=1e-3)
    assert prepare(make_image((60, 40)) + 0.3).offset == 0  # a little is no offset
