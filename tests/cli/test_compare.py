"""``mtl compare``, and ``mtl evaluate`` pass by pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SOURCE = ("--data", "synth:rgm2d", "--set", "source.shape=[48,48]", "--set", "source.validation_items=3")


@pytest.fixture
def models(make_model: Any, tmp_path: Path) -> list[Path]:
    """Two models of different random weights, and one that refines."""
    found = [tmp_path / name for name in ("one", "two", "three")]
    for seed, folder in enumerate(found):
        make_model(tasks=("dhr", "fault"), stage="mtr" if seed == 2 else "mti", seed=seed, folder=folder)
    return found


def test_models_are_compared_item_by_item(mtl: Any, models: list[Path]) -> None:
    shown = mtl("compare", models[0], models[1], *SOURCE, "-q")
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0] == f"A: {models[0]}" and lines[2].split() == ["metric", "A", "B", "B", "-", "A", "items"]
    assert any(line.startswith("dhr.input_snr") and "+0 [+0, +0]" in line for line in lines)
    found = json.loads(mtl("compare", models[0], f"{models[0]}+{models[2]}", *SOURCE, "--json").stdout)
    (row,) = [row for row in found["figures"] if row["name"] == "dhr.snr"]
    assert row["differences"][0]["mean"] == pytest.approx(row["means"][1] - row["means"][0])
    assert row["differences"][0]["items"] == 3


def test_what_evaluations_printed_is_compared_too(mtl: Any, models: list[Path]) -> None:
    for name, model, more in (("a", models[0], ()), ("b", models[1], ()), ("c", models[1], ("--limit", "2"))):
        Path(f"{name}.json").write_text(mtl("evaluate", "-m", model, *SOURCE, *more, "--json").stdout)
    from_files = json.loads(mtl("compare", "a.json", "b.json", "--json").stdout)["figures"]
    computed = json.loads(mtl("compare", models[0], models[1], *SOURCE, "--json").stdout)["figures"]
    assert [row["name"] for row in from_files] == [row["name"] for row in computed]
    assert from_files[0]["means"] == pytest.approx(computed[0]["means"])
    refused = mtl("compare", "a.json", "c.json")
    assert refused.exit_code == 1 and "The evaluations are of 2, 3 items: expected the same ones." in refused.stderr


def test_what_cannot_be_compared_is_refused(mtl: Any, models: list[Path]) -> None:
    for arguments, words in (
        ((models[0],), "One model cannot be compared"),
        ((models[0], models[1]), "No data to compare on"),
        ((models[0], models[1], "--curves", "c.png"), "none of the models is the folder of one"),
    ):
        refused = mtl("compare", *arguments)
        assert refused.exit_code == 2 and words in refused.stderr


def test_every_pass_is_evaluated(mtl: Any, models: list[Path]) -> None:
    both = ("-m", models[0], "-m", models[2], "--iterations", "2", *SOURCE, "--limit", "2")
    shown = mtl("evaluate", *both, "-q")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[0].split() == ["metric", "mti", "mtr", "1", "mtr", "2", "items"]
    found = json.loads(mtl("evaluate", *both, "--json").stdout)
    alone = json.loads(mtl("evaluate", "-m", models[0], *SOURCE, "--limit", "2", "--json").stdout)
    once = json.loads(mtl("evaluate", *both[:4], *SOURCE, "--limit", "2", "--json").stdout)
    assert list(found["passes"]) == ["mti", "mtr 1", "mtr 2"] and found["passes"]["mtr 2"] == found["mean"]
    for name, value in alone["mean"].items():
        assert found["passes"]["mti"][name] == pytest.approx(value, nan_ok=True), name
        assert found["passes"]["mtr 1"][name] == pytest.approx(once["mean"][name], nan_ok=True), name
