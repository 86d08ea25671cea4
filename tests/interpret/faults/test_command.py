"""``mtl faults`` from a result folder to files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from mtl_cli.main import cli
from mtl_seismic.interpret.faults.angles import converted
from mtl_seismic.interpret.faults.attributes import write_attributes
from mtlcore.io.files import open_volume
from mtlcore.io.volume import Axis, Geometry
from mtlcore.plugin import plugins
from mtlcore.run.results import open_fields

Fields = dict[str, NDArray[np.float32]]
GEOMETRY = Geometry(
    (
        Axis("time", 36, 1000.0, 4.0, "ms"),
        Axis("inline", 30, 100.0, 1.0, "line"),
        Axis("crossline", 34, 200.0, 2.0, "line"),
    ),
    coordinates=((500_000.0, 5.0, 12.0), (6_000_000.0, 12.0, -5.0)),
)


def faults(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["faults", *map(str, arguments)], prog_name="mtl")


@pytest.fixture
def result(make_fields: Callable[..., Fields], make_result: Callable[..., Path]) -> Path:
    """3D with two faults."""
    planes = [((18.0, 15.0, 15.0), 65.0, 80.0), ((18.0, 15.0, 15.0), 110.0, 10.0)]
    return make_result(make_fields((36, 30, 34), planes), GEOMETRY)


@pytest.fixture
def line(make_fields: Callable[..., Fields], make_result: Callable[..., Path]) -> Path:
    """2D with one fault."""
    return make_result(make_fields((48, 60), [((24.0, 30.0), 65.0, None)]))


def test_everything_is_written(result: Path) -> None:
    done = faults(result, "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert len(record["faults"]) == 2
    names = [f"faults_ms_down.{name}" for name in ("charisma", "iesx", "opendtect")]
    names += ["faults_ms_up.vtp", "faults_ms_up.ply", "faults.json", "faults.csv"]
    assert record["files"] == names
    assert all((result / "faults" / name).stat().st_size for name in names)
    assert not list((result / "faults").glob(".*"))


def test_the_table_names_the_faults(result: Path) -> None:
    done = faults(result, "--format", "json", "--no-picture")
    assert done.exit_code == 0, done.output
    assert [row.split()[0] for row in done.stdout.splitlines()[:3]] == ["fault", "FAULT_001", "FAULT_002"]
    assert {path.name for path in (result / "faults").iterdir()} == {"faults.json", "faults.csv"}


def test_a_picture_is_drawn(result: Path, line: Path) -> None:
    pytest.importorskip("matplotlib")
    for folder in {result, line}:
        assert faults(folder, "-f", "json", "--force", "-o", folder / "other").exit_code == 0
        assert (folder / "other" / "faults.png").read_bytes().startswith(b"\x89PNG")


def test_2d_leaves_charisma_out_and_says_there_are_no_coordinates(line: Path) -> None:
    done = faults(line)
    assert done.exit_code == 0, done.output
    assert "no coordinates" in done.stderr
    assert not list((line / "faults").glob("*.charisma"))
    refused = faults(line, "--format", "charisma", "--force")
    assert refused.exit_code == 2 and "3D" in refused.stderr


def test_options_reach_the_extraction_and_the_formats(result: Path) -> None:
    options = ["--dip", "60,67", "--spacing", "5", "--z-sign", "up", "-f", "charisma,json", "--no-picture"]
    settings = ["--set", "charisma.keyword=XLINE-", "--set", "extract.cell=3", "--set", "json.surfaces=false"]
    done = faults(result, *options, *settings, "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert len(record["faults"]) == 1 and abs(record["faults"][0]["dip_from_horizontal"] - 65) < 1
    assert (record["options"]["spacing"], record["options"]["cell"]) == (5, 3)
    first = (result / "faults" / "faults_ms_up.charisma").read_text(encoding="ascii").split()
    assert first[0] == "XLINE-" and float(first[5]) < 0
    assert "surface" not in json.loads((result / "faults" / "faults.json").read_text(encoding="utf-8"))["faults"][0]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--format", "petrel"], 2, "Unknown format 'petrel'"),
        (["--dip", "30"], 2, "two angles"),
        (["--dip", "80,30"], 2, "lower limit first"),
        (["--threshold", "1.5"], 2, "threshold is 1.5"),
        (["--set", "extract.link=3"], 2, "no option 'link'"),
        (["--set", "iesx.typ=3"], 2, "Did you mean 'type'"),
        (["--set", "charsima.keyword=A"], 2, "no section 'charsima'"),
        (["--attributes", "segz"], 2, "Unknown format 'segz'"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_written(
    result: Path, arguments: list[str], code: int, message: str
) -> None:
    done = faults(result, *arguments)
    assert done.exit_code == code, done.output
    assert message in done.stderr
    assert not (result / "faults").exists()


def test_what_is_there_is_not_overwritten(result: Path) -> None:
    (result / "faults").mkdir()
    (result / "faults" / "mine").write_text("mine", encoding="utf-8")
    done = faults(result)
    assert done.exit_code == 1 and "--force" in done.stderr
    assert [path.name for path in (result / "faults").iterdir()] == ["mine"]


def test_a_folder_that_is_no_result(tmp_path: Path) -> None:
    done = faults(tmp_path)
    assert done.exit_code == 1 and "run.json" in done.stderr


def test_no_faults_say_what_to_try(result: Path) -> None:
    done = faults(result, "--min-size", "1000000", "--no-picture")
    assert done.exit_code == 1 and "--min-size" in done.stderr
    assert not (result / "faults").exists()
    attributes = faults(result, "--min-size", "1000000", "--attributes", "npy", "--quiet")
    assert attributes.exit_code == 0, attributes.output
    assert not list((result / "faults").glob("faults*")) and (result / "faults" / "fault_dip.npy").exists()


def test_scipy_missing_is_one_line(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("mtl_seismic.interpret.faults.scientific.import_module", missing)
    done = faults(result)
    assert done.exit_code == 1 and 'pip install "mtlcore[interpret]"' in done.stderr
    assert not (result / "faults").exists()


@pytest.mark.parametrize("convention", ["mtl", "right-hand", "azimuth"])
def test_attribute_volumes_match_the_fields(
    result: Path, tmp_path: Path, convention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtl_seismic.interpret.faults.thinning.SLAB_SAMPLES", 36 * 34 * 7)
    installed = plugins.current()
    fields = open_fields(result, installed)
    paths = write_attributes(tmp_path, fields, convention, "npy", {}, installed)  # type: ignore[arg-type]
    third = "fault_azimuth" if convention == "azimuth" else "fault_strike"
    assert [path.stem for path in paths] == ["fault_likelihood", "fault_dip", third]
    volumes = [open_volume(path) for path in paths]
    assert all(volume.geometry.axes == GEOMETRY.axes for volume in volumes)
    likelihood, dip, strike = (fields[f"fault_{name}"].load() for name in ("probability", "dip", "strike"))
    np.testing.assert_array_equal(volumes[0].load(), likelihood)
    expected = converted(dip.astype(float), strike.astype(float), convention)  # type: ignore[arg-type]
    for volume, values in zip(volumes[1:], expected, strict=True):
        np.testing.assert_allclose(volume.load(), values, atol=1e-3)


def test_attributes_as_segy_for_opendtect(result: Path) -> None:
    segyio = pytest.importorskip("segyio")
    done = faults(result, "-f", "json", "--no-picture", "--attributes", "segy")
    assert done.exit_code == 0, done.output
    geometries = []
    for name in ("fault_likelihood", "fault_dip", "fault_strike"):
        with segyio.open(str(next((result / "faults").glob(f"{name}.*gy")))) as file:
            geometries.append((file.ilines.tolist(), file.xlines.tolist(), file.samples.tolist()))
            cube = segyio.tools.cube(file)
        if name == "fault_likelihood":
            np.testing.assert_array_equal(cube.transpose(2, 0, 1), np.load(result / "fault_probability.npy"))
    assert geometries[0] == geometries[1] == geometries[2]
    assert geometries[0][0][:2] == [100, 101] and geometries[0][1][:2] == [200, 202]
    assert geometries[0][2][:2] == [1000, 1004]
