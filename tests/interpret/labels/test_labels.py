"""mtl labels: an interpretation becomes training data, and nothing is said of where nobody looked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from mtl_cli.main import cli
from mtl_seismic.datasets.reference import ReferenceFiles
from mtl_seismic.formats.npy import Npy
from mtl_seismic.interpret.labels.faults import fault_labels, points_on
from mtl_seismic.interpret.labels.horizons import gridded, ordered, time_labels
from mtl_seismic.interpret.labels.sections import split, thinned
from mtl_seismic.interpret.picks import PickedFault, PickedHorizon, Picks, Store
from mtlcore.errors import MtlError
from mtlcore.io.volume import Axis, Geometry
from mtlcore.plugin import plugins
from mtlcore.plugin.outputs import IMAGE

pytest.importorskip("scipy")
SHAPE = (48, 20, 40)
GEOMETRY = Geometry(
    (
        Axis("time", SHAPE[0], 1000.0, 4.0, "ms"),
        Axis("inline", SHAPE[1], 100.0, 1.0, "1"),
        Axis("crossline", SHAPE[2], 300.0, 2.0, "1"),
    ),
    coordinates=((450_000.0, 25.0, 0.0), (6_780_000.0, 0.0, 12.5)),
)


def mtl(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)), prog_name="mtl")


def xy(line: float, trace: float) -> tuple[float, float]:
    return 450_000 + 25 * (100 + line), 6_780_000 + 12.5 * (300 + 2 * trace)


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    """An image of layers that dip along crosslines, with a dead trace."""
    live = np.ones(SHAPE[1:], bool)
    live[4, 5] = False
    depth, _, trace = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    image = np.sin(0.6 * (depth - 0.2 * trace)).astype(np.float32)
    path = tmp_path / "survey.npy"
    with Npy().create(path, GEOMETRY.like(live=live), IMAGE) as writer:
        writer.write(tuple(slice(0, size) for size in SHAPE), image)
    return path


@pytest.fixture
def sticks(tmp_path: Path) -> Path:
    """A fault of five sticks on inlines 104, 106, ... that dips by a trace for two samples; every one a bit farther."""
    rows = []
    for number, line in enumerate((4, 6, 8, 10, 12)):
        for depth in (5, 25, 43):
            x, y = xy(line, 10 + 0.5 * depth + 0.5 * number)
            rows.append(f"INLINE- {100 + line} 300 {x:.2f} {y:.2f} {1000 + 4 * depth:.3f} MAIN {number + 1}")
    path = tmp_path / "faults.charisma"
    path.write_text("\n".join(rows) + "\n", encoding="ascii")
    return path


@pytest.fixture
def horizons(tmp_path: Path) -> list[Path]:
    """Two horizons on inlines 104, 106, ..., one on half of them deeper by 15 samples."""
    paths = []
    for name, start in (("top", 10), ("base", 25)):
        rows = []
        for line in (4, 6, 8, 10, 12):
            for trace in range(SHAPE[2]):
                x, y = xy(line, trace)
                rows.append(f"{x:.2f} {y:.2f} {1000 + 4 * (start + 0.2 * trace):.3f}")
        path = tmp_path / f"{name}.xyz"
        path.write_text("\n".join(rows) + "\n", encoding="ascii")
        paths.append(path)
    return paths


def items(folder: Path, which: str = "train") -> list[dict[str, NDArray[np.float32]]]:
    found = ReferenceFiles().open(str(folder), which, plugins.current().outputs)
    return [found[number] for number in range(len(found))]


def test_sections_with_sticks_and_horizons_become_items(
    survey: Path, sticks: Path, horizons: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "labels"
    flags = [flag for path in horizons for flag in ("--horizons", path)]
    done = mtl("labels", survey, "--sticks", sticks, *flags, "--corridor", 6, "-o", out)
    assert done.exit_code == 0, done.output
    assert f"Next: mtl train --from default --data {out}" in done.stdout
    described = json.loads((out / "dataset.json").read_text())
    assert (described["shape"], described["direction"]) == ([48, 40], "inline")
    assert sorted(described["sections"]["train"] + described["sections"]["valid"]) == [104, 106, 108, 110, 112]
    assert described["horizons"] == ["top", "base"]
    assert len(items(out)) == 4 and len(items(out, "valid")) == 1
    line = round(described["sections"]["train"][1]) - 100
    item = items(out)[1]
    np.testing.assert_array_equal(item["image"], np.load(survey)[:, line, :])
    probability = item["fault_probability"]
    shift = (line - 4) / 2 * 0.5
    for depth in (8, 20, 40):
        on = 10 + 0.5 * depth + shift
        distance = np.abs(np.arange(40) - on) * np.cos(np.arctan(0.5))
        expected = np.where(distance <= 1.5, 1, np.where(distance <= 6, 0, np.nan))
        near = np.abs(distance[:, None] - [1.5, 6]).min(axis=1) < 0.2  # either is right on the edge
        np.testing.assert_array_equal(probability[depth][~near], expected[~near].astype("f4"))
    known = np.isfinite(item["fault_dip"])
    assert np.array_equal(known, probability == 1)
    steep = np.minimum(item["fault_dip"][known], 180 - item["fault_dip"][known])
    np.testing.assert_allclose(steep, np.degrees(np.arctan(2)), atol=0.6)
    time = item["rgt"]
    for trace in (0, 17, 39):
        top, base = 10 + 0.2 * trace, 25 + 0.2 * trace
        rows = np.arange(48)
        near = np.minimum(np.abs(rows - top), np.abs(rows - base)) <= 6
        assert np.array_equal(np.isfinite(time[:, trace]), near)
        at = [np.interp(depth, rows[near], time[near, trace]) for depth in (top, base)]
        np.testing.assert_allclose(at, [(10 + 0.2 * 19.5) / 47, (25 + 0.2 * 19.5) / 47], atol=2e-3)
        assert (np.diff(time[near, trace]) > 0).all()


def test_complete_sections_have_no_faults_elsewhere(survey: Path, sticks: Path, tmp_path: Path) -> None:
    assert mtl("labels", survey, "--sticks", sticks, "--complete", "-o", tmp_path / "l").exit_code == 0
    for item in items(tmp_path / "l"):
        assert np.isfinite(np.delete(item["fault_probability"], 5, axis=1)).all()
    assert not list((tmp_path / "l" / "target_train").glob("*_rgt.bin"))


def test_nothing_is_known_of_dead_traces(survey: Path, sticks: Path, tmp_path: Path) -> None:
    out = tmp_path / "l"
    assert mtl("labels", survey, "--sticks", sticks, "--complete", "--valid", 0.01, "-o", out).exit_code == 0
    described = json.loads((out / "dataset.json").read_text())["sections"]
    for which in ("train", "valid"):
        for line, item in zip(described[which], items(out, which), strict=True):
            assert np.isnan(item["fault_probability"][:, 5]).all() == (line == 104)


def test_a_volume_is_one_item(survey: Path, sticks: Path, tmp_path: Path) -> None:
    out = tmp_path / "l"
    done = mtl("labels", survey, "--sticks", sticks, "--as", "volume", "-o", out, "--json")
    assert done.exit_code == 0, done.output
    (item,) = items(out)
    assert item["fault_probability"].shape == SHAPE
    # Between the sticks the surface is ruled; beyond the outermost ones nothing is known.
    assert item["fault_probability"][20, 7, 20] == 1 or item["fault_probability"][20, 7, 21] == 1
    assert np.isnan(item["fault_probability"][20, 0, 39])
    assert np.isfinite(item["fault_strike"][item["fault_probability"] == 1]).all()


def test_training_learns_from_them(survey: Path, sticks: Path, horizons: list[Path], tmp_path: Path) -> None:
    data, run = tmp_path / "l", tmp_path / "run"
    flags = [flag for path in horizons for flag in ("--horizons", path)]
    assert mtl("labels", survey, "--sticks", sticks, *flags, "-o", data).exit_code == 0
    settings = (
        "--epochs",
        1,
        "--set",
        "train.batch_size=1",
        "--set",
        "train.crop=[32,32]",
        "--freeze",
        "backbone",
        "-q",
    )
    done = mtl("train", "--from", "default", "--data", data, "--output", run, *settings)
    assert done.exit_code == 0, done.output
    assert (run / "best" / "model.safetensors").exists()


def test_picks_of_a_result_are_labels_near_them(survey: Path, tmp_path: Path) -> None:
    result = tmp_path / "result"
    result.mkdir()
    depth, _, trace = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    rgt = ((depth - 0.2 * trace + 10) / 70).astype(np.float32)
    with Npy().create(result / "rgt.npy", GEOMETRY, IMAGE) as writer:
        writer.write(tuple(slice(0, size) for size in SHAPE), rgt)
    record = {
        "input": {"path": str(survey), "shape": list(SHAPE)},
        "config": {"run": {}},
        "format": {"name": "npy", "options": {}},
        "outputs": {"rgt": {"file": "rgt.npy", "unit": "1"}},
    }
    (result / "run.json").write_text(json.dumps(record))
    picks = Picks(
        SHAPE,
        (PickedHorizon("Top Brent", ((15.0, 8.0, 12.0), (19.0, 8.0, 32.0))),),
        (PickedFault("F", (((5.0, 8.0, 20.0), (40.0, 8.0, 25.0)),)),),
    )
    Store(result, SHAPE).write(picks, Store(result, SHAPE).read()[1])
    done = mtl("labels", result, "-o", tmp_path / "l", "--json")
    assert done.exit_code == 0, done.output
    described = json.loads(done.stdout)
    assert 108 in described["sections"]["train"] + described["sections"]["valid"]
    which = "train" if 108 in described["sections"]["train"] else "valid"
    item = items(tmp_path / "l", which)[described["sections"][which].index(108)]
    assert item["fault_probability"][20, 22] == 1
    assert np.isfinite(item["rgt"][15, 12]) and np.isfinite(item["rgt"][19, 32])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "There is nothing to make labels of"),
        (("--sticks", "{sticks}", "--z-factor", "1000"), "no point of 'MAIN' lies in the volume"),
        (("--sticks", "{sticks}", "--as", "crossline"), "No crossline has a stick on it"),
        (("--sticks", "none.txt"), "none.txt cannot be read"),
    ],
)
def test_refusals_leave_no_folder(
    arguments: tuple[str, ...], said: str, survey: Path, sticks: Path, tmp_path: Path
) -> None:
    given = [argument.format(sticks=sticks) for argument in arguments]
    refused = mtl("labels", survey, *given, "-o", tmp_path / "l")
    assert refused.exit_code == 1 and said in refused.stderr, refused.output
    assert not (tmp_path / "l").exists()


def test_horizons_that_cross_have_no_order() -> None:
    one, other = np.full((3, 4), 10.0), np.full((3, 4), 20.0)
    assert ordered([other, one], ["b", "a"]) == [1, 0]
    other[:, :2] = 5
    with pytest.raises(MtlError, match="The horizons 'a' and 'b' cross on 50% of their common traces"):
        ordered([one, other], ["a", "b"])


def test_picks_of_one_trace_are_averaged_and_time_is_unknown_without_a_horizon() -> None:
    grid = gridded(np.array([[10.0, 0, 1], [12, 0, 1], [30, 2, 3]]), (40, 3, 4))
    assert grid[0, 1] == 11 and grid[2, 3] == 30 and np.isnan(grid[1]).all()
    time = time_labels([grid], 40, 3)
    assert np.isfinite(time).sum() == 7 + 7 and np.isnan(time[:, 1, 1]).all()


@pytest.mark.parametrize("dip", [30.0, 60.0, 90.0, 120.0])
def test_dips_of_labels_are_those_of_the_lines(dip: float) -> None:
    down = np.array([np.sin(np.radians(dip)), np.cos(np.radians(dip))])
    middle = np.array([30.0, 30.0])
    labels = fault_labels(
        points_on([[np.array([middle - 20 * down, middle + 20 * down])]]),
        np.argwhere(np.ones((60, 60))).astype(float), 3.0, 8.0, False, (0, 1),
    )  # fmt: skip
    on = labels["fault_probability"] == 1
    assert on.sum() > 60
    # The convention of the field: below 90 towards low x.
    np.testing.assert_allclose(labels["fault_dip"][on], (180 - dip) % 180, atol=1e-3)


def test_splits_are_spread_and_never_empty() -> None:
    assert split(list(range(10)), 0.2) == ([0, 1, 3, 4, 5, 6, 8, 9], [2, 7])
    assert split([4], 0.5) == ([4], [4])
    assert split([1, 2], 0.9) == ([1], [2]) or split([1, 2], 0.9) == ([2], [1])
    assert thinned(list(range(100)), 3) == [0, 50, 99]


def test_one_section_says_so(survey: Path, sticks: Path, tmp_path: Path, make_image: Callable[..., Any]) -> None:
    done = mtl("labels", survey, "--sticks", sticks, "--most", 1, "-o", tmp_path / "l")
    assert done.exit_code == 0 and "one item alone" in done.stderr


def test_a_line_is_one_item(tmp_path: Path) -> None:
    axes = (Axis("depth", 60, 0.0, 5.0, "m"), Axis("cdp", 50, 1.0, 1.0, "1"))
    line = Geometry(axes, coordinates=((100.0, 10.0, 0.0), (0.0, 0.0, 0.0)))
    image = np.random.default_rng(0).standard_normal((60, 50)).astype(np.float32)
    with Npy().create(tmp_path / "line.npy", line, IMAGE) as writer:
        writer.write((slice(0, 60), slice(0, 50)), image)
    rows = [
        f'"F 1"\t{110 + 10 * (10 + k / 2):.2f}\t0.00\t{5.0 * k:.3f}\t0\t{number}'
        for number, k in enumerate((5, 30, 55))
    ]
    (tmp_path / "f.txt").write_text("\n".join(rows) + "\n", encoding="ascii")
    (tmp_path / "top.xyz").write_text("".join(f"{110 + 10 * t} 0 {-5.0 * 20}\n" for t in range(50)), encoding="ascii")
    out = tmp_path / "l"
    done = mtl(
        "labels", tmp_path / "line.npy", "--sticks", tmp_path / "f.txt", "--horizons", tmp_path / "top.xyz", "-o", out
    )
    assert done.exit_code == 0, done.output
    assert "the line; items to train on: 1, to validate: 1" in done.stdout and "one item alone" in done.stderr
    (item,) = items(out)
    np.testing.assert_array_equal(item["image"], image)
    assert item["fault_probability"][30, 25] == 1 and item["fault_probability"][30, 30] == 0
    assert np.isnan(item["fault_probability"][30, 49])
    known = item["fault_probability"] == 1
    steep = np.minimum(item["fault_dip"][known], 180 - item["fault_dip"][known])
    np.testing.assert_allclose(steep, np.degrees(np.arctan(2)), atol=0.1)
    # Elevations are negative below the datum.
    np.testing.assert_allclose(item["rgt"][20], 20 / 59, atol=1e-3)
