"""mtl horizons, from a result folder to files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from mtl_cli.main import cli
from mtl_seismic.formats.npy import Npy
from mtlcore import Axis, Geometry


def mtl(*arguments: object, picture: bool = False) -> Result:
    # Drawing takes longer than all the rest.
    options = [] if picture else ["--no-picture"]
    return CliRunner().invoke(cli, ["horizons", *map(str, arguments), *options], prog_name="mtl")


def done(*arguments: object, picture: bool = False) -> dict[str, Any]:
    result = mtl(*arguments, "--json", picture=picture)
    assert result.exit_code == 0, result.output
    record: dict[str, Any] = json.loads(result.stdout)
    return record


@pytest.fixture
def result(survey: Geometry, layers: Callable[..., Any], write_result: Callable[..., Path]) -> Path:
    rgt, image = layers(survey.shape)
    rgt[:, 0, 0] = 0
    live = np.ones(survey.shape[1:], bool)
    live[0, 0] = False
    return write_result(survey.like(live=live), image, rgt=rgt, dhr=image, fault_probability=0 * image)


@pytest.fixture
def section(layers: Callable[..., Any], write_result: Callable[..., Path]) -> Path:
    rgt, image = layers((50, 30))
    axes = (Axis("depth", 50, 0.0, 5.0, "m"), Axis("x", 30, 0.0, 12.5, "m"))
    return write_result(Geometry(axes), image, rgt=rgt, dhr=image)


def test_seeds_to_every_format(result: Path) -> None:
    record = done(result, "--seed", "104,203,1080", "--name", "TOP", "-f", "xyz,charisma,iesx,cps3,zmap,npy")
    folder = result / "horizons"
    (horizon,) = record["horizons"]
    assert horizon["name"] == "TOP"
    assert set(horizon["files"]) == {"xyz", "charisma", "iesx", "cps3", "zmap", "npy"}
    assert all((folder / name).stat().st_size for name in horizon["files"].values())
    assert json.loads((folder / "horizons.json").read_text())["horizons"] == record["horizons"]
    samples, z, quality = np.load(folder / horizon["files"]["npy"])
    assert np.isnan(samples[0, 0])
    assert (samples[2, 3], z[2, 3]) == (pytest.approx(20, abs=1e-3), pytest.approx(1080, abs=1e-2))
    assert z[3, 3] - z[2, 3] == pytest.approx(0.5 * 4, abs=1e-2)
    assert np.nanmin(quality) > 0.9
    assert horizon["coverage"] == pytest.approx(23 / 24)
    assert record["z"] == {"unit": "ms", "positive": "down", "undefined": None}
    assert record["map"] == "coordinates"
    assert record["notes"] == []


def test_counts_files_and_samples(result: Path, tmp_path: Path) -> None:
    several = done(result, "--count", 3, "--spread", "depth", "-o", tmp_path / "n")["horizons"]
    assert [each["name"] for each in several] == ["horizon_01", "horizon_02", "horizon_03"]
    rgt = [each["rgt"] for each in several]
    assert rgt == sorted(set(rgt))
    (tmp_path / "seeds.txt").write_text("2 3 20 TOP\n2 3 30\n")
    seeds = ("--from-file", tmp_path / "seeds.txt", "--samples", "-o", tmp_path / "f")
    assert [each["name"] for each in done(result, *seeds)["horizons"]] == ["TOP", "horizon_02"]
    assert done(result, *seeds, "--force")["horizons"][0]["seed_samples"] == [20, 2, 3]


def test_what_users_see(result: Path) -> None:
    shown = mtl(result, "--seed", "104,203,1080", "--seed", "104,203,1100", "--name", "A", "--name", "B", "-f", "xyz")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[0].split("  ")[0] == "horizon"
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:3]] == ["A", "B"]
    assert f"Files: {result / 'horizons'}" in shown.stdout
    assert (result / "horizons" / "A_ms_down.xyz").exists()


def test_pictures(result: Path) -> None:
    pytest.importorskip("matplotlib")
    assert done(result, "--count", 2, picture=True)["pictures"] == ["horizons.png"]
    assert (result / "horizons" / "horizons.png").read_bytes().startswith(b"\x89PNG")


def test_a_line(section: Path) -> None:
    record = done(section, "--seed", "130,100", "-f", "xyz,iesx,npy")
    samples, z, _ = np.load(section / "horizons" / record["horizons"][0]["files"]["npy"])
    # Between traces the nearest is taken: index 10 lies at 125 m.
    assert (samples[10], z[10]) == (pytest.approx(20, abs=1e-3), pytest.approx(100, abs=1e-2))
    assert record["map"] == "line numbers"
    assert record["notes"] == ["The input has no coordinates: X is the position along the line, Y is 0."]
    refused = mtl(section, "--count", 2, "-f", "xyz,zmap", "--force")
    assert (refused.exit_code, "zmap needs a 3D survey" in refused.stderr) == (2, True)


def test_flattened_volumes(result: Path, tmp_path: Path) -> None:
    record = done(result, "--stratal", "-o", tmp_path / "flat")
    assert record["horizons"] == []
    assert [each["file"] for each in record["stratal"]] == ["stratal_image.npy", "stratal_dhr.npy"]
    assert Npy().open(tmp_path / "flat" / "stratal_dhr.npy").geometry.axes[0].name == "rgt"
    chosen = ("--stratal", "--stratal-fields", "dhr", "--stratal-axis", "depth", "--stratal-format", "raw")
    (entry,) = done(result, *chosen, "--reference", "104,203", "-o", tmp_path / "depth")["stratal"]
    assert entry == {"field": "dhr", "axis": "depth", "file": "stratal_dhr.bin", "format": "raw"}
    flat = np.fromfile(tmp_path / "depth" / "stratal_dhr.bin", "<f4").reshape(6, 4, 50).T
    np.testing.assert_allclose(flat[:, 2, 3], np.load(result / "dhr.npy")[:, 2, 3], atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name the horizons: --seed IL,XL,Z, --count N or --from-file FILE"),
        (("--picks",), "has no picked horizons: pick some in mtl view"),
        (("--count", 2, "--map", "dhrr"), "Did you mean 'dhr'"),
        (("--count", 2, "--map", "dhr:rmss"), "Did you mean 'rms'"),
        (("--count", 2, "--map", "dhr:rms:x"), "expected FIELD"),
        (("--count", 2, "--map", "dhr", "-f", "charisma"), "add one of them to --format"),
        (("--count", 2, "--seed", "104,203,1080"), "one of --seed, --count, --from-file and --picks"),
        (("--seed", "104,203"), "expected IL,XL,Z"),
        (("--seed", "104,203,x"), "expected numbers apart by commas"),
        (("--seed", "100,200,1080"), "dead trace"),
        (("--seed", "104,203,5000"), "time 5000 is not in the volume"),
        (("--count", 2, "-f", "zmpa"), "Did you mean 'zmap'"),
        (("--count", 2, "-f", "xyz,xyz"), "named twice"),
        (("--count", 2, "--name", "a", "--name", "b", "--name", "c"), "3 names for 2 horizons"),
        (("--count", 2, "--name", "an_endless_name", "-f", "iesx"), "too long for iesx"),
        (("--stratal", "--stratal-fields", "dhrr"), "Did you mean 'dhr'"),
        (("--stratal", "--name", "x"), "--name names horizons"),
        (("--count", 2, "--columns", "x,why"), "xyz has no column 'why'"),
        (("--count", 2, "--undefined", "nan"), "expected a finite one"),
    ],
)
def test_refusals_write_nothing(result: Path, arguments: tuple[object, ...], message: str) -> None:
    refused = mtl(result, *arguments)
    assert refused.exit_code in (1, 2)
    assert message in refused.stderr
    assert len(refused.stderr.strip().splitlines()[-1:]) == 1
    assert not (result / "horizons").exists()


def test_a_folder_in_use_is_kept(result: Path) -> None:
    done(result, "--count", 1)
    before = {path.name: path.read_bytes() for path in (result / "horizons").iterdir()}
    refused = mtl(result, "--count", 2)
    assert (refused.exit_code, "is not empty" in refused.stderr) == (1, True)
    assert {path.name: path.read_bytes() for path in (result / "horizons").iterdir()} == before


def test_results_without_time_or_image(result: Path, tmp_path: Path) -> None:
    (result / "input.npy").unlink()
    found = mtl(result, "--count", 2, "-o", tmp_path / "a")
    assert found.exit_code == 0, found.output
    assert "Without the image: The input" in found.stderr
    record = json.loads((result / "run.json").read_text())
    del record["outputs"]["rgt"]
    (result / "run.json").write_text(json.dumps(record))
    refused = mtl(result, "--count", 2, "-o", tmp_path / "b")
    assert "has no rgt, but dhr, fault_probability. Infer it with: mtl run --tasks rgt." in refused.stderr
    assert "is not a result folder" in mtl(tmp_path, "--count", 1).stderr


def test_a_horizon_that_misses_its_seed_is_named(
    survey: Geometry, layers: Callable[..., Any], write_result: Callable[..., Path]
) -> None:
    rgt, image = layers(survey.shape)
    rgt[25:] -= 0.2  # a thrust: section repeats below sample 25
    found = mtl(write_result(survey, image, rgt=rgt), "--seed", "104,203,1120")
    assert found.exit_code == 0, found.output
    assert "horizon does not pass its seed (sample 30): it is at sample 16.0: its time repeats" in found.stderr


def test_a_rotated_survey_says_that_grids_are_interpolated(
    rotated: Geometry, layers: Callable[..., Any], write_result: Callable[..., Path]
) -> None:
    rgt, image = layers(rotated.shape)
    found = mtl(write_result(rotated, image, rgt=rgt), "--count", 1, "-f", "zmap,xyz")
    assert found.exit_code == 0, found.output
    assert "The survey is rotated, which zmap cannot hold: its grids are interpolated." in found.stderr


def test_a_format_without_such_an_axis_is_named(result: Path) -> None:
    """SEG-Y knows time and depth, no relative geological time."""
    pytest.importorskip("segyio")
    record = done(result, "--stratal", "--stratal-fields", "dhr", "--stratal-format", "segy")
    (note,) = record["notes"]
    assert note.startswith("stratal_dhr.sgy: segy has no axis 'rgt', and others will read it as time in ms.")
    kept = done(
        result, "--stratal", "--stratal-fields", "dhr", "--stratal-format", "segy", "--stratal-axis", "depth", "--force"
    )
    assert kept["notes"] == []
