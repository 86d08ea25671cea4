"""The recipes that are shipped can be trained by, as they stand: only their sizes are made small here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from safetensors.torch import load_file

from mtlcore.model.checkpoint import read_config
from mtlcore.model.model import ModelConfig

ALL = {Path(str(path)).stem: Path(str(path)) for path in (files("mtl_seismic") / "recipes").iterdir()}
RECIPES = {name: path for name, path in ALL.items() if not name.startswith("reference")}
LATER = ("-further", "-sizes")
"""Goes that begin with the weights of the one before."""
OVER_SECTIONS = "default-mti-3d"
"""Begins with the packaged 2D model over the sections of volumes."""
SMALL: dict[str, Any] = {
    "source.items": 1,
    "source.validation_items": 1,
    "train.epochs": 1,
    "train.epoch_items": 1,
    "train.batch_size": 1,
    "train.workers": 0,
    "train.metric_items": 0,
}


def trained_by(mtl: Callable[..., Result], recipe: Path, shape: list[int], *more: str) -> ModelConfig:
    """The model that a recipe makes of next to nothing."""
    settings = SMALL | {"source.shape": shape, "train.crop": [24] * len(shape)}
    if "--data" in more:  # files are as many as there are
        settings = {key: value for key, value in settings.items() if not key.endswith("items") or "train." in key}
    given = [text for key, value in settings.items() for text in ("--set", f"{key}={json.dumps(value)}")]
    result = mtl("train", "--config", recipe, "--output", "run", *more, *given)
    assert result.exit_code == 0, result.output
    return read_config(Path("run/last"))


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_trains_the_network_of_the_packaged_model(mtl: Callable[..., Result], name: str) -> None:
    shape = [32, 24, 24] if name.endswith("3d") else [48, 40]
    start: tuple[str, ...] = ("--from", "default") if name.endswith(LATER) else ()
    if name == OVER_SECTIONS:
        assert mtl("export", "default", "sections", "--dimensions", "2", "--as-sections").exit_code == 0
        start = ("--from", "sections")
    trained = trained_by(mtl, RECIPES[name], shape, *start)
    packaged = read_config(Path(str(files("mtl_seismic"))) / "models" / re.sub(f"({'|'.join(LATER)})$", "", name))
    for part in ("stage", "backbone", "inputs"):
        assert getattr(trained, part) == getattr(packaged, part)
    assert [task["name"] for task in trained.tasks] == [task["name"] for task in packaged.tasks]


def test_the_reference_is_trained_with_its_own_heads_and_losses(mtl: Callable[..., Result]) -> None:
    recipe = Path(__file__).parents[1] / "benchmarks/reference-mti-2d.toml"
    trained = trained_by(mtl, recipe, [48, 40])
    assert trained.backbone["name"] == "resunet"
    assert {task["name"]: task["variant"] for task in trained.tasks} == dict.fromkeys(
        ("dhr", "rgt", "fault"), "reference"
    )


@pytest.mark.parametrize(("stage", "ndim"), [("mti", 2), ("mtr", 2), ("mti", 3), ("mtr", 3)])
def test_the_references_four_programs_have_recipes(mtl: Callable[..., Result], stage: str, ndim: int) -> None:
    shape = [24, 24, 20][:ndim]
    written = mtl(
        "synth", f"rgm{ndim}d", "data", "--train", "1", "--valid", "1", "--shape", "x".join(map(str, shape)), "-q"
    )
    assert written.exit_code == 0, written.output
    trained = trained_by(mtl, ALL[f"reference-{stage}-{ndim}d"], shape, "--data", "data")
    assert trained.stage["name"] == stage and trained.ndim == ndim
    keys = json.loads((Path(__file__).parents[1] / "resunet/data/keys.json").read_text())
    reference = {"mti": f"mtl{ndim}_infer", "mtr": f"mtl{ndim}_refine"}[stage]
    weights = load_file("run/last/model.safetensors")
    assert sorted(tuple(value.shape) for value in weights.values()) == sorted(map(tuple, keys[reference].values()))
    options = trained.training["options"]
    assert (options["optimizer"], options["learning_rate"], options["schedule"]) == ("adam", 5e-5, "plateau")
