"""Picked horizons, polarity, maps, tables: what an interpreter takes away."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from mtl_cli.main import cli
from mtl_seismic.interpret.horizons.along import sample_along
from mtl_seismic.interpret.horizons.polarity import polarity
from mtl_seismic.interpret.picks import PickedHorizon, Picks, Store
from mtl_seismic.interpret.picks.horizons import surface_through
from mtlcore.errors import MtlError
from mtlcore.io.volume import ArrayVolume, Geometry


def mtl(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["horizons", *map(str, arguments), "--no-picture"], prog_name="mtl")


def done(*arguments: object) -> dict[str, Any]:
    result = mtl(*arguments, "--json")
    assert result.exit_code == 0, result.output
    record: dict[str, Any] = json.loads(result.stdout)
    return record


@pytest.fixture
def result(survey: Geometry, layers: Callable[..., Any], write_result: Callable[..., Path]) -> Path:
    rgt, image = layers(survey.shape)
    return write_result(survey, image, rgt=rgt, dhr=image)


def pick(result: Path, *horizons: PickedHorizon) -> None:
    store = Store(result, (50, 4, 6))
    store.write(Picks((50, 4, 6), horizons), store.read()[1])


def test_picked_horizons_are_listed_and_written_with_their_names(result: Path) -> None:
    pick(result, PickedHorizon("Top Brent", ((20.0, 2.0, 3.0),)), PickedHorizon("B2", ((30.0, 2.0, 3.0),)))
    assert [row["name"] for row in done(result, "--list")["horizons"]] == ["Top Brent", "B2"]
    record = done(result, "-f", "xyz,charisma,iesx,cps3,zmap,npy")
    first = record["horizons"][0]
    assert (first["name"], first["picked"], len(first["files"])) == ("Top Brent", True, 6)
    samples = np.load(result / "horizons" / "Top_Brent_ms_down.npy")[0]
    assert samples[2, 3] == pytest.approx(20, abs=1e-4)
    assert (result / "horizons" / first["files"]["iesx"]).read_text().startswith("PROFILE Top Brent       TYPE 1")
    rows = done(result, "--list")["horizons"]
    assert [row["from"] for row in rows] == ["picks.json", "picks.json", "horizons", "horizons"]


def test_a_horizon_passes_through_all_of_its_points_and_is_times_far_from_them(
    layers: Callable[..., Any],
) -> None:
    rgt, _ = layers((180, 150))
    points = ((30.0, 20.0), (33.0, 26.0), (29.5, 24.0))
    found = surface_through(PickedHorizon("p", points), {"rgt": ArrayVolume(rgt)})
    for row, trace in points:
        assert found.depth[int(trace)] == pytest.approx(row, abs=1e-3)
    plain = surface_through(PickedHorizon("p", (points[0],)), {"rgt": ArrayVolume(rgt)})
    times = [plain.value, found.value]
    far = found.depth[120:] - plain.depth[120:]
    # A horizon of another time lies as much deeper everywhere in plane layers.
    np.testing.assert_allclose(far, (times[1] - times[0]) * 200, atol=1e-2)


def test_points_without_time_are_an_error_only_if_there_is_no_other(layers: Callable[..., Any]) -> None:
    rgt, _ = layers((60, 30))
    rgt[:, 5] = 0
    time = {"rgt": ArrayVolume(rgt)}
    found = surface_through(PickedHorizon("p", ((30.0, 20.0), (30.0, 5.0))), time)
    assert found.depth[20] == pytest.approx(30, abs=1e-3) and np.isnan(found.depth[5])
    with pytest.raises(MtlError, match="passes through no live trace"):
        surface_through(PickedHorizon("p", ((30.0, 5.0),)), time)
    with pytest.raises(MtlError, match="needs rgt"):
        surface_through(PickedHorizon("p", ((30.0, 5.0),)), {})


@pytest.mark.parametrize(
    ("phase", "name"),
    [(0, "peak"), (90, "zero crossing, + to -"), (180, "trough"), (-90, "zero crossing, - to +"), (20, "peak")],
)
def test_polarity_is_that_of_the_mean_waveform(phase: float, name: str) -> None:
    depth = np.linspace(40, 60, 30).astype(np.float32)
    rows = np.arange(100)[:, None] - depth
    image = np.exp(-((rows / 7) ** 2)) * np.cos(0.5 * rows + np.radians(phase))
    image += 0.2 * np.random.default_rng(0).standard_normal(image.shape)
    found = polarity(depth, ArrayVolume(image.astype(np.float32)))
    assert found["polarity"] == name
    assert abs((found["phase_degrees"] - phase + 180) % 360 - 180) < 12


def test_polarity_is_none_in_noise_and_beyond_the_volume() -> None:
    noise = ArrayVolume(np.random.default_rng(0).standard_normal((100, 400)).astype(np.float32))
    assert polarity(np.full(400, 50, np.float32), noise)["polarity"] is None
    assert polarity(np.full(400, np.nan, np.float32), noise)["mean_amplitude"] is None


@pytest.mark.parametrize("chunk", [1, 1 << 23])
def test_statistics_along_a_horizon(chunk: int) -> None:
    field = np.random.default_rng(0).standard_normal((30, 4, 5)).astype(np.float32)
    depth = np.full((4, 5), 10, np.float32)
    depth[0, 0], depth[1, 1] = np.nan, 28
    window = field[8:13, 2, 3]
    expected = {"value": window[2], "mean": window.mean(), "maximum": window.max(), "minimum": window.min()}
    for name, value in (expected | {"rms": np.sqrt((window**2).mean())}).items():
        found = sample_along(ArrayVolume(field), depth, name, 2, chunk)
        assert found[2, 3] == pytest.approx(float(value), rel=1e-5), name
        assert np.isnan(found[0, 0])
        assert np.isnan(found[1, 1]) == (name != "value")


def test_maps_isochrons_and_a_table(result: Path) -> None:
    seeds = ("--seed", "104,203,1080", "--seed", "104,203,1100", "--name", "Upper one", "--name", "Lower")
    record = done(result, *seeds, "-f", "xyz,zmap,npy,iesx", "--map", "dhr:rms:4", "--map", "image", "--isochrons")
    folder = result / "horizons"
    upper = record["horizons"][0]
    assert set(upper["maps"]) == {"dhr_rms_4", "image"} and set(upper["maps"]["image"]) == {"xyz", "zmap", "npy"}
    samples = np.load(folder / upper["files"]["npy"])[0]
    rms = np.load(folder / upper["maps"]["dhr_rms_4"]["npy"])[1]
    dhr = np.load(result / "dhr.npy")[:, 1, 2]
    values = np.interp(samples[1, 2] + np.arange(-4, 5), np.arange(50), dhr)
    assert rms[1, 2] == pytest.approx(float(np.sqrt((values**2).mean())), rel=1e-4)
    (thickness,) = record["isochrons"]
    assert (thickness["name"], thickness["unit"]) == ("Upper one to Lower", "ms")
    assert thickness["mean"] == pytest.approx(20, abs=0.01)
    with (folder / "horizons.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["Upper one", "Lower"]
    assert float(rows[0]["mean"]) == pytest.approx(upper["mean"]) and rows[0]["polarity"] == upper["polarity"]


def test_an_empty_horizon_is_not_written(
    survey: Geometry, layers: Callable[..., Any], write_result: Callable[..., Path]
) -> None:
    rgt, image = layers(survey.shape)
    result = write_result(survey, image, rgt=rgt, fault_probability=np.full_like(image, 0.5))
    refused = mtl(result, "--seed", "104,203,1080", "--min-quality", "0.9")
    assert refused.exit_code == 1
    assert "No horizon is defined anywhere" in refused.stderr
    assert not (result / "horizons").exists()


def test_the_report_is_renewed_where_there_is_one(result: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert "report" not in mtl(result, "--count", 1).stderr
    page = result / "report.html"
    page.write_text("an older page", encoding="utf-8")
    mtl(result, "--count", 1, "-o", tmp_path / "elsewhere")
    assert page.read_text(encoding="utf-8") == "an older page"
    renewed = mtl(result, "--count", 1, "--force", "--name", "Base Chalk")
    assert renewed.exit_code == 0, renewed.output
    assert f"Renewed: {page}" in renewed.stderr and "Base Chalk" in page.read_text(encoding="utf-8")
