"""mtl package: a zip for each interpretation program, which is read back."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from mtl_cli.main import cli
from mtl_seismic.formats.npy import Npy
from mtl_seismic.interpret.imports import Placing, read_horizon, read_sticks
from mtlcore.io.volume import Axis, Geometry
from mtlcore.plugin.outputs import IMAGE

pytest.importorskip("scipy")
SHAPE = (40, 24, 28)


def mtl(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)), prog_name="mtl")


def geometry(shape: tuple[int, ...]) -> Geometry:
    axes = (Axis("time", shape[0], 1000.0, 4.0, "ms"), Axis("inline", shape[1], 100.0, 1.0, "1"))
    if len(shape) == 2:
        return Geometry(axes, coordinates=((450_000.0, 25.0, 0.0), (6_780_000.0, 0.0, 0.0)))
    axes = (*axes, Axis("crossline", shape[2], 300.0, 2.0, "1"))
    return Geometry(axes, coordinates=((450_000.0, 25.0, 0.0), (6_780_000.0, 0.0, 12.5)))


def make_result(folder: Path, shape: tuple[int, ...]) -> Path:
    """Layers that jump by 6 samples at a fault."""
    folder.mkdir()
    index = np.indices(shape)
    across = index[-1] - shape[-1] / 2
    rgt = (index[0] - 6.0 * (across > 0) + 10) / 60
    fields = {
        "input": np.sin(40 * rgt),
        "rgt": rgt,
        "fault_probability": 1.0 * (np.abs(across) < 1.5),
        "fault_dip": np.full(shape, 90.0),
        "fault_strike": np.full(shape, 90.0),
    }
    if len(shape) == 2:
        del fields["fault_strike"]
    for name, values in fields.items():
        with Npy().create(folder / f"{name}.npy", geometry(shape), IMAGE) as writer:
            writer.write(tuple(slice(0, size) for size in shape), values.astype(np.float32))
    record = {
        "input": {"path": str(folder / "input.npy"), "shape": list(shape)},
        "config": {"run": {}},
        "format": {"name": "npy", "options": {}},
        "outputs": {name: {"file": f"{name}.npy", "unit": "1"} for name in fields if name != "input"},
    }
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def interpreted(folder: Path, shape: tuple[int, ...], *formats: str) -> Path:
    result = make_result(folder, shape)
    seed = ("--seed", "105,1080") if len(shape) == 2 else ("--seed", "105,310,1080")
    done = mtl("horizons", result, *seed, "--name", "Top Brent", "--no-picture", "-q", *formats)
    assert done.exit_code == 0, done.output
    done = mtl("faults", result, "--no-picture", "-q", "-f", "json")
    assert done.exit_code == 0, done.output
    return result


@pytest.mark.parametrize("formats", [(), ("-f", "charisma")])
def test_every_program_gets_what_was_written(formats: tuple[str, ...], tmp_path: Path) -> None:
    result = interpreted(tmp_path / "r", SHAPE, *formats)
    done = mtl("package", result)
    assert done.exit_code == 0, done.output
    place = Placing(geometry(SHAPE))
    for program, horizon, fault in (
        ("petrel", "Top_Brent_ms_down.charisma", "faults_ms_down.charisma"),
        ("kingdom", "Top_Brent_ms_down.xyz", "faults_ms_down.charisma"),
        ("opendtect", "Top_Brent_ms_down.xyz", "faults_ms_down.opendtect"),
    ):
        folder = tmp_path / program
        with zipfile.ZipFile(result / f"{program}.zip") as archive:
            archive.extractall(folder)
        names = {path.name for path in folder.iterdir()}
        assert {horizon, fault, "README.txt", "horizons.csv", "faults.csv"} <= names
        columns = ("inline", "crossline", "x", "y", "z") if program == "kingdom" else ()
        samples = place.samples(read_horizon(folder / horizon, columns=columns).points)
        expected = np.where(np.rint(samples[:, 2]) > SHAPE[2] / 2, 26, 20)
        away = np.abs(samples[:, 2] - SHAPE[2] / 2) > 2
        np.testing.assert_allclose(samples[away, 0], expected[away], atol=0.02)
        (found,) = read_sticks(folder / fault)
        nodes = np.concatenate([place.samples(stick) for stick in found.sticks])
        assert found.name == "FAULT_001" and np.abs(nodes[:, 2] - SHAPE[2] / 2).max() < 1.5
        assert "Z is time in ms, positive downwards" in (folder / "README.txt").read_text()
    first = (result / "petrel.zip").read_bytes()
    assert "--force" in mtl("package", result).stderr
    assert mtl("package", result, "--force").exit_code == 0
    assert (result / "petrel.zip").read_bytes() == first


def test_a_line_has_formats_of_its_own(tmp_path: Path) -> None:
    result = interpreted(tmp_path / "r", (60, 80))
    assert mtl("package", result, "--for", "petrel,kingdom").exit_code == 0
    with zipfile.ZipFile(result / "petrel.zip") as archive:
        assert {"Top_Brent_ms_down.iesx", "faults_ms_down.iesx"} <= set(archive.namelist())
    with zipfile.ZipFile(result / "kingdom.zip") as archive:
        first = archive.read("Top_Brent_ms_down.xyz").decode().splitlines()[0].split("\t")
        assert [float(word) for word in first[:3]] == [100, 452_500, 6_780_000]


def test_refusals(tmp_path: Path) -> None:
    result = make_result(tmp_path / "r", SHAPE)
    assert "has neither horizons nor faults" in mtl("package", result).stderr
    assert "Did you mean 'petrel'" in mtl("package", result, "--for", "petrol").stderr
    assert not list(result.glob("*.zip"))
    mtl("horizons", result, "--seed", "105,310,1080", "--no-picture", "-q")
    done = mtl("package", result, "--for", "petrel")
    assert done.exit_code == 0 and "There are no faults" in done.stderr
