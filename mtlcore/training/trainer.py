"""The loop over steps and epochs, and the state from which a resumed run goes on."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mtlcore import interrupts
from mtlcore.errors import MtlError, OptionError, suggestion
from mtlcore.model.checkpoint import BEST, LAST, save_model
from mtlcore.model.model import Model, Parts
from mtlcore.plugin.plugins import Plugins
from mtlcore.training.data import Batch, EpochOrder, batches, cut
from mtlcore.training.distributed import Ranks
from mtlcore.training.finetune import parts_named
from mtlcore.training.job import published_name
from mtlcore.training.logs import LOG, TABLE, CsvLog, JsonLinesLog
from mtlcore.training.optimise import Objective, Plateau, Updates, scheduled_rate, with_labels_of_all
from mtlcore.training.setup import TrainingSetup
from mtlcore.training.training_state import Progress, load_state, save_state
from mtlcore.training.validation import Validator

STATE = "state.safetensors"
VALIDATION_LOSS = "valid_loss"


class Trainer:
    """One run: ``run`` trains what is left of it, ``restore`` reads its saved state first."""

    setup: TrainingSetup
    plugins: Plugins
    group: Ranks
    device: torch.device
    folder: Path
    """Where the run is kept; set before ``run``."""
    objective: Objective
    frozen: list[nn.Module]
    updates: Updates
    candidate: Model
    """The model that is validated and saved: with the moving average of the weights where there is one."""
    validator: Validator
    progress: Progress

    def __init__(self, setup: TrainingSetup, plugins: Plugins, group: Ranks, device: torch.device) -> None:
        self.setup, self.plugins, self.group, self.device = setup, plugins, group, device
        self.folder = Path()
        options, parts = setup.options, setup.parts
        net = setup.model.to(device).net
        group.share_weights(net)
        self.frozen = parts_named(net, options.freeze, setup.job.new_tasks)
        for module in self.frozen:
            module.requires_grad_(False)
        self.objective = Objective(net, parts.stage, parts.tasks, options.learned_weights, options.precision)
        self.objective.to(device)
        self.updates = Updates(self.objective, options, device, group)
        self.candidate = Model(setup.config, parts, copy.deepcopy(net).eval()).to(device)
        self.validator = Validator(setup, group, device)
        self.progress = Progress(Plateau(options.plateau_factor, options.plateau_patience), options.monitor)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """The run's own logs."""
        if not self.group.leads:
            yield
            return
        logs = (JsonLinesLog(self.folder / LOG), CsvLog(self.folder / TABLE, stages=("epoch",)))
        with self.plugins.listening(*logs):
            yield

    @property
    def finished(self) -> bool:
        """All epochs are done, or no epoch was better for as many as the patience allows."""
        options, progress = self.setup.options, self.progress
        out_of_patience = 0 < options.patience <= progress.epoch - progress.best_epoch
        return progress.epoch >= options.epochs or out_of_patience

    def run(self, interrupted: interrupts.Flag) -> None:
        """All epochs that are left."""
        self._notify("stage_started", stage="train", total=self.setup.total_steps, folder=self.folder)
        values: dict[str, float] = {}
        while not self.finished:
            self._run_epoch(interrupted)
            values = self._finish_epoch()
            # A signal during validation: everything is saved. After the last epoch there is nothing to stop.
            if not self.finished and self.group.any(interrupted.is_set):
                raise self._stopped()
        if self.progress.epoch < self.setup.options.epochs:
            values = {"stopped_early": self.progress.epoch, "best_epoch": self.progress.best_epoch, **values}
        self._notify("stage_finished", stage="train", values=values)

    def _stopped(self) -> KeyboardInterrupt:
        return KeyboardInterrupt(f"Stopped. Resume with: mtl train --resume {self.folder}")

    def _run_epoch(self, interrupted: interrupts.Flag) -> None:
        self.set_training()
        saved = began = time.monotonic()
        for batch in batches(self.setup.train_samples, self._order(), self.setup.options.workers):
            waited = time.monotonic() - began
            shown = self.take_step(self._in_pieces(batch), self._rate())
            seconds = time.monotonic() - began
            began += seconds
            self.progress.add_time(seconds, waited)
            done = self.progress.epoch * self.setup.steps + self.progress.step
            times = {"seconds_per_step": seconds, "waiting_share": waited / seconds if seconds else 0.0}
            values = {"epoch": self.progress.epoch + 1, **shown, **times}
            self._notify("step_finished", stage="train", step=done, total=self.setup.total_steps, values=values)
            stop = self.group.any(interrupted.is_set)
            if stop or time.monotonic() - saved > 60 * self.setup.options.save_minutes:
                self.save()
                saved = time.monotonic()
            if stop:
                raise self._stopped()

    def set_training(self) -> None:
        """The network as in training; frozen parts keep their statistics."""
        self.objective.train()
        for module in self.frozen:
            module.eval()

    def _order(self) -> EpochOrder:
        options, progress = self.setup.options, self.progress
        return EpochOrder(
            len(self.setup.train_samples),
            self.setup.epoch_size,
            options.batch_size,
            options.seed,
            progress.epoch,
            progress.step,
            self.group.rank,
            self.group.count,
        )

    def _in_pieces(self, batch: Batch) -> Batch:
        """A function of seed and step alone: resumed runs go on alike, and all processes have pieces of one size."""
        if self.setup.augment.pieces == 1:
            return batch
        random = np.random.default_rng([self.setup.options.seed, self.progress.epoch, self.progress.step])
        return cut(batch, self.setup.augment.pieces, random)

    def _rate(self) -> float:
        options, total = self.setup.options, self.setup.total_steps
        done = self.progress.epoch * self.setup.steps + self.progress.step
        warmup = min(options.warmup_steps, total // 10)
        scale = self.progress.plateau.scale
        return scale * scheduled_rate(options.schedule, options.learning_rate, done, total, warmup)

    def take_step(self, batch: Batch, rate: float) -> dict[str, float]:
        """Learn from a batch: mean losses of the epoch so far, and rate and gradient norm of this step."""
        labelled = with_labels_of_all(batch, self.setup.train_samples.outputs, self.group)
        losses = self.objective({name: value.to(self.device) for name, value in labelled.items()})
        norm = self.updates.take(losses["loss"], rate)
        means = self.group.mean({name: float(value.detach()) for name, value in losses.items()})
        for name, value in means.items():
            self._check(name, value)
        self.progress.add_step(means, norm)
        return {**self.progress.mean_losses, "learning_rate": rate, "gradient_norm": norm}

    def _check(self, name: str, value: float) -> None:
        if not math.isfinite(value):
            raise MtlError(
                f"The loss '{name}' became {value} in epoch {self.progress.epoch + 1}, step {self.progress.step + 1}: "
                "lower train.learning_rate, or look for extreme values in the data."
            )

    def _finish_epoch(self) -> dict[str, float]:
        """Validate, log, keep what is best, and save."""
        progress = self.progress
        self.candidate.net.load_state_dict(dict(self.updates.kept_weights))
        metrics, pictures = self.validator.measure(self.candidate, self.folder, progress.epoch + 1)
        values = self._figures(metrics)
        times = progress.times_per_step
        progress.finish_epoch(values[VALIDATION_LOSS], self._score(values))
        logged = values | times | {"learning_rate": self._rate(), "hours": progress.seconds / 3600}
        total = self.setup.options.epochs
        self._notify("step_finished", stage="epoch", step=progress.epoch, total=total, values=logged)
        for path in pictures:
            self._notify("picture_drawn", stage="epoch", step=progress.epoch, path=path)
        if self.group.leads:
            self._keep(values)
        self.save()
        return values

    def _figures(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Of an epoch: losses, metrics, then the losses by task."""
        trained, valid = dict(self.progress.mean_losses), self.validator.losses(self.candidate)
        for name, value in valid.items():
            self._check(f"valid_{name}", value)
        values = {"loss": trained.pop("loss"), VALIDATION_LOSS: valid["loss"]}
        details = {f"train_{name}": value for name, value in trained.items()}
        details |= {f"valid_{name}": value for name, value in valid.items() if name != "loss"}
        details["gradient_norm"] = self.progress.mean_gradient_norm
        return {**values, **metrics, **details}

    def _score(self, values: Mapping[str, float]) -> float:
        """The figure that chooses the best model, as one of which less is better."""
        name = self.setup.options.monitor
        if name not in values:
            raise OptionError(
                f"train.monitor is '{name}', which no epoch has. {suggestion(name, list(values))}"
                f"Expected one of {', '.join(values)}."
            )
        value = values[name] if _less_is_better(name, self.setup.parts) else -values[name]
        return value if math.isfinite(value) else math.inf

    def _keep(self, values: Mapping[str, float]) -> None:
        model = replace_training(self.candidate, self._summary(values))
        save_model(model, self.folder / LAST)
        if self.progress.improved:
            save_model(model, self.folder / BEST)

    def _summary(self, values: Mapping[str, float]) -> dict[str, Any]:
        job, progress, samples = self.setup.job, self.progress, self.setup.train_samples
        return {
            "data": published_name(job.data),
            **({"start": published_name(job.start)} if job.start else {}),
            "source": job.source,
            "items": len(samples),
            "item_shape": list(samples.items.shape),
            "epochs": progress.epoch,
            "steps": progress.epoch * self.setup.steps,
            "hours": round(progress.seconds / 3600, 4),
            "device": str(self.device),
            "options": asdict(self.setup.options),
            "augment": asdict(self.setup.augment),
            "metrics": {name: value if math.isfinite(value) else None for name, value in values.items()},
        }

    def save(self) -> None:
        """The state from which to go on."""
        if self.group.leads:
            save_state(self.folder / STATE, self.objective, self.updates, self.progress)

    def restore(self) -> None:
        """Go on from the folder's saved state."""
        restored = load_state(self.folder / STATE, self.objective, self.updates)
        if restored.monitor != self.progress.monitor:
            restored = replace(restored, monitor=self.progress.monitor, best=math.inf)
        self.progress = restored

    def _notify(self, hook: str, **values: Any) -> None:
        if self.group.leads:
            getattr(self.plugins.hook, hook)(**values)


def _less_is_better(name: str, parts: Parts) -> bool:
    """Of losses; of a task's metrics as the task declares."""
    task, dot, metric = name.partition(".")
    return not dot or any(metric in part.lower_is_better for part in parts.tasks if part.name == task)


def replace_training(model: Model, training: dict[str, Any]) -> Model:
    """The same model with another summary of its training."""
    config = replace(model.config, training=training)
    return Model(config, Parts(model.stage, model.backbone, model.tasks), model.net)
