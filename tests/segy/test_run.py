"""From survey.sgy to dhr.sgy, rgt.sgy, ...: files that load beside the input."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import segyio
from click.testing import CliRunner

from mtl_cli.main import cli
from mtl_seismic.segy.format import SegY


def invoke(*arguments):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="mtl")
    assert result.exit_code == 0, result.output
    return result


def headers(path, samples, start=3600):
    content = np.frombuffer(path.read_bytes(), np.uint8)
    return content[start:].reshape(-1, 240 + 4 * samples)[:, :240]


@pytest.mark.parametrize("output_format", ["segy", "npy"])
def test_a_2d_line(make_segy, make_image, make_model, tmp_path, output_format):
    cdp = np.array([*range(100, 130), *range(133, 165)])
    traces = make_image((len(cdp), 48))
    traces[7] = 0
    path = make_segy(traces, {21: cdp, 71: 1, 181: 25 * cdp, 185: 3 * cdp, 109: 500}, code=1)
    make_model(folder=tmp_path / "model")
    out = tmp_path / "out"
    invoke(
        "run", "-i", path, "-m", tmp_path / "model", "-o", out, "--output-format", output_format, "--no-pictures", "-q"
    )
    if output_format == "npy":
        # The source stays known, so that the headers can still be copied later.
        assert json.loads((out / "rgt.npy.json").read_text())["source"] == str(path)
        for name in ("dhr", "rgt", "fault_probability", "fault_dip"):
            invoke("convert", out / f"{name}.npy", out / f"{name}.sgy", "-q")
    source = SegY().open(path)
    for name in ("dhr", "rgt", "fault_probability", "fault_dip"):
        made = out / f"{name}.sgy"
        assert made.stat().st_size == path.stat().st_size
        assert np.array_equal(headers(made, 48), headers(path, 48))
        assert made.read_bytes()[3200:3600] == path.read_bytes()[3200:3600]
        assert f"MTLCORE 0.1.0: {name}" in made.read_bytes()[:3200].decode("cp037")
        volume = SegY().open(made)
        assert volume.geometry.axes == source.geometry.axes
        np.testing.assert_array_equal(volume.geometry.live, source.geometry.live)
        # Dead traces of the file, and constant ones in it, have no results.
        assert not volume.load()[:, 7].any() and not volume.load()[:, 30:33].any()
        assert volume.load()[:, 8].any()
        with segyio.open(made, ignore_geometry=True) as file:
            assert file.tracecount == len(cdp)


def test_a_cube_with_dead_traces(make_cube, make_model, tmp_path):
    path, _, live = make_cube(sorting="crossline", size=(32, 12, 14), code=3)
    make_model(ndim=3, folder=tmp_path / "model")
    out = tmp_path / "out"
    invoke("run", "-i", path, "-m", tmp_path / "model", "-o", out, "--output-format", "segy", "--no-pictures", "-q")
    with segyio.open(path, ignore_geometry=True) as file:
        old = [dict(header) for header in file.header]
    for name in ("dhr", "rgt", "fault_probability", "fault_dip", "fault_strike"):
        with segyio.open(out / f"{name}.sgy", ignore_geometry=True) as file:
            assert [dict(header) for header in file.header] == old
            assert file.bin[segyio.BinField.Format] == 5
        volume = SegY().open(out / f"{name}.sgy")
        np.testing.assert_array_equal(volume.geometry.live, live)
        assert np.isfinite(volume.load()).all()
    inspected = json.loads(invoke("inspect", out / "fault_dip.sgy", "--json").stdout)
    assert inspected["minimum"] >= 0 and inspected["maximum"] <= 180
    assert json.loads((out / "run.json").read_text())["input"]["path"] == str(path)


def test_each_warning_is_said_once_not_for_every_output(make_cube, make_model, text_cards, tmp_path):
    path, *_ = make_cube(size=(32, 12, 14), text=text_cards(["FULL"] * 40), interval=2000)
    make_model(ndim=3, folder=tmp_path / "model")
    parts = ("-m", tmp_path / "model", "-o", tmp_path / "out", "--output-format", "segy", "--no-pictures", "-q")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        run = CliRunner().invoke(cli, ["run", "-i", str(path), *map(str, parts)])
    assert run.exit_code == 0
    said = [line for line in run.stderr.splitlines() if line.startswith("Warning")]
    assert len(said) == len(set(said)) == 2
    assert sum("no card of its text header is free" in line for line in said) == 1
    assert sum("117-118" in line for line in said) == 1


def test_depth_goes_through_a_run_and_its_exports(make_cube, make_model, text_cards, tmp_path):
    path, *_ = make_cube(
        size=(32, 12, 14), text=text_cards(["", "Depth min: -324.00 max: -200.00 delta: 124.00"]), measure=2
    )
    make_model(ndim=3, folder=tmp_path / "model")
    out = tmp_path / "out"
    invoke(
        "run",
        "-i",
        path,
        "-m",
        tmp_path / "model",
        "-o",
        out,
        "--output-format",
        "segy",
        "--no-pictures",
        "-q",
        "--report",
    )
    for name in ("dhr", "rgt"):
        axis = SegY().open(out / f"{name}.sgy").geometry.axes[0]
        assert (axis.name, axis.unit, axis.origin, axis.step) == ("depth", "ft", 200.0, 4.0)
    page = next(out.glob("*.html")).read_text()
    assert "ft" in page and " ms" not in page
    invoke("horizons", out, "--count", "2", "--format", "charisma,iesx,zmap", "--output", tmp_path / "horizons")
    names = [file.name for file in (tmp_path / "horizons").iterdir()]
    assert any("ft" in name for name in names) and not any("_ms" in name for name in names)
