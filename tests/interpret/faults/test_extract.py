"""Planes that are put into a volume come back: how many, where, and how they lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mtl_seismic.heads.metrics.angles import axial_difference, plane_angle
from mtl_seismic.interpret.faults.angles import angles_from_normals, converted, normals_from_angles
from mtl_seismic.interpret.faults.extract import FaultSurface, extract_faults
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtlcore.errors import MtlError
from mtlcore.io.volume import ArrayVolume, Window

Array = NDArray[np.float32]
Fields = dict[str, Array]
Plane = tuple[tuple[float, ...], float, float | None]
SHAPE = (56, 48, 52)
CENTRE = (28.0, 24.0, 26.0)


def normal_of(plane: Plane) -> NDArray[np.float64]:
    _, dip, strike = plane
    return normals_from_angles(np.array([dip]), None if strike is None else np.array([strike]))[0]


def distances(fault: FaultSurface, plane: Plane) -> NDArray[np.float64]:
    """Of a fault's vertices from a plane."""
    return np.abs((fault.points - np.array(plane[0])) @ normal_of(plane))


def angle(fault: FaultSurface, plane: Plane) -> float:
    if plane[2] is None:
        return float(axial_difference(fault.dip, plane[1]))
    return float(plane_angle(fault.strike, fault.dip, plane[2], plane[1]))


def matched(faults: list[FaultSurface], planes: list[Plane]) -> list[FaultSurface]:
    """The fault that is nearest in angle to each plane."""
    return [min(faults, key=lambda fault: angle(fault, plane)) for plane in planes]


@pytest.mark.parametrize("dip", [40.0, 90.0, 125.0])
@pytest.mark.parametrize("strike", [0.0, 40.0, 155.0])
def test_one_plane_comes_back(make_fields: Callable[..., Fields], dip: float, strike: float) -> None:
    plane = (CENTRE, dip, strike)
    (fault,) = extract_faults(make_fields(SHAPE, [plane]))
    assert distances(fault, plane).max() < 0.5
    assert angle(fault, plane) < 0.5
    tilt = np.degrees(np.arccos(np.abs(fault.normals @ normal_of(plane)).clip(max=1)))
    assert np.percentile(tilt, 95) < 3


@pytest.mark.parametrize("dip", [40.0, 65.0, 90.0, 130.0])
def test_one_line_comes_back_in_2d(make_fields: Callable[..., Fields], dip: float) -> None:
    plane = ((40.0, 50.0), dip, None)
    (fault,) = extract_faults(make_fields((80, 100), [plane]))
    assert distances(fault, plane).max() < 0.5
    assert angle(fault, plane) < 0.5
    assert np.isnan(fault.strike)
    assert fault.triangles.shape[1] == 2


def test_crossing_faults_stay_apart(make_fields: Callable[..., Fields]) -> None:
    planes = [(CENTRE, 60.0, 30.0), (CENTRE, 115.0, 35.0), (CENTRE, 80.0, 120.0)]
    faults = extract_faults(make_fields(SHAPE, planes))
    assert len(faults) == 3
    for fault, plane in zip(matched(faults, planes), planes, strict=True):
        assert np.percentile(distances(fault, plane), 95) < 1
        assert angle(fault, plane) < 1


def test_faults_that_cross_at_a_small_angle_stay_apart(make_fields: Callable[..., Fields]) -> None:
    planes = [(CENTRE, 60.0, 30.0), (CENTRE, 76.0, 30.0)]
    faults = extract_faults(make_fields(SHAPE, planes))
    for fault, plane in zip(matched(faults, planes), planes, strict=True):
        assert np.percentile(distances(fault, plane), 95) < 1
        assert angle(fault, plane) < 3


def test_crossing_lines_stay_apart_in_2d(make_fields: Callable[..., Fields]) -> None:
    planes: list[Plane] = [((40.0, 50.0), 60.0, None), ((40.0, 50.0), 110.0, None)]
    faults = extract_faults(make_fields((80, 100), planes))
    assert len(faults) == 2
    for fault, plane in zip(matched(faults, planes), planes, strict=True):
        assert np.percentile(distances(fault, plane), 95) < 1
        assert angle(fault, plane) < 1


def test_parallel_faults_stay_apart(make_fields: Callable[..., Fields]) -> None:
    planes = [((28.0, 24.0, 18.0), 70.0, 90.0), ((28.0, 24.0, 27.0), 70.0, 90.0)]
    faults = extract_faults(make_fields(SHAPE, planes))
    assert len(faults) == 2
    assert all(min(distances(fault, plane).max() for plane in planes) < 0.5 for fault in faults)


def test_soft_probabilities_and_noisy_angles(make_fields: Callable[..., Fields]) -> None:
    planes = [(CENTRE, 60.0, 30.0), (CENTRE, 100.0, 120.0)]
    faults = extract_faults(make_fields(SHAPE, planes, soft=True, noise=6.0))
    assert len(faults) == 2
    for fault, plane in zip(matched(faults, planes), planes, strict=True):
        assert np.percentile(distances(fault, plane), 95) < 1
        assert angle(fault, plane) < 3


def test_a_curved_fault_is_one_surface() -> None:
    """A listric fault: its dip falls from 70 to 40 degrees over 60 samples of depth."""
    depth, x = np.meshgrid(np.arange(60.0), np.arange(120.0), indexing="ij")
    dip = 70 - 0.5 * depth
    line = np.cumsum(1 / np.tan(np.radians(70 - 0.5 * np.arange(60.0))))
    across = (x - 90 + line[:, None]) * np.sin(np.radians(dip))
    fields = {"fault_probability": (np.abs(across) < 1.3).astype(np.float32), "fault_dip": dip.astype(np.float32)}
    (fault,) = extract_faults(fields)
    at = np.interp(fault.points[:, 0], np.arange(60.0), 90 - line)
    assert np.abs(fault.points[:, 1] - at).max() < 1
    top, bottom = fault.normals[fault.points[:, 0].argmin()], fault.normals[fault.points[:, 0].argmax()]
    dips = angles_from_normals(np.stack([top, bottom]))[0]
    assert abs(dips[0] - 70) < 4 and abs(dips[1] - 40.5) < 4


def test_a_fault_cut_by_a_gap_is_one_and_a_displaced_one_is_two(make_fields: Callable[..., Fields]) -> None:
    plane = (CENTRE, 70.0, 90.0)
    fields = make_fields(SHAPE, [plane])
    fields["fault_probability"][26:32] = 0
    (fault,) = extract_faults(fields)
    assert distances(fault, plane).max() < 0.5
    for name, values in make_fields(SHAPE, [((28.0, 24.0, 32.0), 70.0, 90.0)]).items():
        fields[name][32:] = values[32:]
    assert len(extract_faults(fields)) == 2


def test_filters(make_fields: Callable[..., Fields]) -> None:
    fields = make_fields(SHAPE, [(CENTRE, 60.0, 5.0), (CENTRE, 80.0, 90.0)])
    assert len(extract_faults(fields)) == 2

    def dips(**options: object) -> list[int]:
        found = extract_faults(fields, ExtractOptions(**options))  # type: ignore[arg-type]
        return sorted(round(min(fault.dip, 180 - fault.dip)) for fault in found)

    assert dips(dip=(70, 90)) == [80]
    assert dips(strike=(0, 20)) == [60]
    assert dips(strike=(170, 10)) == [60]
    assert dips(strike=(170, 100)) == [60, 80]
    assert dips(min_size=100_000) == []
    assert [fault.id for fault in extract_faults(fields, ExtractOptions(dip=(70, 90)))] == [1]


@pytest.mark.parametrize(
    "options",
    [{"threshold": 0.0}, {"min_size": 0}, {"dip": (50, 20)}, {"dip": (0, 100)}, {"strike": (-5, 20)}, {"spacing": 0}],
)
def test_wrong_options_are_refused_by_name(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ExtractOptions(**options)  # type: ignore[arg-type]


def test_nothing_above_the_threshold() -> None:
    fields = {name: np.zeros((20, 20), np.float32) for name in ("fault_probability", "fault_dip")}
    assert extract_faults(fields) == []


def test_fields_that_are_no_fault_fields_are_refused(make_fields: Callable[..., Fields]) -> None:
    fields = make_fields((20, 20), [((10.0, 10.0), 60.0, None)])
    with pytest.raises(MtlError, match="fault_dip"):
        extract_faults({"fault_probability": fields["fault_probability"]})
    with pytest.raises(MtlError, match=r"reaches from .* expected 0 to 1"):
        extract_faults(fields | {"fault_probability": fields["fault_probability"] * 100})
    with pytest.raises(MtlError, match=r"rgt.*20x21.*20x20"):
        extract_faults(fields | {"rgt": np.zeros((20, 21), np.float32)})
    with pytest.raises(MtlError, match="not finite"):
        extract_faults(fields | {"fault_dip": np.full((20, 20), np.nan, np.float32)})


def test_volumes_are_read_in_slabs_and_give_the_same(
    make_fields: Callable[..., Fields], monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = make_fields((40, 36, 32), [((20.0, 18.0, 16.0), 65.0, 40.0), ((20.0, 18.0, 16.0), 95.0, 130.0)])
    whole = extract_faults(fields)
    largest = []

    class Watched(ArrayVolume):
        def read(self, window: Window) -> Array:
            largest.append(window[1].stop - window[1].start)
            return super().read(window)

    monkeypatch.setattr("mtl_seismic.interpret.faults.thinning.SLAB_SAMPLES", 40 * 32 * 5)
    parts = extract_faults({name: Watched(values) for name, values in fields.items()})
    # 5 inlines and the halo on both sides.
    assert max(largest) <= 5 + 2 * 7
    assert [fault.size for fault in parts] == [fault.size for fault in whole]
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_allclose(one.points, other.points, atol=1e-6)


def test_angles_survive_the_way_to_normals_and_back() -> None:
    dip, strike = np.meshgrid(np.arange(1.0, 180, 7), np.arange(0.0, 180, 9))
    again = angles_from_normals(normals_from_angles(dip.ravel(), strike.ravel()))
    np.testing.assert_allclose(again[0], dip.ravel(), atol=1e-9)
    assert again[1] is not None
    np.testing.assert_allclose(again[1], strike.ravel(), atol=1e-9)
    flipped = angles_from_normals(-normals_from_angles(dip.ravel(), strike.ravel()))
    np.testing.assert_allclose(flipped[0], dip.ravel(), atol=1e-9)


@pytest.mark.parametrize("dip", [30.0, 120.0])
@pytest.mark.parametrize("strike", [0.0, 25.0, 100.0])
def test_conventions_of_dip_and_strike(dip: float, strike: float) -> None:
    normal = normals_from_angles(np.array([dip]), np.array([strike]))[0]
    theta, phi = (
        np.radians(float(a)) for a in converted(np.array(dip), np.array(strike), "right-hand") if a is not None
    )
    assert 0 <= theta <= np.pi / 2
    # The dip vector of Hale (2013) lies in the plane and points down.
    down = np.array([np.sin(theta), np.cos(theta) * np.cos(phi), -np.cos(theta) * np.sin(phi)])
    assert abs(down @ normal) < 1e-9 and down[0] > 0
    azimuth = converted(np.array(dip), np.array(strike), "azimuth")[1]
    assert azimuth is not None
    towards = np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
    np.testing.assert_allclose(towards, down[1:] / np.linalg.norm(down[1:]), atol=1e-9)
    # Inline numbers that decrease along the axis turn the first component.
    mirrored = converted(np.array(dip), np.array(strike), "azimuth", (-1, 1))[1]
    assert mirrored is not None
    np.testing.assert_allclose(np.sin(np.radians(mirrored)), -towards[0], atol=1e-9)
