"""Training runs: the loss falls, every option works, and a run that was stopped goes on as if it had not been."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mtl_seismic.stages import mtr
from mtlcore import MtlError, hookimpl
from mtlcore.errors import MtlWarning
from mtlcore.model.checkpoint import load_model, save_model
from mtlcore.model.model import Model
from mtlcore.plugin.plugins import Plugins
from mtlcore.training.job import read_job
from mtlcore.training.optimise import Objective
from mtlcore.training.train import train

ALL = [{"name": name} for name in ("dhr", "rgt", "fault")]


def weights(folder, which="last"):
    return load_file(folder / which / "model.safetensors")


def same_weights(one, other):
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def distance(one, other):
    """The largest difference between two runs' weights; their statistics of normalisation left out."""
    first, second = weights(one), weights(other)
    return max(float((first[name] - second[name]).abs().max()) for name in first if name.endswith(("weight", "bias")))


class StopAfter:
    """Send this process a signal when so many steps are done."""

    def __init__(self, steps, number=signal.SIGTERM, stage="train"):
        self.steps, self.number, self.stage = steps, number, stage

    @hookimpl
    def step_finished(self, stage, step):
        if stage == self.stage and step == self.steps:
            os.kill(os.getpid(), self.number)


def stopped(job, folder, listener, resume=False):
    plugins = Plugins()
    with plugins.listening(listener), pytest.raises(KeyboardInterrupt, match=f"mtl train --resume {folder}"):
        train(job, folder, plugins, resume=resume)


def test_the_loss_falls_and_both_models_are_kept(run, figures):
    folder = run(epochs=6, epoch_items=12, average=0.9)
    rows = figures(folder)
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert float(rows[-1]["valid_loss"]) < float(rows[0]["valid_loss"])
    assert sorted(path.name for path in folder.iterdir()) == [
        "best", "epochs.csv", "last", "log.jsonl", "state.safetensors", "train.json",
    ]  # fmt: skip
    best, last = load_model(folder / "best"), load_model(folder / "last")
    assert last.config.training["epochs"] == 6
    losses = [float(row["valid_loss"]) for row in rows]
    assert best.config.training["epochs"] == losses.index(min(losses)) + 1
    assert best.config.training["metrics"]["valid_loss"] == pytest.approx(min(losses))
    job = read_job(folder)
    assert job.train["epochs"] == 6
    assert job.train["schedule"] == "cosine"  # what was left to defaults is written down too
    assert job.augment["flip"] is True
    assert job.stage["name"] == "mti"
    json.loads((folder / "best" / "config.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("step", [1, 4, 6])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(run, job, figures, tmp_path, step, number):
    options = {"epochs": 3, "learned_weights": True, "average": 0.9, "augment": {"pieces": 2}}
    whole, folder = run(**options), tmp_path / "stopped"
    stopped(job(**options), folder, StopAfter(step, number))
    train(read_job(folder), folder, Plugins(), resume=True)
    assert figures(folder) == figures(whole)
    assert same_weights(folder, whole)
    first, second = (load_file(path / "state.safetensors") for path in (folder, whole))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("optimizer", ["muon", "adam", "sgd"])
def test_other_optimizers_go_on_bit_for_bit(run, job, figures, tmp_path, optimizer):
    options = {"optimizer": optimizer, "schedule": "plateau", "plateau_patience": 0, "average": 0.0}
    whole, folder = run(**options), tmp_path / "stopped"
    stopped(job(**options), folder, StopAfter(2))
    stopped(job(**options), folder, StopAfter(4), resume=True)
    train(job(**options), folder, Plugins(), resume=True)
    assert figures(folder) == figures(whole)
    assert same_weights(folder, whole)


def test_what_a_resumed_run_was_told_to_change_holds_when_it_is_resumed_again(run, job, figures, tmp_path):
    whole, folder = run(epochs=3), tmp_path / "stopped"
    train(job(epochs=1), folder, Plugins())
    longer = replace(read_job(folder), train=read_job(folder).train | {"epochs": 3})
    stopped(longer, folder, StopAfter(4), resume=True)
    train(read_job(folder), folder, Plugins(), resume=True)
    assert len(figures(folder)) == len(figures(whole)) == 3


def test_hours_count_the_part_of_an_epoch_before_a_stop(job, tmp_path):
    class SlowStop(StopAfter):
        @hookimpl
        def step_finished(self, stage, step):
            if stage == "train":
                time.sleep(0.5)
            super().step_finished(stage, step)

    folder = tmp_path / "stopped"
    stopped(job(epochs=1), folder, SlowStop(2))
    train(job(epochs=1), folder, Plugins(), resume=True)
    with (folder / "epochs.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["hours"]) * 3600 > 0.5


def test_another_optimizer_cannot_go_on(job, tmp_path):
    folder = tmp_path / "stopped"
    stopped(job(), folder, StopAfter(2))
    with pytest.raises(MtlError, match="holds the memory of adamw"):
        train(job(optimizer="muon"), folder, Plugins(), resume=True)
    train(job(), folder, Plugins(), resume=True)


def test_a_signal_during_validation_stops_the_run_with_everything_saved(run, job, figures, tmp_path):
    whole, folder = run(epochs=3), tmp_path / "stopped"
    stopped(job(epochs=3), folder, StopAfter(1, stage="epoch"))
    assert len(figures(folder)) == 1
    train(job(epochs=3), folder, Plugins(), resume=True)
    assert figures(folder) == figures(whole)
    assert same_weights(folder, whole)


def test_a_run_that_dies_between_two_saves_goes_on_from_the_last_one(run, job, figures, tmp_path):
    """The log may then have a step twice; the later row counts."""

    class Die:
        @hookimpl
        def step_finished(self, stage, step):
            if stage == "train" and step == 5:
                raise RuntimeError("power cut")

    whole, folder, plugins = run(epochs=2), tmp_path / "dead", Plugins()
    with plugins.listening(Die()), pytest.raises(RuntimeError, match="power cut"):
        train(job(epochs=2), folder, plugins)
    train(job(epochs=2), folder, Plugins(), resume=True)
    assert figures(folder) == figures(whole)
    assert same_weights(folder, whole)


def test_resuming_a_finished_run_changes_nothing(run, job, figures):
    folder = run()
    before = {path: path.read_bytes() for path in (*folder.rglob("*.safetensors"), folder / "train.json")}
    rows = figures(folder)
    changed = replace(read_job(folder), train=read_job(folder).train | {"learning_rate": 0.5})
    with pytest.warns(MtlWarning, match="nothing is left to train"):
        assert train(changed, folder, Plugins(), resume=True) == folder / "best"
    assert figures(folder) == rows
    assert {path: path.read_bytes() for path in before} == before


def test_a_new_run_in_an_old_folder_does_not_go_on_with_its_logs(run, job, figures):
    folder = run()
    train(job(epochs=1), folder, Plugins())
    assert [row["step"] for row in figures(folder)] == ["1"]


def test_workers_change_nothing(run, figures):
    alone, helped = run(), run(workers=1)
    assert figures(alone) == figures(helped)
    assert same_weights(alone, helped)


def test_a_signal_to_the_whole_group_leaves_a_state_though_workers_hear_it_too(run, job, script, tmp_path):
    """As Ctrl-C on a terminal does, and as batch systems do."""
    options = job(epochs=60, workers=1)
    folder = tmp_path / "stopped"
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(script), json.dumps(asdict(options)), str(folder)],
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        log = folder / "log.jsonl"
        for _ in range(2400):
            if log.exists() and log.read_text().count("\n") >= 7:
                break
            assert process.poll() is None, process.stderr.read()
            signal.sigtimedwait([], 0.05)
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130, errors
    assert f"mtl train --resume {folder}" in output
    assert "Traceback" not in errors
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    done = max(row["step"] for row in rows if row["stage"] == "train")
    stopped(job(epochs=60), folder, StopAfter(done + 1), resume=True)


def test_two_processes_take_the_steps_of_one(run, job, on_two_processes, tmp_path, figures):
    """By SGD, which shows gradients of a wrong size; Adam hides them.

    Adam would also magnify rounding: a unit that rounding switches on has a gradient of rounding's size, and Adam
    divides by it, so that now and then two runs part, whatever the number of ranks.
    """
    options = {"batch_size": 4, "epoch_items": 12, "learned_weights": True, "optimizer": "sgd"}
    alone, at_rest, folder = run(**options), run(**options, learning_rate=1e-12), tmp_path / "two"
    on_two_processes(job(**options), folder)
    moved, apart = distance(alone, at_rest), distance(alone, folder)
    assert apart < 1e-3 * moved, (apart, moved)
    for one, other in zip(figures(alone), figures(folder), strict=True):
        for figure in ("loss", "valid_loss", "train_rgt", "valid_dhr"):
            assert float(one[figure]) == pytest.approx(float(other[figure]), rel=1e-5), figure


def test_seeds(run, figures):
    one, again, other = run(seed=3), run(seed=3), run(seed=4)
    assert figures(one) == figures(again)
    assert same_weights(one, again)
    assert figures(one) != figures(other)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adam", "schedule": "constant"},
        {"optimizer": "sgd", "learning_rate": 1e-3, "schedule": "plateau"},
        {"average": 0.0, "gradient_clip": 0.0},
        {"learned_weights": True},
        {"precision": "bfloat16"},
        {"precision": "float16"},
        {"crop": [0, 24]},
        {"batch_size": 5, "epoch_items": 3},
        {"augment": {"flip": False, "polarity": 0.0, "amplitude": 1.0}},
        {"augment": {"pieces": 2}},
    ],
    ids=str,
)
def test_options_run_and_learn_finite_weights(run, figures, options):
    folder = run(epochs=1, **options)
    assert all(math.isfinite(float(row["valid_loss"])) for row in figures(folder))
    assert all(torch.isfinite(value).all() for value in weights(folder).values())


@pytest.mark.parametrize("tasks", [("dhr",), ("rgt",), ("fault",), ("dhr", "fault")], ids="+".join)
@pytest.mark.parametrize("stage", ["mti", "mtr"])
def test_any_subset_of_tasks_is_trained_in_both_stages(run, stage, tasks):
    folder = run(epochs=1, stage={"name": stage}, tasks=tuple({"name": name} for name in tasks))
    assert [task.name for task in load_model(folder / "best").tasks] == list(tasks)


def test_refinement_is_trained_on_files_and_on_a_models_answers(run, make_model, tmp_path):
    make_model(folder=tmp_path / "mti")
    for stage in ({"train_on": "files"}, {"train_on": "model", "model": str(tmp_path / "mti")}, {"image": False}):
        folder = run(epochs=1, stage={"name": "mtr", **stage})
        model = load_model(folder / "best")
        assert ("image" in model.config.inputs) == stage.get("image", True)


def test_a_models_answers_may_be_kept_for_the_next_pass(run, make_model, tmp_path, monkeypatch, figures):
    make_model(folder=tmp_path / "mti")
    asked = []
    answer = mtr._from_model
    monkeypatch.setattr(mtr, "_from_model", lambda *given: asked.append(given[2]["image"]) or answer(*given))
    stage = {"name": "mtr", "train_on": "model", "model": str(tmp_path / "mti")}
    plain, kept = (run(epochs=3, stage=stage | {"cache": cache}) for cache in (False, True))
    assert same_weights(plain, kept)
    unlike = {image.tobytes() for image in asked}
    assert len(unlike) == 8  # six items and two of validation
    assert len(asked) > 3 * len(unlike)
    asked.clear()
    run(epochs=3, stage=stage | {"cache": True})
    assert not asked


def test_refinement_is_trained_on_its_own_passes_too(make_model):
    """Of a batch's items every second one has been refined once before; a kept task stays as it was."""
    model = make_model(stage={"name": "mtr", "rounds": 2, "keeps": ["rgt"]})
    objective = Objective(model.net, model.stage, model.tasks, learned=False, precision="float32")
    torch.manual_seed(0)
    names = ("dhr", "rgt", "fault_probability", "fault_dip")
    image, given = torch.randn(4, 1, 16, 12), {name: torch.rand(4, 1, 16, 12) for name in names}
    read = objective._refined(image, given)
    again = (torch.arange(4) % 2 == 1).view(4, 1, 1, 1)
    for name in names:
        changed = (read[name] != given[name]).flatten(1).any(1).view(4, 1, 1, 1)
        assert torch.equal(changed, again if name != "rgt" else again & False), name
    assert not any(values.requires_grad for values in read.values())
    assert objective.eval()._refined(image, given) is given


def test_a_task_that_refinement_keeps_has_no_head_and_no_loss(run, figures):
    folder = run(epochs=1, stage={"name": "mtr", "keeps": ["rgt"], "rounds": 2})
    assert not any("rgt" in name for name in weights(folder))
    (row,) = figures(folder)
    assert "train_fault" in row and "train_rgt" not in row
    assert math.isfinite(float(row["rgt.horizon_mean"]))  # of what it was given


def test_refinement_needs_what_it_is_trained_on(run, make_model, tmp_path, make_image):
    make_model(tasks=("dhr",), folder=tmp_path / "dhr")
    with pytest.raises(MtlError, match="no task 'fault'"):
        run(epochs=1, stage={"name": "mtr", "train_on": "model", "model": str(tmp_path / "dhr")})
    with pytest.raises(MtlError, match=r"stage.cache is given, but stage.train_on is 'labels'"):
        run(epochs=1, stage={"name": "mtr", "cache": True})
    with pytest.raises(MtlError, match=r"stage\.model names none"):
        run(epochs=1, stage={"name": "mtr", "train_on": "model"})
    source = {"items": 2, "validation_items": 1, "shape": [48, 48]}
    with pytest.raises(MtlError, match="no refinement input 'dhr'"):
        run(epochs=1, data="synth:rgm2d", source=source, stage={"name": "mtr", "train_on": "files"})


@pytest.mark.parametrize("recipe", ["rgm2d", "rgm3d"])
def test_generated_items_are_trained_on_in_2d_and_3d(run, recipe):
    shape = [48, 48] if recipe == "rgm2d" else [24, 24, 24]
    source = {"items": 2, "validation_items": 1, "shape": shape}
    folder = run(epochs=1, data=f"synth:{recipe}", source=source, crop=None)
    assert load_model(folder / "best").ndim == len(shape)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs"),
        ({"average": 1.0}, "average"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"optimizer": "lion"}, "optimizer"),
        ({"crop": [8, 8, 8]}, "crop"),
        ({"crop": [-1, 8]}, "crop"),
        ({"ephocs": 3}, "Did you mean 'epochs'"),
        ({"augment": {"polarity": 2.0}}, "polarity"),
        ({"augment": {"resample": 100}}, "resample"),
        ({"augment": {"pieces": 0}}, "pieces"),
        ({"augment": {"amplitude": math.inf}}, "amplitude"),
        ({"learning_rate": 1e30, "schedule": "constant", "warmup_steps": 0, "epochs": 5}, "learning_rate"),
        ({"data": "synth:rgm2d", "source": {"items": 2, "validation_items": 0, "shape": [48, 48]}}, "validation items"),
        ({"data": "synth:rgm2d", "source": {"items": 0, "shape": [48, 48]}}, "training items"),
        ({"data": "/nowhere"}, "/nowhere"),
    ],
    ids=str,
)
def test_runs_that_cannot_be_are_refused(run, options, words):
    with pytest.raises(MtlError, match=words):
        run(**options)


def test_a_run_without_a_state_cannot_go_on(job, run, tmp_path):
    with pytest.raises(MtlError, match="is not a training run"):
        read_job(tmp_path)
    with pytest.raises(MtlError, match="nothing was saved yet"):
        train(job(), tmp_path, Plugins(), resume=True)
    folder = run(epochs=1)
    with pytest.raises(MtlError, match=r"does not fit the run's train\.json"):
        train(job(tasks=({"name": "dhr"},)), folder, Plugins(), resume=True)
    (folder / "state.safetensors").write_bytes(b"nonsense")
    with pytest.raises(MtlError, match="cannot be read as a training state"):
        train(job(), folder, Plugins(), resume=True)


def test_torchs_random_state_is_left_to_tasks(run, tmp_path, job, figures, monkeypatch):
    """A head with dropout draws from it: reading data must not, or a resumed run would differ."""
    from mtl_seismic.heads.dhr import DHR

    head = DHR.head
    monkeypatch.setattr(DHR, "head", lambda self, channels, ndim: WithDropout(head(self, channels, ndim)))
    options = {"tasks": ({"name": "dhr"},), "epochs": 2}
    whole, folder = run(**options), tmp_path / "stopped"
    stopped(job(**options), folder, StopAfter(2))
    train(job(**options), folder, Plugins(), resume=True)
    assert figures(folder) == figures(whole)
    assert same_weights(folder, whole)


class WithDropout(torch.nn.Module):
    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, features):
        return self.head(torch.nn.functional.dropout(features, 0.3, self.training))


def test_a_kept_model_is_the_moving_average(run):
    averaged, plain = run(epochs=1, average=0.99), run(epochs=1, average=0.0)
    state = load_file(averaged / "state.safetensors")
    kept = weights(averaged)
    assert all(torch.equal(kept[name], state[f"average/{name}"]) for name in kept)
    # The average does not act back on what is trained.
    now = weights(plain)
    assert all(torch.equal(now[name], state[f"objective/net.{name}"]) for name in now)


def test_a_run_of_one_items_gives_a_model_that_can_be_saved_again(run, tmp_path):
    model = load_model(run(epochs=1) / "best")
    assert isinstance(model, Model)
    save_model(model, tmp_path / "copy")
    assert load_model(tmp_path / "copy").fingerprint == model.fingerprint
    assert Path(tmp_path / "copy" / "README.md").read_text().count("| valid_loss |") == 1
