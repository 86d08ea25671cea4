"""Traces farther apart than rows: the same geology, sampled more coarsely, with labels of its samples."""

from dataclasses import replace

import numpy as np
import pytest

from mtl_seismic.synth import Field2D, Field3D, generate, parameters
from mtl_seismic.synth.field_faults import CurvedFault, undo
from mtl_seismic.synth.spacing import draw, sampled_fault

FAULT = CurvedFault(
    centre=(60.0, 50.0, 40.0),
    azimuth=30.0,
    dip=60.0,
    displacement=12.0,
    half_height=45.0,
    half_length=60.0,
    listric=0.006,
    bend=0.004,
    rake=80.0,
    reach=40.0,
    hanging_share=0.7,
    drag=0.3,
    drag_width=10.0,
    washout=0.5,
    washout_width=3.0,
)
SECTION = replace(FAULT, centre=(60.0, 50.0), azimuth=180.0, rake=90.0, bend=0.0)
FLAT = dict.fromkeys(("tilt", "fold_height", "fold_growth", "rugosity", "unconformities", "channels"), (0.0, 0.0))
ONE = FLAT | {"faults": (1.0, 1.0), "fault_half_height": (0.9, 1.0), "listric_probability": 0.0}


def fitted(points):
    """The normal of the plane or line through points."""
    return np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][-1]


@pytest.mark.parametrize("fault", [SECTION, replace(SECTION, azimuth=0.0, displacement=-9.0), replace(FAULT, bend=0.0)])
@pytest.mark.parametrize("spacing", [0.5, 4.0])
def test_a_plane_fault_moves_rock_as_far_as_before_the_traces_were_spread(fault, spacing):
    plane = replace(fault, listric=0.0, drag_width=40.0)
    random = np.random.default_rng(0)
    rows = [random.uniform(at - 40, at + 40, 500).astype(np.float32) for at in plane.centre]
    traces = [rows[0].copy(), *(axis / np.float32(spacing) for axis in rows[1:])]
    undo(plane, rows, None)
    crossing = undo(sampled_fault(plane, spacing), traces, None)
    assert np.ptp(crossing.displacement) > 5
    np.testing.assert_allclose(traces[0], rows[0], atol=1e-3)
    for axis, other in zip(traces[1:], rows[1:], strict=True):
        np.testing.assert_allclose(axis * spacing, other, atol=2e-3)


@pytest.mark.parametrize("fault", [SECTION, FAULT])
def test_a_curved_fault_keeps_its_tips_its_throw_and_its_course(fault):
    wide = sampled_fault(fault, 3.0)
    assert wide.half_depth == pytest.approx(fault.half_depth)
    zeta = np.linspace(-20, 20, 9, dtype=np.float32)
    np.testing.assert_allclose(wide.surface(zeta) * 3, fault.surface(zeta), rtol=1e-4)
    throw = [f.displacement * np.sin(np.radians(f.rake)) * np.sin(np.radians(f.dip)) for f in (fault, wide)]
    assert throw[1] == pytest.approx(throw[0])


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("spacing", [2.0, 4.0])
def test_dip_label_is_that_of_the_mask_in_samples(index, spacing):
    recipe = Field2D(shape=(160, int(160 / spacing)), trace_spacing=(spacing, spacing), **ONE)
    item = generate(recipe, 3, index)
    mask = np.argwhere(item["fault_probability"] > 0)
    assert len(mask) > 50
    label = np.radians(item["fault_dip"][tuple(mask.T)].mean())
    assert abs(fitted(mask) @ [np.sin(label), -np.cos(label)]) < np.sin(np.radians(1.5))
    (fault,) = parameters(recipe, 3, index)["stages"][0]["faults"]
    assert np.tan(np.radians(fault["dip"])) > 0.9 * spacing * np.tan(np.radians(30))
    # Three samples thick, in samples.
    across = np.abs((mask - mask.mean(axis=0)) @ [np.cos(label), np.sin(label)])
    assert np.quantile(across, 0.95) < 2


def test_dip_and_strike_labels_follow_the_mask_in_3d():
    item = generate(Field3D(shape=(64, 30, 28), trace_spacing=(2.0, 2.0), **ONE), 4, 3)
    mask = np.argwhere(item["fault_probability"] > 0)
    near = mask[np.linalg.norm(mask - mask[len(mask) // 2], axis=1) < 10]
    dip, strike = (np.radians(item[name][tuple(near.T)]) for name in ("fault_dip", "fault_strike"))
    normals = np.stack([-np.cos(dip), np.sin(dip) * np.cos(strike), -np.sin(dip) * np.sin(strike)], axis=-1)
    mean = np.linalg.svd(normals, full_matrices=False)[2][0]
    assert abs(fitted(near) @ mean) > np.cos(np.radians(5))


def test_items_are_as_wide_as_their_traces_reach_and_hold_as_many_faults():
    near, far = (Field2D(shape=(100, 300), faults=(8.0, 8.0), trace_spacing=(s, s)) for s in (1.0, 4.0))
    drawn = [draw(recipe, 2, 0) for recipe in (near, far)]
    assert [one.spacing for one in drawn] == [1.0, 4.0]
    faults = [[fault for stage in one.stages for fault in stage.faults] for one in drawn]
    assert len(faults[1]) == 4 * len(faults[0])
    assert all(0 <= fault.centre[1] <= 300 for fault in faults[1])
    assert max(fault.centre[1] for fault in faults[1]) > 200


def test_spacings_are_drawn_from_their_range_for_each_item():
    found = np.array(
        [draw(Field2D(shape=(20, 20), trace_spacing=(1.0, 6.0)), 0, index).spacing for index in range(200)]
    )
    assert found.min() < 1.2
    assert found.max() > 5
    assert np.exp(np.log(found).mean()) == pytest.approx(6**0.5, rel=0.15)
