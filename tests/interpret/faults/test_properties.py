"""Figures of faults in the interpreter's terms, and faults that were drawn by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtl_cli.main import cli
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtl_seismic.interpret.faults.properties import is_resolved, properties, scale_of
from mtl_seismic.interpret.faults.survey import Survey
from mtl_seismic.interpret.picks import PickedFault, Picks, Store
from mtl_seismic.interpret.picks.faults import drawn_fault
from mtlcore.io.volume import ArrayVolume, Axis, Geometry

SHAPE = (60, 40, 50)
Fields = dict[str, NDArray[np.float32]]


def survey_of(unit: str, step: float, degrees: float = 0.0, il: float = 20.0, xl: float = 12.5) -> Survey:
    """Bins of il x xl metres, turned anticlockwise by some degrees."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rows = ((5e5, float(-il * sine), float(xl * cosine)), (6e6, float(il * cosine), float(xl * sine)))
    axes = (
        Axis("depth", 60, 1000.0, step, unit),
        Axis("inline", 40, 1.0, 1.0, "1"),
        Axis("crossline", 50, 1.0, 1.0, "1"),
    )
    return Survey(Geometry(axes, coordinates=rows))


def on_a_plane(survey: Survey, dip: float, azimuth: float, step: float) -> FaultSurface:
    """A drawn fault on a plane of a true dip and azimuth in metres, through the middle of the volume."""
    matrix = scale_of(survey).lateral
    assert matrix is not None
    direction = np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
    sticks = []
    for along in np.linspace(-60, 60, 5):
        line = []
        for down in np.linspace(-8, 8, 6):
            across = down * step / np.tan(np.radians(dip))
            place = across * direction + along * np.array([direction[1], -direction[0]])
            line.append((30 + down, *(np.array([20, 25]) + np.linalg.solve(matrix, place))))
        sticks.append(tuple(map(tuple, line)))
    return drawn_fault(PickedFault("plane", tuple(sticks)), 1, None, ExtractOptions())


@given(
    dip=st.floats(20, 85),
    azimuth=st.floats(0, 359),
    degrees=st.floats(-180, 180),
    step=st.sampled_from([2.0, 5.0, 10.0]),
    mirrored=st.booleans(),
)
def test_true_dip_and_azimuth_from_north(
    dip: float, azimuth: float, degrees: float, step: float, mirrored: bool
) -> None:
    survey = survey_of("m", step, degrees, il=-20.0 if mirrored else 20.0)
    fault = on_a_plane(survey, dip, azimuth, step)
    found = properties(fault, survey, scale_of(survey))
    assert found["true_dip"] == pytest.approx(dip, abs=0.5)
    assert abs((found["azimuth"] - azimuth + 180) % 360 - 180) < 0.5
    assert abs((found["strike_from_north"] + 90 - azimuth + 180) % 360 - 180) < 0.5
    assert found["length_m"] == pytest.approx(120, rel=0.01)
    assert found["area_m2"] == pytest.approx(120 * 16 * step / np.sin(np.radians(dip)), rel=0.02)


def test_in_time_angles_need_a_velocity_and_lengths_do_not() -> None:
    survey = survey_of("ms", 4.0)
    fault = on_a_plane(survey, 60, 90, 5.0)  # as if a sample were 5 m
    found = properties(fault, survey, scale_of(survey))
    assert found["true_dip"] is None and found["area_m2"] is None
    assert found["azimuth"] == pytest.approx(90, abs=0.5) and found["length_m"] == pytest.approx(120, rel=0.01)
    known = properties(fault, survey, scale_of(survey, velocity=2500.0))
    assert known["true_dip"] == pytest.approx(60, abs=0.5)


def test_throw_in_the_files_unit_and_heave_in_metres() -> None:
    survey, dip, throw = survey_of("ms", 4.0), 60.0, 6.0
    fault = on_a_plane(survey, dip, 90, 5.0)
    thrown = FaultSurface(**{**vars(fault), "throw": np.full(len(fault.points), throw)})
    found = properties(thrown, survey, scale_of(survey))
    assert (found["throw"], found["throw_unit"], found["throw_resolved"]) == (24.0, "ms", True)
    assert found["heave_m"] == pytest.approx(throw * 5.0 / np.tan(np.radians(dip)), rel=0.02)


@pytest.mark.parametrize(
    ("throw", "resolved"),
    [
        (np.full(100, 5.0), True),
        (np.full(100, 0.4), False),
        (np.full(100, np.nan), False),
        (np.r_[np.full(20, 5.0), np.full(80, np.nan)], False),
        (np.r_[np.full(60, 5.0), np.full(40, -5.0)], False),
        (np.empty(0), False),
    ],
)
def test_a_throw_that_time_does_not_tell_is_not_resolved(throw: NDArray[np.float64], resolved: bool) -> None:
    assert is_resolved(throw) is resolved


@pytest.fixture
def result(make_fields: Callable[..., Fields], make_result: Callable[..., Path]) -> Path:
    """3D with one fault, whose time jumps by 5 samples; and a drawn one of two sticks."""
    fields = make_fields(SHAPE, [((30.0, 20.0, 25.0), 65.0, 80.0)])
    depth, _, trace = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    fields["rgt"] = ((depth - 5.0 * (trace > 12) + 10) / 80).astype(np.float32)
    folder = make_result(fields, survey_of("ms", 4.0).geometry)
    sticks = (((10.0, 10.0, 12.5), (50.0, 10.0, 12.5)), ((12.0, 20.0, 12.5), (48.0, 20.0, 12.5)))
    store = Store(folder, SHAPE)
    store.write(Picks(SHAPE, faults=(PickedFault("Main fault", sticks),)), store.read()[1])
    return folder


def faults(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["faults", *map(str, arguments), "--no-picture"], prog_name="mtl")


def test_a_drawn_fault_is_listed_and_written_in_every_format(result: Path) -> None:
    listed = json.loads(faults(result, "--list", "--json").stdout)["faults"]
    assert listed == [{"name": "Main fault", "from": "picks.json", "sticks": 2}]
    done = faults(result, "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert [(fault["name"], fault["drawn"]) for fault in record["faults"]] == [
        ("FAULT_001", False),
        ("Main fault", True),
    ]
    drawn = record["faults"][1]
    assert drawn["throw_resolved"] and abs(drawn["throw"]) == pytest.approx(20, abs=1)
    texts = {path.suffix: path.read_text() for path in (result / "faults").glob("faults_*")}
    assert "Main_fault    2" in texts[".charisma"]
    assert '"Main fault"\t' in texts[".opendtect"]
    assert "PROFILE Main fault      TYPE 2" in texts[".iesx"]
    assert set(texts) == {".charisma", ".opendtect", ".iesx", ".vtp", ".ply"}
    with (result / "faults" / "faults.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["FAULT_001", "Main fault"]
    assert float(rows[1]["throw"]) == pytest.approx(drawn["throw"])


def test_drawn_faults_alone_need_no_predicted_ones(result: Path) -> None:
    record = json.loads((result / "run.json").read_text())
    record["outputs"] = {"rgt": record["outputs"]["rgt"]}
    (result / "run.json").write_text(json.dumps(record))
    done = faults(result, "--drawn-only", "-f", "opendtect", "--json")
    assert done.exit_code == 0, done.output
    assert [fault["name"] for fault in json.loads(done.stdout)["faults"]] == ["Main fault"]
    assert (result / "faults" / "faults.json").exists()
    (result / "picks.json").unlink()
    refused = faults(result, "--drawn-only", "--force")
    assert refused.exit_code == 1 and "has no drawn faults" in refused.stderr


def test_what_users_see_of_throw(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = faults(result).stdout
    assert "throw (ms)" in shown and "--velocity M/S" in shown
    flat = np.load(result / "rgt.npy")
    flat[:] = (np.arange(SHAPE[0]) / 80)[:, None, None]
    np.save(result / "rgt.npy", flat)
    assert "not resolved" in faults(result, "--force").stdout


def test_a_single_stick_and_a_line(make_fields: Callable[..., Fields]) -> None:
    one = drawn_fault(PickedFault("a", (((5.0, 3.0, 4.0), (25.0, 3.0, 14.0)),)), 1, None, ExtractOptions())
    assert len(one.triangles) == 0 and (one.sticks[0].axis, one.sticks[0].position) == (1, 3)
    assert min(one.dip, 180 - one.dip) == pytest.approx(np.degrees(np.arctan2(20, 10)), abs=0.1)
    rgt = ArrayVolume((np.indices((40, 30))[0] / 40).astype(np.float32))
    line = drawn_fault(PickedFault("b", (((25.0, 14.0), (5.0, 4.0)),)), 1, rgt, ExtractOptions())
    assert line.sticks[0].nodes[0, 0] == 5 and line.triangles.tolist() == [[0, 1]]
    assert min(line.dip, 180 - line.dip) == pytest.approx(63.4, abs=0.1)
