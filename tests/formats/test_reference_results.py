"""Results as the reference's programs write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from mtl_cli.main import cli
from mtl_seismic.formats.reference import ReferenceResults
from mtlcore.testing import check_format


def test_the_format_keeps_the_contract(tmp_path: Path) -> None:
    check_format(ReferenceResults(), tmp_path)


@pytest.mark.parametrize("shape", [(24, 20), (20, 18, 16)])
def test_results_have_the_references_names_and_units(
    shape: tuple[int, ...], tmp_path: Path, make_model: Any, make_image: Any
) -> None:
    make_model(len(shape), folder=tmp_path / "model")
    np.save(tmp_path / "image.npy", make_image(shape))
    run = ["run", "-i", str(tmp_path / "image.npy"), "--model", str(tmp_path / "model"), "--no-pictures", "-q"]
    names = {"rgt": 1, "dhr": 1, "fsem": 1, "fdip": 180} | ({"fstrike": 180} if len(shape) == 3 else {})
    ours = {"fsem": "fault_probability", "fdip": "fault_dip", "fstrike": "fault_strike"}
    for arguments in (["-o", str(tmp_path / "a")], ["-o", str(tmp_path / "b"), "--output-format", "reference"]):
        result = CliRunner().invoke(cli, [*run, *arguments])
        assert result.exit_code == 0, result.output
    files = sorted(path.name for path in (tmp_path / "b").iterdir() if path.suffix != ".json")
    assert files == sorted(f"out.{name}" for name in names)
    for name, unit in names.items():
        written = np.fromfile(tmp_path / "b" / f"out.{name}", "<f4").reshape(shape[::-1]).T
        expected = np.load(tmp_path / "a" / f"{ours.get(name, name)}.npy")
        np.testing.assert_allclose(written * unit, expected, rtol=1e-6)
        read = ReferenceResults().open(tmp_path / "b" / f"out.{name}").load()
        np.testing.assert_allclose(read, expected, rtol=1e-6)
    record = json.loads((tmp_path / "b/run.json").read_text())
    assert record["outputs"]["fault_dip"]["file"] == "out.fdip"


def test_the_prefix_is_an_option(tmp_path: Path, make_model: Any, make_image: Any) -> None:
    make_model(tasks=("dhr",), folder=tmp_path / "model")
    np.save(tmp_path / "image.npy", make_image((24, 20)))
    arguments = ["--output-format", "reference", "--set", "output_format.prefix=line7", "--no-pictures", "-q"]
    files = ["-i", str(tmp_path / "image.npy"), "--model", str(tmp_path / "model"), "-o", str(tmp_path / "r")]
    result = CliRunner().invoke(cli, ["run", *files, *arguments])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "r/line7.dhr").is_file()
