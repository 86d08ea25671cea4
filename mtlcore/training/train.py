"""Training, read from top to bottom: a job becomes a run folder with the best and the last model.

A run folder holds train.json (the job, as resolved), log.jsonl, epochs.csv, best/ and last/ (model folders)
and state.safetensors, from which the run goes on exactly where it stopped.
"""

from __future__ import annotations

import copy
import json
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from mtlcore import interrupts
from mtlcore.config import build
from mtlcore.device import resolve
from mtlcore.errors import MtlError, MtlWarning, OptionError
from mtlcore.inference.chain import Chain
from mtlcore.inference.sampling import typical_periods
from mtlcore.io.atomic import atomic_write_text
from mtlcore.model.checkpoint import BEST, LAST, save_model
from mtlcore.model.model import Model, Parts, build_part, describe, part_options
from mtlcore.plugin.interfaces import Items, Task
from mtlcore.plugin.plugins import Plugins, current
from mtlcore.training.data import AugmentOptions, Batch, EpochOrder, Samples, batches, cut
from mtlcore.training.distributed import Ranks, ranks
from mtlcore.training.evaluate import evaluate_item, summary
from mtlcore.training.finetune import parts_named, starting_model, take_over
from mtlcore.training.job import JOB, Job, TrainOptions, anchored, completed, shown, with_options
from mtlcore.training.logs import LOG, TABLE, CsvLog, JsonLinesLog
from mtlcore.training.optimise import (
    MovingAverage,
    Objective,
    Plateau,
    check_labels,
    has_labels,
    make_optimizer,
    scheduled_rate,
)
from mtlcore.training.sources import open_items
from mtlcore.training.training_state import load_state, save_state

STATE = "state.safetensors"
DEFAULT_CROP = {2: (192, 192), 3: (64, 64, 64)}


def train(job: Job, folder: Path | Callable[[], Path], plugins: Plugins | None = None, resume: bool = False) -> Path:
    """Train (or go on training) and return the folder of the best model.

    ``folder``: the run's, or a function that makes one once everything has been checked.
    Ctrl-C and SIGTERM end it after the step in hand with everything saved: KeyboardInterrupt says how to go on.
    """
    registered = plugins or current()
    device = resolve(job.device)
    with ranks(device) as group:
        trainer = Trainer(job, registered, group, group.device(device), resume)
        if group.leads or resume:
            trainer.folder = folder() if callable(folder) else folder
        if resume:
            trainer.restore()
            if trainer.epoch >= trainer.options.epochs:
                _say_complete(trainer)
                return trainer.folder / BEST
        elif group.leads:
            _begin(trainer.folder)
        if group.leads:
            # Of a resumed run too: what it was told to change holds when it is resumed once more, from anywhere.
            atomic_write_text(trainer.folder / JOB, json.dumps(asdict(anchored(trainer.job)), indent=2) + "\n")
        with trainer.listening(), interrupts.noticed() as interrupted:
            trainer.run(interrupted)
    return trainer.folder / BEST


def _say_complete(trainer: Trainer) -> None:
    if trainer.group.leads:
        warnings.warn(
            f"{trainer.folder} has done {trainer.epoch} of {trainer.options.epochs} epochs: nothing is left to train. "
            "More: --epochs NUMBER.",
            MtlWarning,
            stacklevel=3,
        )


def _begin(folder: Path) -> None:
    """Make a new run's folder, without what an earlier run left that this one does not go on with."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (STATE, LOG, TABLE):
        (folder / name).unlink(missing_ok=True)


class Trainer:
    """One run. ``step`` counts batches of the present epoch, ``sums`` adds up its losses."""

    def __init__(self, job: Job, plugins: Plugins, group: Ranks, device: torch.device, resume: bool = False) -> None:
        self.plugins, self.group, self.device = plugins, group, device
        self.folder = Path()
        self.options = build(TrainOptions, job.train, "train")
        if self.options.batch_size % group.count:
            raise MtlError(f"train.batch_size {self.options.batch_size} does not divide among {group.count} processes.")
        start = None if resume or not job.start else starting_model(job, plugins)
        job = completed(job, start)
        wanted = job.tasks or tuple({"name": name} for name in plugins.tasks.loadable()[0])
        tasks = tuple(build_part("task", task, plugins) for task in with_options(wanted, job.task_options))
        items = self._open_items(job, tasks)
        if not job.tasks:
            # All that are installed and that the data have labels for.
            tasks = tuple(task for task in tasks if has_labels(task, items[0][0])) or tasks
        self.parts = Parts(
            build_part("stage", job.stage, plugins), build_part("backbone", job.backbone, plugins), tasks
        )
        self.augment = build(AugmentOptions, job.augment, "augment")
        self.job = self._resolved(job, start, items[0])
        self._check_labels(items[0][0])
        self._make_samples(*items)
        self._build(start)
        self.epoch = self.step = 0
        self.sums: dict[str, float] = {}
        self.best = math.inf
        self.seconds = 0.0
        self.plateau = Plateau(self.options.plateau_factor, self.options.plateau_patience)

    def _open_items(self, job: Job, tasks: Sequence[Task]) -> tuple[Items, Items]:
        outputs = [output for task in tasks for output in task.outputs]
        train_items = open_items(job.data, job.source, "train", outputs, self.plugins)
        valid_items = open_items(job.data, job.source, "valid", outputs, self.plugins)
        for split, items in (("training", train_items), ("validation", valid_items)):
            if not len(items):
                raise MtlError(f"{job.data} has no {split} items: expected at least one.")
        return train_items, valid_items

    def _resolved(self, job: Job, start: Model | None, items: Items) -> Job:
        """The job with every option that it leaves to a default, and with what was found."""
        if job.periods is None:
            job = replace(job, periods=_periods(items, start, self.options, self.augment.resample))
        if start is not None:
            had = {task.name for task in start.tasks}
            new_tasks = tuple(task.name for task in self.parts.tasks if task.name not in had)
            job = replace(job, new_tasks=new_tasks, start_fingerprint=start.fingerprint)
        return replace(
            job,
            stage=part_options(self.parts.stage),
            backbone=part_options(self.parts.backbone),
            tasks=tuple(part_options(task) for task in self.parts.tasks),
            task_options={},
            train=asdict(self.options),
            augment=asdict(self.augment),
        )

    def _check_labels(self, names: Mapping[str, Any]) -> None:
        """Every task to train has labels; those of the model that training starts from may do without."""
        if self.options.freeze and not self.job.start:
            raise OptionError(
                f"train.freeze is {', '.join(self.options.freeze)}, but training starts from new weights, which know "
                "nothing: say --from MODEL, or leave --freeze out."
            )
        had = {task.name for task in self.parts.tasks} - set(self.job.new_tasks) if self.job.start else set()
        left = (*self.options.freeze, *self.parts.stage.keeps)
        trained = [task for task in self.parts.tasks if task.name not in left]
        kept = [task.name for task in trained if task.name in had and not has_labels(task, names)]
        self.some_rest = bool(kept)
        check_labels([task for task in trained if task.name not in kept], names)
        if kept and "backbone" not in self.options.freeze:
            warnings.warn(
                f"The data hold no labels of {', '.join(kept)}: as the rest is trained its results may get worse. "
                "--freeze backbone keeps them as they are; --tasks leaves them out.",
                MtlWarning,
                stacklevel=2,
            )

    def _make_samples(self, train_items: Items, valid_items: Items) -> None:
        ndim = len(train_items.shape)
        self.config = describe(self.parts, ndim, note=self.job.note, periods=self.job.periods)
        level, seed = self.config.amplitude, self.options.seed
        crop = _crop_size(self.options.crop or DEFAULT_CROP[ndim], train_items.shape, self.augment)
        shared = (self.parts.stage, self.parts.tasks, level)
        self.train_samples = Samples(train_items, *shared, seed, crop, self.augment)
        self.train_samples[(0, 0)]  # what is wrong with it is said before anything is written
        self.valid_samples = Samples(valid_items, *shared, seed + 1)

    def _build(self, start: Model | None) -> None:
        torch.manual_seed(self.options.seed)
        options = self.options
        self.model = Model.new(self.config, self.plugins)
        if start is not None:
            take_over(self.model, start)
        net = self.model.to(self.device).net
        self.frozen = parts_named(net, options.freeze, self.job.new_tasks)
        for module in self.frozen:
            module.requires_grad_(False)
        self.objective = Objective(net, self.parts.stage, self.parts.tasks, options.learned_weights, options.precision)
        self.objective.to(self.device)
        self.trained = [parameter for parameter in self.objective.parameters() if parameter.requires_grad]
        if not self.trained:
            raise OptionError(f"train.freeze is {', '.join(options.freeze)}: nothing is left to train.")
        self.optimizer = make_optimizer(options.optimizer, self.trained, options.learning_rate, options.weight_decay)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=options.precision == "float16")
        self.average = MovingAverage(net, options.average)
        self.kept = Model(self.config, self.parts, copy.deepcopy(net).eval()).to(self.device)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """The run's own logs."""
        if not self.group.leads:
            yield
            return
        logs = (JsonLinesLog(self.folder / LOG), CsvLog(self.folder / TABLE, stages=("epoch",)))
        with self.plugins.listening(*logs):
            yield

    def run(self, interrupted: interrupts.Flag) -> None:
        """All epochs that are left."""
        wrapped: Any = self.objective
        if self.group.count > 1:
            wrapped = DistributedDataParallel(self.objective, find_unused_parameters=self.some_rest)
        self._tell("stage_started", stage="train", total=self.options.epochs * self._steps(), folder=self.folder)
        values: dict[str, float] = {}
        while self.epoch < self.options.epochs:
            self._run_epoch(wrapped, interrupted)
            values = self._finish_epoch()
            # A signal during validation: everything is saved. After the last epoch there is nothing to stop.
            if self.epoch < self.options.epochs and self.group.any(interrupted.is_set):
                raise self._stopped()
        self._tell("stage_finished", stage="train", values=values)

    def _stopped(self) -> KeyboardInterrupt:
        return KeyboardInterrupt(f"Stopped. Resume with: mtl train --resume {self.folder}")

    def _steps(self) -> int:
        return -(-self._epoch_size() // self.options.batch_size)

    def _epoch_size(self) -> int:
        return self.options.epoch_items or len(self.train_samples)

    def _run_epoch(self, objective: Any, interrupted: interrupts.Flag) -> None:
        order = EpochOrder(
            len(self.train_samples),
            self._epoch_size(),
            self.options.batch_size,
            self.options.seed,
            self.epoch,
            self.step,
            self.group.rank,
            self.group.count,
        )
        self.objective.train()
        for module in self.frozen:  # their normalisation keeps its statistics
            module.eval()
        saved = began = time.monotonic()
        for batch in batches(self.train_samples, order, self.options.workers):
            batch = self._in_pieces(batch)
            self._take_step(objective, {name: value.to(self.device) for name, value in batch.items()})
            total = self.options.epochs * self._steps()
            done = self.epoch * self._steps() + self.step
            mean = {name: value / self.step for name, value in self.sums.items()}
            self._tell("step_finished", stage="train", step=done, total=total, values={"epoch": self.epoch + 1, **mean})
            now = time.monotonic()
            self.seconds, began = self.seconds + now - began, now
            stop = self.group.any(interrupted.is_set)
            if stop or time.monotonic() - saved > 60 * self.options.save_minutes:
                self.save()
                saved = time.monotonic()
            if stop:
                raise self._stopped()

    def _in_pieces(self, batch: Batch) -> Batch:
        """A function of seed and step alone: resumed runs go on alike, and all processes have pieces of one size."""
        if self.augment.pieces == 1:
            return batch
        random = np.random.default_rng([self.options.seed, self.epoch, self.step])
        return cut(batch, self.augment.pieces, random)

    def _take_step(self, objective: Any, batch: Batch) -> None:
        done = self.epoch * self._steps() + self.step
        rate = self.plateau.scale * scheduled_rate(
            self.options.schedule,
            self.options.learning_rate,
            done,
            self.options.epochs * self._steps(),
            min(self.options.warmup_steps, self.options.epochs * self._steps() // 10),
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        losses: dict[str, Tensor] = objective(batch)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(losses["loss"]).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.optimizer)
        if self.options.gradient_clip > 0:
            torch.nn.utils.clip_grad_norm_(self.trained, self.options.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.options.average:
            self.average.update(self.objective.net)
        self.step += 1
        mean = self.group.mean({name: float(value.detach()) for name, value in losses.items()})
        for name, value in mean.items():
            self.sums[name] = self.sums.get(name, 0.0) + self._checked(name, value)

    def _checked(self, name: str, value: float) -> float:
        if not math.isfinite(value):
            raise MtlError(
                f"The loss '{name}' became {value} in epoch {self.epoch + 1}, step {self.step}: "
                "lower train.learning_rate, or look for extreme values in the data."
            )
        return value

    def _finish_epoch(self) -> dict[str, float]:
        """Validate, log, keep what is best, and save."""
        self.kept.net.load_state_dict(self.average.state if self.options.average else self.objective.net.state_dict())
        trained = {name: value / self.step for name, value in self.sums.items()}
        valid = self._validate()
        losses = {"loss": trained.pop("loss"), "valid_loss": valid["loss"]}
        details = {f"train_{name}": value for name, value in trained.items()}
        details |= {f"valid_{name}": value for name, value in valid.items() if name != "loss"}
        values = losses | self._headlines_first(self._measure()) | details
        self.epoch, self.step, self.sums = self.epoch + 1, 0, {}
        self.plateau.update(valid["loss"])
        improved = valid["loss"] < self.best
        self.best = min(self.best, valid["loss"])
        logged = values | {"hours": self.seconds / 3600}
        self._tell("step_finished", stage="epoch", step=self.epoch, total=self.options.epochs, values=logged)
        if self.group.leads:
            self._keep(values, improved)
        self.save()
        return values

    @torch.inference_mode()
    def _validate(self) -> dict[str, float]:
        """Mean losses of the kept weights over the validation items, whole; each process takes its share."""
        objective = Objective(self.kept.net, self.parts.stage, self.parts.tasks, False, self.options.precision)
        mine = range(self.group.rank, len(self.valid_samples), self.group.count)
        labelled = [task.name for task in objective.trained if has_labels(task, self.valid_samples.items[0])]
        sums: dict[str, float] = dict.fromkeys(("loss", *labelled), 0.0)
        for batch in batches(self.valid_samples, [[(0, index)] for index in mine], self.options.workers):
            losses = objective({name: value.to(self.device) for name, value in batch.items()})
            for name, value in losses.items():
                sums[name] += float(value)
        totals = self.group.sum(list(sums.values()))
        means = {name: total / len(self.valid_samples) for name, total in zip(sums, totals, strict=True)}
        return {name: self._checked(f"valid_{name}", value) for name, value in means.items()}

    def _measure(self) -> dict[str, float]:
        """The tasks' own metrics of the kept weights, on a few validation items."""
        count = min(self.options.metric_items, len(self.valid_samples)) if self.group.leads else 0
        chain = Chain.of([self.kept])
        items = self.valid_samples.items
        figures = [
            evaluate_item(chain, items[i], None, np.random.default_rng([self.options.seed, i])) for i in range(count)
        ]
        return summary(figures)[0]

    def _headlines_first(self, figures: dict[str, float]) -> dict[str, float]:
        """Short displays show the first few figures of an epoch: those that the tasks think most of."""
        first = [f"{task.name}.{name}" for task in self.parts.tasks for name in task.headline]
        return {name: figures[name] for name in [*first, *figures] if name in figures}

    def _keep(self, values: Mapping[str, float], improved: bool) -> None:
        model = replace_training(self.kept, self._summary(values))
        save_model(model, self.folder / LAST)
        if improved:
            save_model(model, self.folder / BEST)

    def _summary(self, values: Mapping[str, float]) -> dict[str, Any]:
        return {
            "data": shown(self.job.data),
            **({"start": shown(self.job.start)} if self.job.start else {}),
            "source": self.job.source,
            "items": len(self.train_samples),
            "item_shape": list(self.train_samples.items.shape),
            "epochs": self.epoch,
            "steps": self.epoch * self._steps(),
            "hours": round(self.seconds / 3600, 4),
            "device": str(self.device),
            "options": asdict(self.options),
            "augment": asdict(self.augment),
            "metrics": {name: value if math.isfinite(value) else None for name, value in values.items()},
        }

    def save(self) -> None:
        """The state from which to go on."""
        if self.group.leads:
            facts = {
                "epoch": self.epoch,
                "step": self.step,
                "sums": self.sums,
                "best": self.best,
                "seconds": self.seconds,
                "plateau": asdict(self.plateau),
                "updates": self.average.updates,
                "scaler": self.scaler.state_dict(),
            }
            save_state(self.folder / STATE, self.objective, self.average.state, self.optimizer, facts)

    def restore(self) -> None:
        """Go on from the folder's saved state."""
        facts = load_state(self.folder / STATE, self.objective, self.average.state, self.optimizer)
        self.epoch, self.step = facts["epoch"], facts["step"]
        self.sums, self.best, self.seconds = facts["sums"], facts["best"], facts["seconds"]
        self.plateau = Plateau(**facts["plateau"])
        self.average.updates = facts["updates"]
        self.scaler.load_state_dict(facts["scaler"])

    def _tell(self, hook: str, **values: Any) -> None:
        if self.group.leads:
            getattr(self.plugins.hook, hook)(**values)


def _periods(items: Items, start: Model | None, options: TrainOptions, resample: float) -> tuple[float, float] | None:
    """Periods that the model will know: of the data, resampled or not, and of the model that training starts from.

    With a frozen backbone only the latter: its tasks must go on seeing images as they did.
    """
    if start is not None and "backbone" in options.freeze:
        return start.config.periods
    found = typical_periods(items)
    if found is not None:
        found = found[0] / resample, found[1] * resample
    if start is None or start.config.periods is None or found is None:
        return found
    return min(found[0], start.config.periods[0]), max(found[1], start.config.periods[1])


def replace_training(model: Model, training: dict[str, Any]) -> Model:
    """The same model with another summary of its training."""
    config = replace(model.config, training=training)
    return Model(config, Parts(model.stage, model.backbone, model.tasks), model.net)


def _crop_size(wanted: tuple[int, ...], items: tuple[int, ...], augment: AugmentOptions) -> tuple[int, ...]:
    """A window's size, no larger than the smallest that items become."""
    shape = augment.smallest(items)
    if len(wanted) != len(shape):
        raise OptionError(f"train.crop is {wanted}: the items have {len(items)} axes, {items}.")
    if min(wanted) < 0:
        raise OptionError(f"train.crop is {wanted}: expected sizes, or 0 for a whole axis.")
    return tuple(min(edge or length, length) for edge, length in zip(wanted, shape, strict=True))
