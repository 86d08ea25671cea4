"""The recipes of the packaged models can be trained by, as they stand: only their sizes are made small here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mtlcore.model.checkpoint import read_config
from mtlcore.model.model import ModelConfig

RECIPES = {Path(str(path)).stem: Path(str(path)) for path in (files("mtl_seismic") / "recipes").iterdir()}
LATER = ("-further", "-sizes")
"""Goes that begin with the weights of the one before."""
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
    given = [text for key, value in settings.items() for text in ("--set", f"{key}={json.dumps(value)}")]
    result = mtl("train", "--config", recipe, "--output", "run", *more, *given)
    assert result.exit_code == 0, result.output
    return read_config(Path("run/last"))


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_trains_the_network_of_the_packaged_model(mtl: Callable[..., Result], name: str) -> None:
    shape = [32, 24, 24] if name.endswith("3d") else [48, 40]
    trained = trained_by(mtl, RECIPES[name], shape, *(("--from", "default") if name.endswith(LATER) else ()))
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
