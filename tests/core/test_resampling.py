"""Fields on other samplings of any axis: places, amplitudes and angles stay those of what was sampled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_seismic.heads.dhr import DHR
from mtl_seismic.heads.fault import Fault
from mtl_seismic.heads.rgt import RGT
from mtlcore.inference.averaging import spread_output
from mtlcore.inference.resampling import resample, resample_fields
from mtlcore.plugin.outputs import Output

OUTPUTS = {output.name: output for task in (DHR(), RGT(), Fault()) for output in task.outputs}
WAVE = Output("wave", amplitude=True)
LINE = Output("line", range=(0, 1), coarsened="maximum")
sizes = st.integers(2, 24)


def wave(shape, periods):
    """A wave whose samples are cells of a fixed extent: the same wave however finely it is sampled."""
    phase = sum(
        2 * np.pi * (axis + 0.5) / size * count
        for axis, size, count in zip(np.indices(shape), shape, periods, strict=True)
    )
    return np.cos(phase).astype(np.float32)


@pytest.mark.parametrize("shape", [(80, 60), (60, 90), (40, 45), (120, 30)])
def test_waves_keep_their_places_and_amplitudes_along_every_axis(shape):
    found = resample(WAVE, wave((60, 45), (6, 4)), shape)
    inside = tuple(slice(size // 5, -(size // 5)) for size in shape)
    assert np.abs(found - wave(shape, (6, 4)))[inside].max() < 0.05


def test_waves_in_three_dimensions():
    found = resample(WAVE, wave((30, 36, 32), (3, 4, 3)), (30, 18, 48))
    inside = (slice(None), slice(4, -4), slice(9, -9))
    assert np.abs(found - wave((30, 18, 48), (3, 4, 3)))[inside].max() < 0.06


@pytest.mark.parametrize("axis", [0, 1])
def test_what_fewer_samples_cannot_show_is_gone_and_not_folded_back(axis):
    """Anti-aliased: alternating samples have the highest frequency."""
    alternating = np.moveaxis(np.broadcast_to((-1.0) ** np.arange(64)[:, None], (64, 32)), 0, axis).astype(np.float32)
    shape = [32, 32]
    found = np.moveaxis(resample(WAVE, np.ascontiguousarray(alternating), shape), axis, 0)
    assert np.abs(found[8:-8]).max() < 0.05


@settings(max_examples=40)
@given(st.lists(sizes, min_size=2, max_size=3), st.data())
def test_more_finely_and_back_amplitudes_and_lines_are_the_same(shape, data):
    finer = [size * data.draw(st.integers(1, 3)) for size in shape]
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = random.standard_normal(shape).astype(np.float32)
    there = resample(WAVE, values, finer)
    assert np.allclose(resample(WAVE, there, shape), values, atol=1e-4)
    flags = (random.random(shape) > 0.7).astype(np.float32)
    back = resample(LINE, resample(LINE, flags, finer), shape)
    assert (back >= flags * 0.4).all()


@settings(max_examples=40)
@given(st.lists(sizes, min_size=2, max_size=3), st.data())
def test_fields_whose_sampling_stays_are_the_same_to_the_bit(shape, data):
    random = np.random.default_rng(0)
    names = [name for name, output in OUTPUTS.items() if len(shape) in output.ndims]
    fields = {name: random.random(shape).astype(np.float32) for name in names}
    same = resample_fields(OUTPUTS, fields, shape)
    assert all(same[name] is fields[name] for name in names)
    target = [data.draw(sizes) for _ in shape]
    assert {values.shape for values in resample_fields(OUTPUTS, fields, target).values()} == {tuple(target)}


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("factor", [0.5, 0.3, 0.21])
def test_a_thin_line_survives_any_coarsening(axis, factor):
    field = np.zeros((60, 60), np.float32)
    field[(slice(None),) * axis + (31,)] = 0.9
    shape = [60, 60]
    shape[axis] = round(60 * factor)
    found = resample(LINE, field, shape)
    assert np.allclose(found.max(axis), 0.9)
    assert (found > 0).sum(axis).max() == 1
    assert abs(int(found.argmax(axis).flat[0]) - 31.5 * factor + 0.5) <= 0.5 + 1e-6


def test_angles_are_those_of_the_sample_that_was_chosen():
    probability, dip = np.zeros((20, 40), np.float32), np.zeros((20, 40), np.float32)
    probability[:, 18], dip[:, 18] = 1, 90  # not in the middle of its cell of three
    found = resample_fields(OUTPUTS, {"fault_probability": probability, "fault_dip": dip}, (20, 13))
    on = found["fault_probability"] > 0.5
    assert on.any(axis=1).all()
    assert np.allclose(found["fault_dip"][on], 90)


def test_dips_of_a_section_are_those_of_its_samples():
    dip = np.full((12, 12), 60, np.float32)
    for shape in ((24, 12), (12, 24), (24, 6), (6, 6)):
        expected = np.tan(np.deg2rad(60)) * (shape[0] / 12) / (shape[1] / 12)
        found = resample_fields(OUTPUTS, {"fault_dip": dip}, shape)["fault_dip"]
        assert np.allclose(np.tan(np.deg2rad(found)), expected, rtol=1e-4)


def normal(dip, strike):
    d, s = np.radians([dip, strike])
    return np.array([-np.cos(d), np.sin(d) * np.cos(s), -np.sin(d) * np.sin(s)])


@given(st.floats(1, 179), st.floats(1, 179), st.tuples(*[st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.0])] * 3))
def test_planes_in_a_volume_turn_as_their_points_move(dip, strike, factors):
    shape = tuple(int(8 * factor) for factor in factors)
    fields = {"fault_dip": np.full((8, 8, 8), dip), "fault_strike": np.full((8, 8, 8), strike)}
    fields = {name: values.astype(np.float32) for name, values in fields.items()}
    found = resample_fields(OUTPUTS, fields, shape)
    new = normal(found["fault_dip"].flat[0], found["fault_strike"].flat[0])
    assert all(0 <= float(values.flat[0]) < 180 for values in found.values())
    random = np.random.default_rng(0)
    within = np.cross(random.standard_normal((5, 3)), normal(dip, strike))
    moved = within * factors
    assert np.allclose(moved / np.linalg.norm(moved, axis=1, keepdims=True) @ new, 0, atol=1e-3)


def test_time_increases_to_its_ends_and_spreads_in_samples_follow_depth_alone():
    time = np.linspace(0, 1, 32, dtype=np.float32)[:, None] * np.ones((1, 9), np.float32)
    time += np.linspace(0, 0.1, 9, dtype=np.float32)
    for shape in ((256, 9), (32, 40), (10, 4)):
        found = resample_fields(OUTPUTS, {"rgt": time}, shape)["rgt"]
        assert (np.diff(found, axis=0) > 0).all()
        assert (found.min(), found.max()) == (0, 1)
        assert (np.diff(found, axis=1) > 0).all()
    spread = spread_output(OUTPUTS["rgt"])
    assert np.allclose(resample(spread, np.ones((10, 6), np.float32), (20, 18)), 2)


def test_parts_that_are_worked_on_one_after_another_make_no_difference(monkeypatch):
    values = np.random.default_rng(0).standard_normal((30, 20, 25)).astype(np.float32)
    whole = resample(WAVE, values, (40, 31, 12))
    monkeypatch.setattr("mtlcore.inference.resampling.CHUNK", 700)
    assert np.allclose(resample(WAVE, values, (40, 31, 12)), whole, atol=1e-5)
