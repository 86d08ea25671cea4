"""``mtl run``, ``inspect`` and ``convert`` with each format, files and folders alike."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from mtl_cli.main import cli
from mtlcore.io.files import content_hash, open_volume
from mtlcore.io.volume import Axis, Geometry
from mtlcore.plugin.plugins import current
from mtlcore.run.results import open_fields, open_image, read_record

PACKAGES = {"zarr": "zarr", "hdf5": "h5py", "vti": "numpy"}
SUFFIXES = {"zarr": ".zarr", "hdf5": ".h5", "vti": ".vti"}


def mtl(*arguments: object) -> str:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def survey(tmp_path, make_image):
    """A section as .npy, with a geometry of its own."""
    axes = (Axis("time", 40, 200.0, 4.0, "ms"), Axis("cdp", 32, 1001.0, 2.0, "line"))
    live = np.arange(32) > 3
    format = current().formats["npy"]()
    with format.create(tmp_path / "survey.npy", Geometry(axes, live), current().tasks["dhr"].outputs[0]) as writer:
        writer.write((slice(0, 40), slice(0, 32)), make_image((40, 32)))
    return tmp_path / "survey.npy"


@pytest.mark.parametrize("name", sorted(SUFFIXES))
def test_results_and_inputs_of_each_format(name, survey, tmp_path, make_model):
    pytest.importorskip(PACKAGES[name])
    make_model(folder=tmp_path / "mti")
    make_model(stage="mtr", folder=tmp_path / "mtr")
    image = survey.with_suffix(SUFFIXES[name])
    mtl("convert", survey, image)
    common = ("--model", tmp_path / "mti", "--no-pictures", "--quiet")
    mtl("run", "--input", survey, *common, "--output", tmp_path / "npy")
    mtl("run", "--input", image, *common, "--output", tmp_path / "out", "--output-format", name)

    record = read_record(tmp_path / "out")
    assert record["input"]["sha256"] == content_hash(image)
    assert {entry["file"].removeprefix(output) for output, entry in record["outputs"].items()} == {SUFFIXES[name]}
    expected = {name: volume.load() for name, volume in open_fields(tmp_path / "npy", current()).items()}
    for output, volume in open_fields(tmp_path / "out", current()).items():
        np.testing.assert_array_equal(volume.load(), expected[output])
        assert volume.geometry.axes == open_volume(survey).geometry.axes
        np.testing.assert_array_equal(volume.geometry.live, np.arange(32) > 3)
        volume.close()

    refine = (
        "--model",
        tmp_path / "mtr",
        "--stage",
        "mtr",
        "--from",
        tmp_path / "out",
        "--output",
        tmp_path / "refined",
    )
    mtl("run", *refine, "--no-pictures", "--quiet", "--output-format", name)
    assert read_record(tmp_path / "refined")["input"]["path"] == str(image)
    facts = json.loads(mtl("inspect", image, "--json"))
    assert (facts["format"], facts["shape"]) == (name, [40, 32])
    assert facts["bytes"] > 1000


def test_an_input_folder_that_changed_is_noticed(survey, tmp_path, make_model):
    pytest.importorskip("zarr")
    make_model(folder=tmp_path / "mti")
    image = survey.with_suffix(".zarr")
    mtl("convert", survey, image)
    mtl("run", "-i", image, "--model", tmp_path / "mti", "-o", tmp_path / "out", "--no-pictures", "-q")
    open_image(tmp_path / "out", current()).close()
    mtl("convert", tmp_path / "out" / "dhr.npy", image, "--force")
    result = CliRunner().invoke(
        cli, ["run", "--stage", "mtr", "--from", str(tmp_path / "out"), "--model", str(tmp_path / "mti")]
    )
    assert f"The input {image} has changed since {tmp_path / 'out'} was computed from it" in result.output


def test_a_missing_package_is_said_before_the_work(survey, tmp_path, make_model, monkeypatch):
    make_model(folder=tmp_path / "mti")
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    monkeypatch.setattr("mtlcore.inference.chain.Chain.run", lambda *anything, **more: pytest.fail("it began to infer"))
    result = CliRunner().invoke(
        cli,
        [
            "run",
            "-i",
            str(survey),
            "--model",
            str(tmp_path / "mti"),
            "-o",
            str(tmp_path / "a"),
            "--output-format",
            "zarr",
        ],
    )
    assert result.exit_code == 1
    assert 'pip install "mtlcore[zarr]"' in result.stderr
