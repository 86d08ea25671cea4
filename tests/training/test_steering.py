"""What tells users how a training goes, and lets them change its course."""

from __future__ import annotations

import json
import math
import struct
import warnings

import pytest
import torch

from mtlcore import MtlError, hookimpl
from mtlcore.errors import MtlWarning, OptionError
from mtlcore.model.checkpoint import load_model
from mtlcore.plugin.plugins import Plugins
from mtlcore.training.optimise import Plateau
from mtlcore.training.rate_test import SAFETY, RateTest, find_rate, smoothed
from mtlcore.training.train import train
from mtlcore.training.training_state import Progress


def rows(folder, stage):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if line["stage"] == stage]


def test_logs_tell_rate_gradient_and_times_of_every_step_and_epoch(run, figures):
    folder = run(warmup_steps=0, schedule="constant")
    for stage, count in (("train", 6), ("epoch", 2)):
        found = rows(folder, stage)
        assert len(found) == count
        for row in found:
            assert row["learning_rate"] == 3e-3
            assert row["gradient_norm"] > 0 and row["seconds_per_step"] > 0
            assert 0 <= row["waiting_share"] <= 1
    steps, epochs = rows(folder, "train"), rows(folder, "epoch")
    norms = [row["gradient_norm"] for row in steps[:3]]
    assert epochs[0]["gradient_norm"] == pytest.approx(sum(norms) / 3)
    assert float(figures(folder)[0]["gradient_norm"]) == epochs[0]["gradient_norm"]


def test_the_gradient_is_measured_before_it_is_clipped(run):
    plain, clipped = run(epochs=1, gradient_clip=0.0), run(epochs=1, gradient_clip=1e-3)
    first = [rows(folder, "train")[0]["gradient_norm"] for folder in (plain, clipped)]
    assert first[0] == first[1] > 1e-3


def test_the_monitored_figure_chooses_the_best_model(run, figures):
    for monitor, better in (("fault.f1_2", max), ("rgt.mae", min), ("valid_loss", min)):
        folder = run(epochs=4, monitor=monitor, average=0.0)
        values = [float(row[monitor]) for row in figures(folder)]
        assert load_model(folder / "best").config.training["epochs"] == values.index(better(values)) + 1, monitor


def test_an_epoch_counts_as_better_only_if_it_is():
    progress = Progress(Plateau(0.1, 10), "valid_loss")
    bests = []
    for score in (math.inf, 3.0, 2.0, 2.0, 4.0, 1.0):
        progress.step = 1
        progress.finish_epoch(score, score)
        bests.append((progress.best_epoch, progress.improved))
    assert bests == [(1, True), (2, True), (3, True), (3, False), (3, False), (6, True)]


def test_training_stops_when_patience_is_at_an_end_and_goes_on_with_more(run, job, figures):
    options = {"learning_rate": 1e-12, "monitor": "fault.f1_2", "epochs": 9}
    folder = run(**options, patience=2)
    assert len(figures(folder)) == 3  # the first epoch is the best one, and two more were waited for
    train(job(**options, patience=3), folder, Plugins(), resume=True)
    assert len(figures(folder)) == 4


@pytest.mark.parametrize("monitor", ["salt.f1", "accuracy", "dhr.nonsense"])
def test_a_figure_that_no_epoch_has_cannot_be_monitored(run, monitor):
    with pytest.raises(OptionError, match=f"train.monitor is '{monitor}'"):
        run(epochs=1, monitor=monitor)


def test_pictures_of_validation_items_are_drawn_after_every_epoch(job, tmp_path):
    told = []

    class Listener:
        @hookimpl
        def picture_drawn(self, stage, step, path):
            told.append((stage, step, path.name))

    plugins, folder = Plugins(), tmp_path / "run"
    with plugins.listening(Listener()):
        train(job(tasks=({"name": "dhr"},), pictures=2, metric_items=2), folder, plugins)
    names = [f"epoch_{epoch:03}_item_{item}.png" for epoch in (1, 2) for item in (0, 1)]
    assert sorted(path.name for path in (folder / "pictures").iterdir()) == names
    assert told == [("epoch", int(name[6:9]), name) for name in names]
    width, height = struct.unpack(">II", (folder / "pictures" / names[0]).read_bytes()[16:24])
    assert width > 1000 and height > 500
    train(job(epochs=1, tasks=({"name": "dhr"},)), folder, Plugins())
    assert not (folder / "pictures").exists()  # they were of another run


def test_what_happens_before_the_first_step_is_reported(job, tmp_path):
    steps = []

    class Listener:
        @hookimpl
        def step_finished(self, stage, step, total):
            steps.append((stage, step, total))

    plugins = Plugins()
    with plugins.listening(Listener()):
        train(job(epochs=1), tmp_path / "run", plugins)
    assert steps[:7] == [("prepare", number, 7) for number in range(1, 8)]
    assert steps[7][:2] == ("train", 1)


def test_the_rate_test_suggests_a_tenth_of_the_rate_of_the_lowest_loss():
    found = RateTest((1e-4, 1e-3, 1e-2, 1e-1), (4.0, 2.0, 1.0, 5.0))
    assert found.suggested == pytest.approx(1e-2 / SAFETY)
    assert smoothed([3.0, 3.0, 3.0]) == pytest.approx([3.0, 3.0, 3.0])


def test_the_rate_test_raises_the_rate_until_the_loss_diverges(job, tmp_path):
    options = {"optimizer": "sgd", "gradient_clip": 0.0, "tasks": ({"name": "dhr"},)}
    found = find_rate(job(**options), Plugins(), steps=30)
    ratios = [after / before for before, after in zip(found.rates, found.rates[1:], strict=False)]
    assert found.rates[0] == pytest.approx(1e-6) and ratios == pytest.approx([ratios[0]] * len(ratios))
    assert all(math.isfinite(loss) for loss in found.losses)
    assert found.rates[0] / SAFETY <= found.suggested <= found.rates[-1] / SAFETY


@pytest.mark.parametrize("count", [2, 3])
def test_processes_take_the_steps_of_one_and_go_on_bit_for_bit(job, tmp_path, count):
    """They are started by the run itself. Three add in an order that one buffer of gradients keeps."""
    from mtlcore.plugin.plugins import current

    options = {"batch_size": 6, "epoch_items": 12, "optimizer": "sgd", "metric_items": 2}
    weights = {}
    for name, processes in (("alone", 1), ("together", count), ("in two parts", count)):
        folder = tmp_path / name
        if name == "in two parts":
            train(job(**options, processes=processes, epochs=1, schedule="constant"), folder, current())
        train(job(**options, processes=processes, schedule="constant"), folder, current(), resume=folder.exists())
        weights[name] = load_model(folder / "last").net.state_dict()
    for name, value in weights["together"].items():
        assert torch.equal(value, weights["in two parts"][name]), name
        assert torch.allclose(value, weights["alone"][name], rtol=1e-3, atol=1e-5), name
    assert json.loads((tmp_path / "together/train.json").read_text())["train"]["processes"] == count


def test_a_batch_that_does_not_divide_among_processes_is_refused(run):
    with pytest.raises(MtlError, match=r"train.batch_size 2 does not divide among 3 processes"):
        run(processes=3)


def test_the_default_is_as_many_processes_as_threads_that_divide_the_batch(job):
    from mtlcore.training.job import TrainOptions
    from mtlcore.training.processes import with_processes

    cpu = torch.device("cpu")
    for threads, batch, alone, expected in ((4, 8, False, 4), (5, 6, False, 3), (4, 8, True, 1), (8, 7, False, 7)):
        found = with_processes(TrainOptions(threads=threads, batch_size=batch), cpu, alone)
        assert (found.processes, found.threads) == (expected, threads)
    assert with_processes(TrainOptions(threads=4), torch.device("cuda"), False).processes == 1
    assert with_processes(TrainOptions(threads=4, processes=1), cpu, False).processes == 1


@pytest.mark.parametrize(("emulated", "precision"), [(True, "bfloat16"), (True, "float32"), (False, "bfloat16")])
def test_bfloat16_that_a_processor_emulates_is_warned_of(run, monkeypatch, emulated, precision):
    monkeypatch.setattr("mtlcore.training.setup.emulates_bfloat16", lambda device: emulated)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(epochs=1, precision=precision, tasks=({"name": "dhr"},))
    told = [str(warning.message) for warning in caught if warning.category is MtlWarning]
    assert [text.startswith("This processor has no arithmetic in bfloat16") for text in told] == (
        [True] if emulated and precision == "bfloat16" else []
    )
