"""Orientations of planes: one plane has one tensor, whatever the signs and turns of its angles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_seismic.heads.fault import DIP, PROBABILITY, STRIKE, Fault
from mtl_seismic.heads.orientation import components, from_tensor, normal, to_tensor
from mtl_seismic.stochastic.faults import Fault as SynthFault

DIPS, STRIKES = st.floats(1, 179), st.floats(0, 179.99)


def angle(value):
    return torch.full((1, 1, 1, 1), float(value), dtype=torch.float32)


def turn(found, expected):
    """Degrees between two axial angles."""
    difference = abs(float(found) - float(expected)) % 180
    return min(difference, 180 - difference)


def plane_turn(one, other):
    """Degrees between two planes, from (dip, strike) each."""
    normals = [
        normal(*(None if a is None else torch.as_tensor(a, dtype=torch.float64).view(1, 1, 1) for a in plane))
        for plane in (one, other)
    ]
    cosine = (normals[0] * normals[1]).sum(1).abs().clamp(max=1)
    return float(torch.rad2deg(torch.acos(cosine)))


@given(st.floats(0, 179.99))
def test_dip_comes_back_in_2d(dip):
    found, strike = from_tensor(to_tensor(angle(dip), None))
    assert strike is None
    assert turn(found, dip) < 0.02
    assert 0 <= float(found) < 180


@given(DIPS, STRIKES)
def test_dip_and_strike_come_back_in_3d(dip, strike):
    found_dip, found_strike = from_tensor(to_tensor(angle(dip), angle(strike)))
    assert 0 <= float(found_dip) < 180
    assert 0 <= float(found_strike) < 180
    assert plane_turn((found_dip, found_strike), (dip, strike)) < 0.1
    if 1 < strike < 179:
        assert turn(found_dip, dip) < 0.05
        assert abs(float(found_strike) - strike) < 2 / np.sin(np.radians(dip))


@pytest.mark.parametrize("dip", [20, 60, 90, 135, 170])
@pytest.mark.parametrize("strike", [0, 90, 179])
def test_special_angles_come_back(dip, strike):
    found_dip, found_strike = from_tensor(to_tensor(angle(dip), angle(strike)))
    assert (float(found_dip), float(found_strike)) == pytest.approx((dip, strike), abs=0.02)


@given(DIPS, STRIKES)
def test_strike_and_dip_wrap_together(dip, strike):
    one = to_tensor(angle(dip), angle(strike))
    for turned in (strike + 180, strike - 180):
        assert torch.allclose(one, to_tensor(angle(180 - dip), angle(turned)), atol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_strike_of_zero_keeps_its_dip_whatever_the_sign_of_the_normal(sign, zero):
    # n = (-cos d, sin d, 0) is strike 0, dip d.
    n = torch.tensor([-np.cos(np.radians(40)), np.sin(np.radians(40)), zero], dtype=torch.float32) * sign
    rows, columns = torch.triu_indices(3, 3)
    tensor = (n[rows] * n[columns]).view(1, 6, 1, 1, 1)
    for given_tensor in (tensor, -tensor):
        dip, strike = from_tensor(given_tensor)
        assert (float(dip), float(strike)) == pytest.approx((40, 0), abs=1e-3)


@pytest.mark.parametrize("tensor", [0.0, 1e-20, np.inf])
@pytest.mark.parametrize("ndim", [2, 3])
def test_a_tensor_without_direction_still_gives_an_angle(ndim, tensor):
    if tensor == np.inf:
        tensor = 1e15
    dip, strike = from_tensor(torch.full((1, components(ndim), *[2] * ndim), tensor))
    for found in (dip, strike):
        assert found is None or bool(((found >= 0) & (found < 180)).all())


def test_the_mean_of_1_and_179_degrees_is_0_and_not_90():
    planes = [{PROBABILITY: np.ones((2, 2), np.float32), DIP: np.full((2, 2), dip, np.float32)} for dip in (1, 179)]
    merged = Fault().merge(planes)
    assert all(turn(value, 0) < 0.01 for value in merged[DIP].flat)
    assert (merged[PROBABILITY] == 1).all()


def test_the_mean_of_strikes_across_zero_keeps_the_plane():
    """Strike 1 dip 60 and strike 179 dip 120 are nearly one plane."""
    one, shape = np.ones((2, 2, 2), np.float32), (2, 2, 2)
    planes = [
        {PROBABILITY: one, DIP: np.full(shape, dip, np.float32), STRIKE: np.full(shape, strike, np.float32)}
        for dip, strike in ((60, 1), (120, 179))
    ]
    merged = Fault().merge(planes)
    assert plane_turn((merged[DIP][0, 0, 0], merged[STRIKE][0, 0, 0]), (60, 0)) < 0.05


def test_probable_faults_count_more_in_a_mean():
    planes = [
        {PROBABILITY: np.full((1, 1), p, np.float32), DIP: np.full((1, 1), dip, np.float32)}
        for p, dip in ((0.9, 50), (0.01, 120))
    ]
    assert abs(float(Fault().merge(planes)[DIP][0, 0]) - 50) < 2


@given(st.sampled_from([2, 3]), DIPS, STRIKES)
def test_declared_mirrors_are_those_of_the_planes_normal(ndim, dip, strike):
    outputs = {output.name: output for output in Fault().outputs_in(ndim)}
    given_strike = strike if ndim == 3 else None
    one = SynthFault(dip, 1.0, (0.0,) * ndim, *(() if given_strike is None else (given_strike,))).normal()
    for axis in range(ndim):
        mirrored = np.array(one)
        mirrored[axis] *= -1
        new_dip = outputs[DIP].mirror(np.float64(dip), axis, ndim)
        new_strike = None if ndim == 2 else outputs[STRIKE].mirror(np.float64(strike), axis, ndim)
        found = normal(
            *(None if a is None else torch.tensor([[[float(a)]]], dtype=torch.float64) for a in (new_dip, new_strike))
        )
        assert abs(float(np.dot(found.flatten().numpy(), mirrored))) == pytest.approx(1, abs=1e-9), axis


@pytest.mark.parametrize(("ndim", "dip", "strike"), [(2, 60, None), (2, 125, None), (3, 60, 30), (3, 110, 140)])
def test_mirroring_a_volume_with_a_plane_in_it(ndim, dip, strike):
    """The plane is found again in the mirrored volume by its samples, not by its angles."""
    shape, middle = (41,) * ndim, 20
    plane = SynthFault(dip, 1.0, (middle,) * ndim, *(() if strike is None else (strike,)))
    grid = np.stack(np.meshgrid(*(np.arange(n) - middle for n in shape), indexing="ij"), -1)
    on_plane = np.abs(grid @ plane.normal()) < 0.8
    outputs = {output.name: output for output in Fault().outputs_in(ndim)}
    for axis in range(ndim):
        points = grid[np.flip(on_plane, axis)].astype(float)
        seen = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][-1]
        angles = [
            outputs[DIP].mirror(dip, axis, ndim),
            None if strike is None else outputs[STRIKE].mirror(strike, axis, ndim),
        ]
        found = normal(*(None if a is None else torch.tensor([[[float(a)]]], dtype=torch.float64) for a in angles))
        assert abs(float(np.dot(found.flatten().numpy(), seen))) > np.cos(np.radians(1.5))


@pytest.mark.parametrize("ndim", [2, 3])
def test_head_and_decode_give_fields_in_their_ranges(ndim):
    task = Fault()
    raw = task.head(5, ndim)(torch.randn(1, 5, *[6] * ndim) * 10)
    fields = task.decode(raw)
    for output in task.outputs_in(ndim):
        low, high = output.range
        assert fields[output.name].shape == (1, 1, *[6] * ndim)
        assert bool(((fields[output.name] >= low) & (fields[output.name] <= high)).all())


@pytest.mark.parametrize("variant", ["default", "reference"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_refinement_reads_angles_only_where_there_may_be_a_fault(variant, ndim):
    task = Fault(variant=variant)
    fields = {output.name: torch.rand(1, 1, *[4] * ndim) * output.range[1] for output in task.outputs_in(ndim)}
    fields[PROBABILITY].zero_()
    assert all(float(channel.abs().max()) == 0 for channel in task.encode(fields).values())
