"""The recipes of the packaged models can be trained by, as they stand: only their sizes are made small here."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mtlcore.checkpoint import read_config

RECIPES = {Path(str(path)).stem: Path(str(path)) for path in (files("mtl_seismic") / "recipes").iterdir()}
FROM = {"default-mti-2d-further": ("--from", "default")}
SMALL: dict[str, Any] = {
    "source.items": 1,
    "source.validation_items": 1,
    "train.epochs": 1,
    "train.epoch_items": 1,
    "train.batch_size": 1,
    "train.workers": 0,
    "train.metric_items": 0,
}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_trains_the_network_of_the_packaged_model(mtl: Callable[..., Result], name: str) -> None:
    shape = [32, 24, 24] if name.endswith("3d") else [48, 40]
    settings = SMALL | {"source.shape": shape, "train.crop": [24] * len(shape)}
    given = [text for key, value in settings.items() for text in ("--set", f"{key}={json.dumps(value)}")]
    result = mtl("train", "--config", RECIPES[name], "--output", "run", *FROM.get(name, ()), *given)
    assert result.exit_code == 0, result.output
    packaged = read_config(Path(str(files("mtl_seismic"))) / "models" / name.removesuffix("-further"))
    trained = read_config(Path("run/last"))
    for part in ("stage", "backbone", "inputs"):
        assert getattr(trained, part) == getattr(packaged, part)
    assert [task["name"] for task in trained.tasks] == [task["name"] for task in packaged.tasks]
