"""Labels of straight faults equal the geometry of what was drawn."""

import numpy as np
import pytest

from mtl_seismic.stochastic.faults import Fault, trace_back
from mtl_seismic.synth.labels import fault_labels


def plane_normal(mask):
    """Return the unit normal of the plane (or line) through a mask, depth component first."""
    points = np.argwhere(mask) - np.argwhere(mask).mean(axis=0)
    return np.linalg.svd(points, full_matrices=False)[2][-1]


@pytest.mark.parametrize("dip", [50, 75, 90, 110, 130])
def test_dip_in_2d_is_that_of_the_mask(dip):
    traced = trace_back([Fault(dip, 8, (60, 60))], 3, range(120), (120,))
    down, across = plane_normal(traced.number > 0)
    # The trace runs along (sin dip, -cos dip): below 90 degrees it dips towards low x.
    assert abs(down * np.sin(np.radians(dip)) - across * np.cos(np.radians(dip))) < 0.02


@pytest.mark.parametrize(("dip", "strike"), [(60, 20), (120, 20), (75, 100), (90, 150), (55, 179)])
def test_dip_and_strike_in_3d_are_those_of_the_mask(dip, strike):
    fault = Fault(dip, 8, (32, 32, 32), strike=strike, rake=60)
    normal = plane_normal(trace_back([fault], 3, range(64), (64, 64)).number > 0)
    d, s = np.radians([dip, strike])
    along_strike = np.array([0, np.sin(s), np.cos(s)])
    down_dip = np.array([np.sin(d), np.cos(d) * np.cos(s), -np.cos(d) * np.sin(s)])
    assert abs(normal @ along_strike) < 0.02
    assert abs(normal @ down_dip) < 0.02


@pytest.mark.parametrize("displacement", [-20, 12])
def test_depth_jumps_by_the_displacement_across_a_fault(displacement):
    traced = trace_back([Fault(70, displacement, (60, 60))], 3, range(120), (120,))
    low, high = traced.shift(0)[60, 10], traced.shift(0)[60, 110]
    assert high == 0
    assert low == pytest.approx(-displacement * np.sin(np.radians(70)), abs=0.5)


@pytest.mark.parametrize(("centred", "expected"), [(True, 1.5), (False, 2.5)])
def test_rock_is_torn_in_the_middle_of_the_label_or_at_its_edge(centred, expected):
    traced = trace_back([Fault(90, 10, (20, 30))], 3, range(40), (60,), centred)
    label = np.flatnonzero(traced.number[20])
    torn = np.flatnonzero(np.diff(traced.shift(0)[20]))[0] + 0.5
    assert label[-1] - torn == pytest.approx(expected)


def test_slip_in_3d_lies_in_the_fault_plane():
    fault = Fault(65, 40, (0, 0, 0), strike=33, rake=20)
    assert abs(fault.slip() @ fault.normal()) < 1
    assert np.linalg.norm(fault.slip()) == pytest.approx(40, abs=1)


def test_a_younger_fault_displaces_an_older_one():
    old, young = Fault(90, 10, (50, 40)), Fault(70, 20, (50, 45))
    number = trace_back([old, young], 3, range(100), (100,)).number
    upper, lower = (np.argwhere(number[rows] == 1)[:, 1].mean() for rows in (slice(0, 10), slice(90, 100)))
    assert upper == pytest.approx(lower + 20 * np.cos(np.radians(70)), abs=1)


def test_rows_can_be_traced_in_parts():
    faults = [Fault(60, 9, (20, 30, 30), 40, 70), Fault(110, -9, (30, 20, 20), 140, 90)]
    whole = trace_back(faults, 3, range(48), (40, 44)).number
    parts = [trace_back(faults, 3, range(start, start + 16), (40, 44)).number for start in (0, 16, 32)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_many_faults_keep_the_table_of_blocks_small():
    rng = np.random.default_rng(0)
    faults = [Fault(rng.uniform(50, 130), 5, tuple(rng.uniform(0, 64, 2))) for _ in range(30)]
    traced = trace_back(faults, 3, range(64), (64,))
    assert len(traced.shifts) <= 8192
    assert traced.block.max() < len(traced.shifts)


def test_labels_are_zero_off_faults_and_the_dip_on_them():
    faults = [Fault(60, 9, (20, 30, 30), 40, 70), Fault(110, -9, (30, 20, 20), 140, 90)]
    labels = fault_labels(np.array([[[0, 1, 2]]]), faults)
    np.testing.assert_array_equal(labels["fault_dip"], [[[0, 60, 110]]])
    np.testing.assert_array_equal(labels["fault_strike"], [[[0, 40, 140]]])
    np.testing.assert_array_equal(labels["fault_probability"], [[[0, 1, 1]]])
