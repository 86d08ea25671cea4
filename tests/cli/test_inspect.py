"""mtl inspect: what a volume is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from mtl_cli import volume_facts
from mtl_cli.main import cli
from mtlcore import IMAGE, Axis, Geometry
from mtlcore.io.files import make_format


def inspect(*arguments: Any) -> Result:
    return CliRunner().invoke(cli, ["inspect", *map(str, arguments)], prog_name="mtl")


def facts(*arguments: Any) -> dict[str, Any]:
    result = inspect(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    """A SEG-Y file with a corner and a trace missing."""
    live = np.ones((6, 8), bool)
    live[:2, :3] = live[4, 4] = False
    axes = (
        Axis("time", 30, 500.0, 2.0, "ms"),
        Axis("inline", 6, 100.0, 2.0, "line"),
        Axis("crossline", 8, 30.0, 1.0, "line"),
    )
    geometry = Geometry(axes, live=live, coordinates=((1000.0, 25.0, 0.0), (2000.0, 0.0, 12.5)))
    values = np.random.default_rng(0).standard_normal(geometry.shape).astype(np.float32)
    path = tmp_path / "survey.sgy"
    with make_format(path).create(path, geometry, IMAGE) as writer:
        writer.write(tuple(slice(0, size) for size in geometry.shape), np.where(live, values, np.float32(0)))
    return path


def test_segy(survey: Path) -> None:
    found = facts(survey)
    assert found["format"] == "segy" and found["shape"] == [30, 6, 8]
    assert found["axes"][1] == {"name": "inline", "size": 6, "origin": 100, "step": 2, "unit": "line"}
    assert found["segy"]["bytes"] == {"inline": 189, "crossline": 193, "cdp_x": 181, "cdp_y": 185}
    assert (found["segy"]["samples"], found["segy"]["sorting"]) == ("4-byte IEEE float", "inline")
    assert found["corners"][-1] == {"inline": 110, "crossline": 37, "x": 3750, "y": 2462.5}
    assert found["missing_traces"] == 7 and found["not_finite_samples"] == 0
    assert found["map"] == ["...#####", "...#####", "########", "########", "####.###", "########"]
    assert sum(found["histogram"]["counts"]) == 30 * 41
    assert len(found["histogram"]["edges"]) == len(found["histogram"]["counts"]) + 1
    assert -5 < found["minimum"] < found["percentiles"]["1%"] < found["percentiles"]["99%"] < found["maximum"] < 5
    assert found["root_mean_square"] == pytest.approx(1, abs=0.1)


def test_the_same_as_text(survey: Path) -> None:
    text = inspect(survey).stdout
    assert "inline 189, crossline 193" in text
    assert "inline: 6 from 100, step 2 line" in text
    assert "\n...#####\n" in text and "live traces" in text
    assert text.count("#####") > 10 and "histogram" in text
    assert "source" not in text


def test_options_of_the_format(survey: Path) -> None:
    found = facts(survey, "--set", "format.inline=193", "--set", "format.crossline=189")
    assert found["shape"] == [30, 8, 6]
    result = inspect(survey, "--set", "format.inlin=193")
    assert result.exit_code == 2 and "Did you mean 'inline'?" in result.stderr


def test_a_warning_is_one_line_on_stderr(survey: Path, run_mtl: Any) -> None:
    content = bytearray(survey.read_bytes())
    content[3216:3218] = b"\x0f\xa0"
    survey.write_bytes(content)
    result = run_mtl("inspect", str(survey), "--json")
    assert result.returncode == 0 and json.loads(result.stdout)["shape"] == [30, 6, 8]
    assert result.stderr.startswith(f"Warning: {survey}: bytes 3217-3218")
    assert result.stderr.count("\n") == 1


WITHOUT_TORCH = """
import sys
from mtl_cli.main import cli
for arguments in (["inspect", sys.argv[1]], ["convert", sys.argv[1], sys.argv[1] + ".npz", "-q"]):
    cli(arguments, standalone_mode=False)
assert "torch" not in sys.modules
"""


def test_neither_inspecting_nor_converting_a_file_imports_torch(survey: Path) -> None:
    result = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, str(survey)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_plain_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1.0, 2.0, 0.0], [3.0, np.nan, 0.0]], np.float32))
    found = facts(tmp_path / "a.npy")
    assert (found["kind"], found["minimum"], found["maximum"]) == ("2D seismic image", 0, 3)
    assert (found["traces"], found["dead_traces"], found["not_finite_samples"]) == (3, 2, 1)
    assert found["map"] == ["###"] and "measured_on" not in found
    assert "live traces" not in inspect(tmp_path / "a.npy").stdout


@pytest.mark.parametrize("values", [np.zeros((4, 5)), np.full((4, 5), np.nan), np.full((4, 5), 7.0)])
def test_values_without_a_range(tmp_path: Path, values: Any) -> None:
    np.save(tmp_path / "a.npy", values.astype(np.float32))
    found = facts(tmp_path / "a.npy")
    assert sum(found["histogram"]["counts"]) == np.isfinite(values).sum()
    assert inspect(tmp_path / "a.npy").exit_code == 0


@pytest.mark.parametrize("shape", [(50, 400), (50, 40, 10), (50, 1, 400)])
def test_of_a_large_volume_a_part_is_measured(tmp_path: Path, monkeypatch: Any, shape: tuple[int, ...]) -> None:
    monkeypatch.setattr(volume_facts, "MEASURED", 5000)
    windows = list(volume_facts.sample_windows(shape, 5000))
    assert sum(np.prod([part.stop - part.start for part in window]) for window in windows) <= 5000
    assert len(windows) > 1 or shape[1] == 1
    np.save(tmp_path / "a.npy", np.ones(shape, np.float32))
    assert facts(tmp_path / "a.npy")["shape"] == list(shape)


def test_a_large_map_is_made_coarse() -> None:
    live = np.ones((100, 200), bool)
    live[:50, :100] = False
    live[99, 199] = False
    rows = volume_facts.live_map(Geometry.of_shape((1, 100, 200), live=live))
    assert len(rows) <= volume_facts.HEIGHT and max(map(len, rows)) <= volume_facts.WIDTH
    assert rows[0][0] == "." and rows[0][-1] == "#" and rows[-1][-1] == "+"


def test_undefined_samples_are_named_and_left_out_of_the_figures(make_image: Any, tmp_path: Path) -> None:
    image = make_image((60, 40))
    image[:20] = 1e30
    np.save(tmp_path / "a.npy", image)
    found = facts(tmp_path / "a.npy")
    assert found["maximum"] == image[20:].max() and found["not_finite_samples"] == 20 * 40
    assert found["undefined_values"] == ["1e+27 and larger"]
