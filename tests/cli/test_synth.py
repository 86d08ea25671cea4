"""``mtl synth``: data sets that ``mtl train`` reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.mark.parametrize("layout", ["reference", "npz", "memmap"])
def test_training_reads_what_synth_writes(layout: str, mtl: Run) -> None:
    made = mtl("synth", "rgm2d", "data", "--train", 2, "--valid", 1, "--shape", "48x40", "--format", layout, "--quiet")
    assert made.exit_code == 0, made.output
    assert json.loads(Path("data/dataset.json").read_text())["recipe"] == "rgm2d"
    tiny = ("--set", "backbone.widths=[4]", "--set", "backbone.features=2", "--set", "train.metric_items=1")
    for source in ("labels", "files"):
        stage = ("--stage", "mtr", "--set", f"stage.train_on={source}", "--set", "stage.name=mtr")
        trained = mtl("train", "--data", "data", "--epochs", 1, "--output", source, *tiny, *stage)
        assert trained.exit_code == 0, trained.output


def test_the_recipes_options_can_be_set(mtl: Run) -> None:
    options = ("--set", "noise_level=[0,0]", "--set", "faults=[1,1]")
    made = mtl("synth", "rgm2d", "data", "--train", 1, "--valid", 0, "--shape", "48x40", "--format", "npz", *options)
    assert made.exit_code == 0, made.output
    dips = np.load("data/train/0.npz")["fault_dip"]
    assert len(np.unique(dips[dips > 0])) <= 1


REFUSALS = {
    "unknown recipe": (("rgm4d", "data"), "rgm4d"),
    "unknown option": (("rgm2d", "data", "--set", "noise=1"), "noise_level"),
    "wrong dimensions": (("rgm3d", "data", "--shape", "48x40"), "3 sizes are needed"),
    "full folder": (("rgm2d", "full"), "full is not an empty folder"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_made_is_refused(case: str, mtl: Run) -> None:
    Path("full").mkdir()
    Path("full/mine.txt").touch()
    arguments, message = REFUSALS[case]
    result = mtl("synth", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert not Path("data").exists()


def test_the_options_of_a_recipe_are_listed_with_default_and_meaning(mtl: Run) -> None:
    shown = mtl("synth", "rgm3d", "--options")
    assert shown.exit_code == 0, shown.output
    lines = [line.split(maxsplit=2) for line in shown.stdout.splitlines()]
    rows = {line[0]: line[1:] for line in lines}
    assert rows["option"] == ["default", "meaning"]
    assert rows["noise_level"] == [
        "[0,0.5]",
        "largest noise over largest signal",
    ]  # its own default, the base's meaning
    assert rows["dip"] == ["[50,130]", "degrees"]
    assert rows["centred_faults"][0] == "false"
    missing = mtl("synth", "rgm3d")
    assert missing.exit_code == 2 and "Missing argument 'DIRECTORY'" in missing.stderr
