"""Solutions of relative geological time are compared and averaged on one scale, in samples of depth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_seismic.heads.rgt import RGT
from mtl_seismic.heads.rgt_scale import depth_spread, match_scale


def dipping(shape, dip=0.2):
    depth, x = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape), indexing="ij")
    time = depth - dip * x
    return (time - time.min()) / (time.max() - time.min())


@given(st.floats(0.3, 3), st.floats(-0.3, 0.3))
def test_a_solution_on_another_scale_comes_back_to_the_references(exponent, dip):
    reference = dipping((80, 40), dip).astype(np.float32)
    other = (reference**exponent).astype(np.float32)
    found = match_scale(other, reference)
    inner = (reference > 0.15) & (reference < 0.9)
    assert np.abs(found - reference)[inner].max() < 0.015
    assert (np.diff(found, axis=0) >= 0).all()


def test_solutions_with_the_same_horizons_have_no_spread_whatever_their_scales():
    time = dipping((100, 30)).astype(np.float32)
    spread = RGT().spread([{"rgt": time}, {"rgt": time**2}])["rgt"]
    assert np.median(spread) < 0.2


@pytest.mark.parametrize("shift", [1, 4])
def test_the_spread_is_in_samples_of_depth(shift):
    rows = np.arange(120, dtype=np.float32)[:, None] * np.ones((1, 10), np.float32)
    one, other = rows / 119, np.clip(rows + shift, 0, 119) / 119
    spread = depth_spread([one, other])
    assert spread[20:-20] == pytest.approx(shift / 2, rel=0.05)  # two values d apart deviate by d / 2


def test_where_time_stands_still_the_spread_stays_finite():
    time = np.zeros((30, 4), np.float32)
    time[20:] = 1
    assert np.isfinite(depth_spread([time, time])).all()
    assert np.isfinite(depth_spread([np.zeros((30, 4), np.float32)] * 2)).all()
