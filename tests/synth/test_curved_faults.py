"""Curved faults: the map that undoes them, and labels that equal the geometry of what was drawn."""

from dataclasses import replace

import numpy as np
import pytest

from mtl_seismic.synth import Field2D, Field3D, generate, parameters
from mtl_seismic.synth.field_faults import CurvedFault, angles, reach_box, undo

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
QUIET = {
    "reverse_probability": 0.0,
    "tilt": (0.0, 0.0),
    "fold_height": (0.0, 0.0),
    "fold_growth": (0.0, 0.0),
    "rugosity": (0.0, 0.0),
    "unconformities": (0.0, 0.0),
    "channels": (0.0, 0.0),
}


def beside(fault, offset, zeta):
    """Return points at a horizontal distance down dip from a fault, at depths below its centre, at s = 0."""
    cosine, sine = fault.direction
    out = fault.surface(zeta) + offset
    points = [fault.centre[0] + zeta, fault.centre[1] + out * cosine]
    if len(fault.centre) == 3:
        points.append(fault.centre[2] + out * sine)
    return [np.asarray(axis, np.float64) for axis in points]


@pytest.mark.parametrize("fault", [FAULT, SECTION, replace(FAULT, displacement=-9.0), replace(SECTION, listric=0.0)])
def test_rock_is_torn_by_the_displacement_of_the_label(fault):
    zeta = np.linspace(-35, 35, 15)
    hanging, foot = beside(fault, 1e-3, zeta), beside(fault, -1e-3, zeta)
    crossing = undo(fault, hanging, None)
    undo(fault, foot, None)
    torn = np.sqrt(sum((one - other) ** 2 for one, other in zip(hanging, foot, strict=True)))
    # Rock slides along a curved surface, so its chord is a little shorter than the displacement.
    np.testing.assert_allclose(torn, np.abs(crossing.displacement), rtol=0.03, atol=0.02)
    down = (hanging[0] - foot[0])[np.abs(crossing.displacement) > 0.1]
    assert (np.sign(down) == -np.sign(fault.displacement)).all()


@pytest.mark.parametrize("fault", [FAULT, SECTION])
def test_displacement_ends_at_the_tips_and_away_from_the_fault(fault):
    zeta = np.array([-fault.half_depth * 1.01, fault.half_depth * 1.01])
    far = [beside(fault, 0.5, zeta), beside(fault, 2.5 * fault.reach, np.zeros(2))]
    for points in far:
        before = [axis.copy() for axis in points]
        undo(fault, points, None)
        np.testing.assert_array_equal(points, before)


@pytest.mark.parametrize("fault", [FAULT, SECTION])
def test_no_rock_crosses_a_fault(fault):
    rng = np.random.default_rng(0)
    points = [rng.uniform(0, 120, 5000) for _ in fault.centre]
    before = undo(replace(fault, displacement=0.0), [axis.copy() for axis in points], None).distance
    undo(fault, points, None)
    after = undo(replace(fault, displacement=0.0), points, None).distance
    assert (np.sign(before) == np.sign(after)).all()


def test_drag_bends_layers_towards_the_fault():
    near, far = (beside(SECTION, offset, np.zeros(1)) for offset in (0.01, 12.0))
    start = near[0].copy()
    for points in (near, far):
        undo(replace(SECTION, drag=0.6, reach=1e6), points, None)
    assert abs(near[0] - start) < 0.7 * abs(far[0] - start)


def test_younger_rock_is_not_moved():
    points = beside(SECTION, 1.0, np.zeros(4))
    before = points[0].copy()
    undo(SECTION, points, np.array([1, 0, 1, 0], np.float32))
    np.testing.assert_array_equal(points[0] != before, [True, False, True, False])


@pytest.mark.parametrize("fault", [FAULT, SECTION, replace(FAULT, azimuth=250.0, bend=-0.006)])
def test_the_box_of_a_fault_holds_all_that_it_moves(fault):
    shape = (120, 100, 80)[: len(fault.centre)]
    points = [axis.astype(np.float32) for axis in np.indices(shape)]
    grid = [axis.copy() for axis in points]
    undo(fault, points, None)
    moved = np.any([one != other for one, other in zip(points, grid, strict=True)], axis=0)
    moved[reach_box(fault, (0.0, 0.0), range(shape[0]), shape[1:])] = False
    assert not moved.any()


@pytest.mark.parametrize(
    ("gradient", "dip", "strike"),
    [
        ((-1.0, 1.0), 135, 180),  # down and towards high x
        ((-1.0, -1.0), 45, 180),
        ((1.0, 1.0), 45, 180),
        ((0.0, 1.0), 90, 180),
        ((-1.0, 1.0, 0.0), 45, 0),
        ((-1.0, -1.0, 0.0), 135, 0),
        ((-1.0, 0.0, -1.0), 45, 90),
        ((-1.0, 0.0, 1.0), 135, 90),
    ],
)
def test_angles_follow_the_convention(gradient, dip, strike):
    found = angles([np.array([part]) for part in gradient])
    assert found[0][0] == pytest.approx(dip)
    assert found[1][0] == pytest.approx(strike)


def normals_from(dip, strike):
    d, s = np.radians([dip, strike])
    return np.stack([-np.cos(d), np.sin(d) * np.cos(s), -np.sin(d) * np.sin(s)], axis=-1)


def fitted(points):
    return np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][-1]


ONE = QUIET | {
    "trace_spacing": (1.0, 1.0),
    "faults": (1.0, 1.0),
    "fault_half_height": (0.9, 1.0),
    "displacement_ratio": (0.1, 0.1),
    "listric_probability": 1.0,
    "listric": (1.0, 1.5),
}


@pytest.mark.parametrize("index", range(4))
def test_dip_label_follows_the_curve_of_the_mask_in_2d(index):
    item = generate(Field2D(shape=(160, 140), **ONE), 3, index)
    mask = np.argwhere(item["fault_probability"] > 0)
    assert len(mask) > 100
    for start in range(0, 140, 20):
        part = mask[(mask[:, 0] >= start) & (mask[:, 0] < start + 20)]
        if len(part) > 50:
            label = np.radians(item["fault_dip"][tuple(part.T)].mean())
            assert abs(fitted(part) @ [np.sin(label), -np.cos(label)]) < np.sin(np.radians(4))


@pytest.mark.parametrize("index", range(3))
def test_dip_and_strike_labels_follow_the_mask_in_3d(index):
    item = generate(Field3D(shape=(64, 60, 56), **ONE), 4, index)
    mask = np.argwhere(item["fault_probability"] > 0)
    centre = mask[len(mask) // 2]
    near = mask[np.linalg.norm(mask - centre, axis=1) < 10]
    labels = normals_from(item["fault_dip"][tuple(near.T)], item["fault_strike"][tuple(near.T)])
    mean = np.linalg.svd(labels, full_matrices=False)[2][0]
    assert abs(fitted(near) @ mean) > np.cos(np.radians(5))


def test_angles_of_an_old_fault_are_those_after_later_deformation():
    tilted = {"listric_probability": 0.0, "tilt": (0.12, 0.12), "normal_dip": (45.0, 45.0), "dip_spread": 0.0}
    older = {"old_fault_probability": 1.0, "unconformities": (1.0, 1.0), "unconformity_depth": (0.02, 0.02)}
    recipe = Field2D(shape=(160, 140), **ONE | tilted | older)
    for index in range(12):
        drawn = parameters(recipe, 5, index)["stages"]
        if not drawn[1]["faults"]:
            continue
        item = generate(recipe, 5, index)
        mask = np.argwhere(item["fault_probability"] > 0)
        label = np.radians(item["fault_dip"][tuple(mask.T)])
        fault = drawn[1]["faults"][0]
        own = fault["dip"] if fault["azimuth"] == 180 else 180 - fault["dip"]
        assert abs(np.degrees(label.mean()) - own) > 1
        assert np.abs(fitted(mask) @ [np.sin(label.mean()), -np.cos(label.mean())]) < np.sin(np.radians(2.5))
        return
    pytest.fail("no item has an old fault")


@pytest.mark.parametrize("index", range(4))
def test_rgt_jumps_by_the_displacement_across_a_labelled_fault(index):
    recipe = Field2D(shape=(160, 140), **ONE | {"drag": (0.0, 0.0), "fault_reach": (50.0, 50.0)})
    rgt, fault = generate(recipe, 6, index)["rgt"], parameters(recipe, 6, index)["stages"][0]["faults"][0]
    slope = np.median(np.diff(rgt, axis=0))
    row = int(np.clip(fault["centre"][0], 30, 130))
    found = np.flatnonzero(generate(recipe, 6, index)["fault_probability"][row])
    if len(found) == 0 or found[0] < 4 or found[-1] > 135:
        pytest.skip("the fault leaves the section here")
    jump = abs(rgt[row, found[0] - 2] - rgt[row, found[-1] + 2]) / slope
    curved = CurvedFault(**fault)
    zeta = np.array([row - fault["centre"][0]])
    crossing = undo(curved, beside(curved, 1e-3, zeta), None)
    heave_free = crossing.displacement[0] / np.sqrt(1 + curved.slope(zeta)[0] ** 2)
    assert jump == pytest.approx(heave_free, abs=0.8)


def test_faults_are_labelled_only_where_they_displace():
    strict = Field2D(shape=(128, 128), faults=(12.0, 12.0), least_displacement=4.0)
    loose = replace(strict, least_displacement=0.5)
    few, many = (generate(recipe, 2, 0)["fault_probability"] for recipe in (strict, loose))
    assert 0 < few.sum() < many.sum()
    assert (many[few > 0] > 0).all()


def test_populations_are_mostly_normal_of_realistic_dip_with_many_small_faults():
    stages = [stage for i in range(150) for stage in parameters(Field2D(trace_spacing=(1.0, 1.0)), 0, i)["stages"]]
    faults = [fault for stage in stages for fault in stage["faults"]]
    normal = [fault for fault in faults if fault["displacement"] > 0]
    assert 0.75 < len(normal) / len(faults) < 0.98
    assert 50 < np.mean([fault["dip"] for fault in normal]) < 66
    heights = np.array([fault["half_height"] for fault in faults])
    assert np.median(heights) < 0.25 * heights.max()
