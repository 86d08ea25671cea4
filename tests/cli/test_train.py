"""``mtl train``, ``evaluate``, ``export``, ``import``, ``inspect`` and ``models``, as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file

from mtl_seismic.datasets.reference import write_item
from mtlcore.plugin.plugins import current

Run = Callable[..., Result]
SHAPE = (48, 40)
TINY = """
tasks = ["dhr", "fault"]
[backbone]
name = "unet"
widths = [4, 6]
dilations = [1]
features = 4
[train]
epochs = 2
batch_size = 2
crop = [32, 32]
metric_items = 1
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three items for training and one for validation, in the reference's layout, without a word of their shape."""
    outputs = [output for name in ("dhr", "rgt", "fault") for output in current().tasks[name].outputs]
    outputs = [output for output in outputs if 2 in output.ndims]
    random = np.random.default_rng(0)
    for split, count in (("train", 3), ("valid", 1)):
        for index in range(count):
            image = random.standard_normal(SHAPE).astype(np.float32)
            fault = (random.random(SHAPE) < 0.1).astype(np.float32)
            time = np.broadcast_to(np.linspace(0, 1, SHAPE[0], dtype=np.float32)[:, None], SHAPE)
            item = {"image": image, "dhr": image, "rgt": time, "fault_probability": fault, "fault_dip": 70 * fault}
            write_item(tmp_path / "data", split, index, item, outputs)
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path / "data"


def train(mtl: Run, *arguments: object) -> Result:
    return mtl("train", "--config", "tiny.toml", "--data", "data", "--shape", "48x40", *arguments)


def test_from_data_to_a_model_that_runs(mtl: Run, data: Path) -> None:
    trained = train(mtl, "--output", "run")
    assert trained.exit_code == 0, trained.output
    assert "mtl run --model run/best" in trained.stdout
    assert len(Path("run/epochs.csv").read_text().splitlines()) == 3
    assert sorted(path.name for path in Path("run/best").iterdir()) == ["README.md", "config.json", "model.safetensors"]

    evaluated = mtl("evaluate", "--model", "run/best", "--data", "data", "--shape", "48x40", "--json")
    assert evaluated.exit_code == 0, evaluated.output
    figures = json.loads(evaluated.stdout)
    assert len(figures["items"]) == 1
    assert {"dhr.snr", "dhr.input_snr", "fault.f1_2", "fault.dip_error"} <= set(figures["mean"])

    exported = mtl("export", "run", "model")
    assert exported.exit_code == 0, exported.output
    assert Path("model/model.safetensors").read_bytes() == Path("run/best/model.safetensors").read_bytes()
    np.save("image.npy", np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32))
    result = mtl("run", "--model", "model", "--input", "image.npy", "--output", "out", "--no-pictures")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path("out").glob("*.npy")) == [
        "dhr.npy",
        "fault_dip.npy",
        "fault_probability.npy",
    ]


def test_the_card_tells_quality_against_hours_and_where_the_model_is_bad(mtl: Run, data: Path) -> None:
    assert train(mtl, "--output", "run").exit_code == 0
    Path("losses.md").write_text("## Losses compared\n\nNone.\n")
    known = ("--limit", "Salt is not known to it.", "--section", "losses.md")
    assert mtl("export", "run", "model", *known, "--half").exit_code == 0
    card = Path("model/README.md").read_text()
    assert "\n\n## Losses compared\n\nNone.\n\n## Limits\n" in card
    assert "- Salt is not known to it." in card
    _, _, history = card.partition("## Quality against hours of training")
    rows = [line for line in history.splitlines() if line.startswith("| ")]
    assert rows[0].startswith("| epoch | hours | valid_loss | dhr.snr |")
    assert [row.split(" | ")[0] for row in rows[1:3]] == ["| 1", "| 2"]
    # A card that was written once stays as it is when the model is copied.
    assert mtl("export", "model", "copy").exit_code == 0
    assert Path("copy/README.md").read_text().rpartition("<!--")[0] == card.rpartition("<!--")[0]  # the hash differs


def test_figures_in_a_card_are_the_models_own(mtl: Run, data: Path) -> None:
    assert train(mtl, "--output", "run", "--epochs", "1").exit_code == 0
    assert train(mtl, "--output", "other", "--epochs", "1", "--set", "train.seed=3").exit_code == 0
    measured = mtl("evaluate", "--model", "run", "--data", "data", "--shape", "48x40", "--json")
    Path("figures.json").write_text(measured.stdout)
    assert mtl("export", "run", "whole", "--evaluation", "figures.json").exit_code == 0
    assert mtl("export", "run", "part", "--tasks", "fault", "--evaluation", "figures.json").exit_code == 0
    _, _, figures = Path("part/README.md").read_text().partition("## Figures on data")
    figures, _, _ = figures.partition("## Figures on validation data")
    assert "| fault.f1_2 |" in figures and "dhr." not in figures
    refused = mtl("export", "other", "false", "--evaluation", "figures.json")
    assert refused.exit_code and "is of another model than other/best" in refused.stderr
    np.save("image.npy", np.zeros(SHAPE))
    refused = mtl("export", "run", "false", "--section", "image.npy")
    assert refused.exit_code == 1 and "image.npy cannot be read as text" in refused.stderr


def test_a_single_task_can_be_exported(mtl: Run, data: Path) -> None:
    assert train(mtl, "--output", "run", "--epochs", "1").exit_code == 0
    assert mtl("export", "run", "part", "--tasks", "fault").exit_code == 0
    described = mtl("inspect", "part", "--json")
    assert json.loads(described.stdout)["tasks"] == ["fault"]
    refused = mtl("export", "run", "other", "--tasks", "rgt")
    assert refused.exit_code == 1 and "has no task 'rgt'" in refused.stderr


def test_a_tuned_model_goes_part_of_the_way_back(mtl: Run, data: Path) -> None:
    assert train(mtl, "--output", "run", "--epochs", "1").exit_code == 0
    assert train(mtl, "--output", "tuned", "--epochs", "1", "--from", "run").exit_code == 0
    exported = mtl("export", "tuned", "half", "--start-share", "0.25")
    assert exported.exit_code == 0, exported.output
    before, after, half = (load_file(f"{name}/model.safetensors") for name in ("run/best", "tuned/best", "half"))
    for name, value in half.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.25 * before[name] + 0.75 * after[name])
    card = Path("half/README.md").read_text()
    assert "- start_share: 0.25" in card
    assert "at the end of training\n\nNot measured." in card  # the run's figures are of other weights
    measured = mtl("evaluate", "--model", "tuned", "--data", "data", "--shape", "48x40", "--json")
    Path("figures.json").write_text(measured.stdout)
    refused = mtl("export", "tuned", "other", "--start-share", "0.5", "--evaluation", "figures.json")
    assert refused.exit_code == 2 and "evaluate it" in refused.stderr
    refused = mtl("export", "run", "other", "--start-share", "0.5")
    assert refused.exit_code == 2 and "run started from new weights" in refused.stderr
    refused = mtl("export", "tuned/best", "other", "--start-share", "0.5")
    assert refused.exit_code == 2 and "tuned/best is not the folder of a training run" in refused.stderr
    assert train(mtl, "--output", "run", "--epochs", "1", "--force", "--set", "train.seed=3").exit_code == 0
    refused = mtl("export", "tuned", "other", "--start-share", "0.5")
    assert refused.exit_code == 1 and "no longer those that tuned started from: put those back" in refused.stderr
    Path("run").rename("moved")
    refused = mtl("export", "tuned", "other", "--start-share", "0.5")
    assert refused.exit_code == 1 and "tuned started from" in refused.stderr and "leave" in refused.stderr
    assert not Path("other").exists()


@pytest.mark.parametrize("target", ["run", "run/best", "run/last"])
def test_a_runs_own_folders_are_no_place_for_an_export(mtl: Run, data: Path, target: str) -> None:
    assert train(mtl, "--output", "run", "--epochs", "1").exit_code == 0
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    refused = mtl("export", "run", target, "--half", "--force")
    assert refused.exit_code == 1 and f"The output {target} is a folder of the training run run" in refused.stderr
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_a_packaged_model_is_exported_by_its_name(mtl: Run) -> None:
    exported = mtl("export", "default", "part", "--stage", "mtr", "--tasks", "fault")
    assert exported.exit_code == 0, exported.output
    assert "part (mtr, 2D, tasks fault)" in exported.output
    assert "(mti, 3D" in mtl("export", "default", "other", "--dimensions", "3").output
    refused = mtl("export", "default", "none", "--stage", "mtr", "--dimensions", "3")
    assert refused.exit_code == 2
    assert "no 3D model of stage 'mtr'" in refused.output


def test_a_single_task_of_a_refinement_can_be_exported(mtl: Run, tmp_path: Path, make_model: Any) -> None:
    make_model(stage="mtr", folder=tmp_path / "mtr")
    assert mtl("export", tmp_path / "mtr", "part", "--tasks", "dhr").exit_code == 0
    described = json.loads(mtl("inspect", "part", "--json").stdout)
    assert (described["tasks"], described["outputs"]) == (["dhr"], ["dhr (amplitude)"])
    assert "rgt" in described["inputs"]


@pytest.mark.filterwarnings("always::mtlcore.errors.MtlWarning")
def test_a_part_says_what_it_lacks_and_has_no_figures_of_it(mtl: Run, tmp_path: Path, make_model: Any) -> None:
    metrics = {"loss": 1.0, "dhr.snr": 2.0, "rgt.mae": 3.0, "fault.f1_2": 4.0}
    make_model(folder=tmp_path / "whole", training={"metrics": metrics})
    result = mtl("export", "whole", "part", "--tasks", "dhr,rgt")
    assert result.exit_code == 0
    assert "Warning: Task 'rgt' solves with fault_probability, which this part" in result.stderr
    card = Path("part/README.md").read_text()
    assert "dhr.snr" in card and "rgt.mae" not in card and "fault.f1_2" not in card
    assert mtl("export", "whole", "both", "--tasks", "rgt,fault").exit_code == 0
    assert "rgt.mae" in Path("both/README.md").read_text()


def test_a_model_is_fine_tuned_with_its_backbone_frozen(mtl: Run, data: Path) -> None:
    assert train(mtl, "--output", "run").exit_code == 0
    short = ("--epochs", 1, "--set", "train.metric_items=1", "--set", "train.crop=[32, 32]")
    tuned = mtl(
        "train", "--from", "run", "--freeze", "backbone,dhr", "-d", "data", "--shape", "48x40", "-o", "tuned", *short
    )
    assert tuned.exit_code == 0, tuned.output
    job = json.loads(Path("tuned/train.json").read_text())
    assert (Path(job["start"]), job["train"]["freeze"]) == (Path("run").resolve(), ["backbone", "dhr"])
    assert job["backbone"]["widths"] == [4, 6]
    refused = mtl("train", "--resume", "tuned", "--from", "run")
    assert refused.exit_code == 2
    assert "--from cannot be given with --resume" in refused.stderr


def test_options_are_those_of_the_stage_that_a_flag_names(mtl: Run, data: Path) -> None:
    keeping = ("--stage", "mtr", "--set", 'stage.keeps=["dhr"]', "--set", "stage.rounds=2")
    assert train(mtl, "--output", "run", "--epochs", "1", *keeping).exit_code == 0
    stage = json.loads(Path("run/train.json").read_text())["stage"]
    assert (stage["name"], stage["keeps"], stage["rounds"]) == ("mtr", ["dhr"], 2)
    for setting, message in (
        ("stage.rounds=0", "rounds is 0"),
        ("stage.bogus=1", "bogus"),
        ("backbone.bogus=1", "bogus"),
    ):
        refused = train(mtl, "--output", "other", "--stage", "mtr", "--backbone", "unet", "--set", setting)
        assert refused.exit_code and message in refused.stderr, setting
    # A file that names another part says nothing of the one that is asked for.
    assert train(mtl, "--output", "other", "--backbone", "resunet").exit_code == 0


def test_settings_of_a_task_change_its_options_and_not_which_tasks_are_trained(mtl: Run, data: Path) -> None:
    heavy = ("--set", "tasks.fault.weight=4")
    assert train(mtl, "--output", "run", "--epochs", "1", *heavy).exit_code == 0
    tasks = {task["name"]: task["weight"] for task in json.loads(Path("run/train.json").read_text())["tasks"]}
    assert tasks == {"dhr": 1, "fault": 4}
    again = ("train", "--from", "run", "--data", "data", "--shape", "48x40", "--epochs", "1", "--output", "again")
    assert mtl(*again, "--set", "tasks.dhr.weight=3", "--set", "train.crop=[32,32]").exit_code == 0
    tasks = {task["name"]: task["weight"] for task in json.loads(Path("again/train.json").read_text())["tasks"]}
    assert tasks == {"dhr": 3, "fault": 4}
    refused = train(mtl, "--output", "other", "--set", "tasks.fualt.weight=5")
    assert refused.exit_code and "'fualt', which is not trained. Did you mean 'fault'?" in refused.stderr


def test_what_flags_say_may_stand_in_the_file(mtl: Run, data: Path) -> None:
    text = 'data = "data"\nshape = "48x40"\nepochs = 1\nfreeze = "encoder"\nfrom = "run"\ntrain.crop = [32, 32]\n'
    assert train(mtl, "--output", "run", "--epochs", "1").exit_code == 0
    Path("all.toml").write_text(text)
    result = mtl("train", "--config", "all.toml", "--output", "again")
    assert result.exit_code == 0, result.output
    job = json.loads(Path("again/train.json").read_text())
    assert (Path(job["start"]), job["source"]["shape"]) == (Path("run").resolve(), [48, 40])
    assert job["train"]["epochs"] == 1
    assert job["train"]["freeze"] == ["encoder"]


def test_a_run_goes_on(mtl: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert train(mtl, "--output", "run", "--epochs", "1").exit_code == 0
    result = mtl("train", "--resume", "run", "--set", "train.epochs=2")
    assert result.exit_code == 0, result.output
    assert len(Path("run/epochs.csv").read_text().splitlines()) == 3
    assert mtl("train", "--resume", "run", "--epochs", "3").exit_code == 0
    assert len(Path("run/epochs.csv").read_text().splitlines()) == 4
    monkeypatch.setenv("MTL_TRAIN_EPOCHS", "4")
    assert mtl("train", "--resume", "run").exit_code == 0
    assert len(Path("run/epochs.csv").read_text().splitlines()) == 5
    refused = mtl("train", "--resume", "run", "--stage", "mtr")
    assert refused.exit_code == 2 and "--stage cannot be given with --resume" in refused.stderr
    job = Path("run/train.json").read_text()
    for setting in ("tasks.dhr.weight=2", 'tasks=[{name="dhr"}]', "task_options.dhr.weight=2", "start = 'default'"):
        refused = mtl("train", "--resume", "run", "--epochs", 9, "--set", setting)
        assert refused.exit_code and "mtl train --from run begins a new run" in refused.stderr, setting
    assert Path("run/train.json").read_text() == job


def test_a_run_goes_on_from_another_folder(
    mtl: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(mtl, "--output", "run", "--epochs", "1").exit_code == 0
    refining = ("--stage", "mtr", "--set", 'stage.train_on="model"', "--set", 'stage.model="run/best"')
    assert train(mtl, "--output", "refining", "--epochs", "1", *refining, "--from", "run").exit_code == 0
    monkeypatch.chdir(tmp_path.parent)
    for name in ("run", "refining"):
        result = mtl("train", "--resume", tmp_path / name, "--epochs", "2")
        assert result.exit_code == 0, result.output


REFUSALS = {
    "no data": (("train",), "No training data: use --data"),
    "missing data": (("train", "--data", "nowhere"), "nowhere"),
    "no shape": (("train", "--data", "data"), "shape"),
    "wrong shape": (("train", "--data", "data", "--shape", "48x41"), "bytes"),
    "unknown option": (("train", "--data", "data", "--set", "train.epoch=3"), "Did you mean 'epochs'?"),
    "unknown recipe": (("train", "--data", "synth:rgm2e"), "Unknown recipe 'rgm2e'. Did you mean"),
    "unknown task option": (("train", "--data", "data", "--shape", "48x40", "--set", "tasks.dhr.wait=3"), "weight"),
    "resume nothing": (("train", "--resume", "nowhere"), "nowhere is not a training run"),
    "export nothing": (("export", "nowhere", "model"), "No model 'nowhere'"),
    "inspect nothing": (("inspect", "nowhere"), "nowhere does not exist"),
    "inspect without a shape": (("inspect", "data"), "Use --shape DEPTHxTRACES"),
    "import nothing": (("import", "none.ckpt", "model"), "none.ckpt does not exist"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_done_is_refused_in_one_line(case: str, mtl: Run, data: Path) -> None:
    arguments, message = REFUSALS[case]
    result = mtl(*arguments)
    assert result.exit_code in (1, 2), result.output
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not Path("runs").exists() and not Path("model").exists()


def test_a_run_folder_is_not_overwritten(mtl: Run, data: Path) -> None:
    Path("run").mkdir()
    Path("run/notes.txt").write_text("keep")
    refused = train(mtl, "--output", "run")
    assert refused.exit_code == 1 and "--force" in refused.stderr


def test_inspect_says_what_things_are(mtl: Run, data: Path) -> None:
    np.save("image.npy", np.ones((20, 10), dtype=np.float32) * np.arange(10, dtype=np.float32))
    described = mtl("inspect", "image.npy")
    assert described.exit_code == 0, described.output
    assert "2D seismic image" in described.stdout and "20" in described.stdout
    described = mtl("inspect", "data", "--shape", "48x40")
    assert "data set" in described.stdout and "3 items" in described.stdout
    assert train(mtl, "--output", "run", "--epochs", "1").exit_code == 0
    assert "training run" in mtl("inspect", "run").stdout
    assert "model" in mtl("inspect", "run/best").stdout
    for file, folder in (("train.json", "run"), ("best/model.safetensors", "run/best")):
        assert mtl("inspect", f"run/{file}").stdout == mtl("inspect", folder).stdout


def test_a_checkpoint_of_strangers_is_refused_by_its_keys(mtl: Run) -> None:
    torch.save({"state_dict": {"layer.weight": torch.zeros(2)}}, "other.ckpt")
    result = mtl("import", "other.ckpt", "model")
    assert result.exit_code == 1
    assert "layer.weight" in result.stderr
    assert not Path("model").exists()
