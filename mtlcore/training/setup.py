"""From a job to all that a run follows from, found and checked before anything is written."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from mtlcore.config import build
from mtlcore.device import emulates_bfloat16, resolve
from mtlcore.errors import MtlError, MtlWarning, OptionError
from mtlcore.inference.descriptors import Ranges, typical_ranges, widened
from mtlcore.inference.sampling import ITEMS, typical_periods
from mtlcore.model.model import Model, ModelConfig, Parts, build_part, describe, part_options
from mtlcore.plugin.interfaces import Items, Task
from mtlcore.plugin.plugins import Plugins
from mtlcore.training.data import AugmentOptions, Samples
from mtlcore.training.finetune import copy_matching_weights, starting_model
from mtlcore.training.job import Job, TrainOptions, with_defaults, with_options
from mtlcore.training.optimise import check_labels, has_labels
from mtlcore.training.sources import open_items

DEFAULT_CROP = {2: (192, 192), 3: (64, 64, 64)}
Report = Callable[[int, int], None]
"""Hears how many steps of the preparation are done, and of how many."""


@dataclass(frozen=True)
class TrainingSetup:
    """``job`` has every default filled in. ``model`` has the weights with which training begins."""

    job: Job
    options: TrainOptions
    augment: AugmentOptions
    parts: Parts
    config: ModelConfig
    train_samples: Samples
    valid_samples: Samples
    model: Model

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.epoch_size // self.options.batch_size)

    @property
    def epoch_size(self) -> int:
        return self.options.epoch_items or len(self.train_samples)

    @property
    def total_steps(self) -> int:
        return self.options.epochs * self.steps


def prepare(job: Job, plugins: Plugins, resume: bool, report: Report = lambda done, total: None) -> TrainingSetup:
    """The setup of a job. ``resume``: its weights will be read from the run, and not from the model it starts from."""
    options = build(TrainOptions, job.train, "train")
    augment = build(AugmentOptions, job.augment, "augment")
    start = None if resume or not job.start else starting_model(job, plugins)
    job = with_defaults(job, start, plugins)
    tasks, items = _tasks_and_items(job, plugins)
    parts = Parts(build_part("stage", job.stage, plugins), build_part("backbone", job.backbone, plugins), tasks)
    total = min(len(items[0]), ITEMS) + 1
    if job.periods is None:
        watched = Watched(items[0], report, total)
        job = replace(job, periods=_periods(watched, start, options, augment.resample))
    if not job.ranges:
        job = replace(job, ranges=_ranges(items[0], start, options))
    job = _resolved(job, parts, options, augment, start)
    _check_labels(job, parts, options, items[0][0])
    _check_monitor(options, parts)
    _check_precision(options, resolve(job.device))
    config = describe(parts, len(items[0].shape), note=job.note, periods=job.periods, ranges=job.ranges)
    samples = _samples(*items, parts, config, options, augment)
    report(total, total)
    model = _new_model(config, plugins, options.seed, start)
    return TrainingSetup(job, options, augment, parts, config, *samples, model)


@dataclass
class Watched(Items):
    """Items whose reading is reported."""

    items: Items
    report: Report
    total: int
    read: int = 0

    def __post_init__(self) -> None:
        self.shape = self.items.shape

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        item = self.items[index]
        self.read += 1
        self.report(self.read, self.total)
        return item


def _tasks_and_items(job: Job, plugins: Plugins) -> tuple[tuple[Task, ...], tuple[Items, Items]]:
    """The tasks, where none are named those that the data have labels for, and items for training and validation."""
    wanted = job.tasks or tuple({"name": name} for name in plugins.tasks.loadable()[0])
    tasks = tuple(build_part("task", task, plugins) for task in with_options(wanted, job.task_options))
    items = _open_items(job, tasks, plugins)
    if not job.tasks:
        tasks = tuple(task for task in tasks if has_labels(task, items[0][0])) or tasks
    return tasks, items


def _open_items(job: Job, tasks: Sequence[Task], plugins: Plugins) -> tuple[Items, Items]:
    outputs = [output for task in tasks for output in task.outputs]
    train_items = open_items(job.data, job.source, "train", outputs, plugins)
    valid_items = open_items(job.data, job.source, "valid", outputs, plugins)
    for split, items in (("training", train_items), ("validation", valid_items)):
        if not len(items):
            raise MtlError(f"{job.data} has no {split} items: expected at least one.")
    return train_items, valid_items


def _resolved(job: Job, parts: Parts, options: TrainOptions, augment: AugmentOptions, start: Model | None) -> Job:
    """The job with every option that it leaves to a default, and with what was found."""
    if start is not None:
        had = {task.name for task in start.tasks}
        new_tasks = tuple(task.name for task in parts.tasks if task.name not in had)
        job = replace(job, new_tasks=new_tasks, start_fingerprint=start.fingerprint)
    return replace(
        job,
        stage=part_options(parts.stage),
        backbone=part_options(parts.backbone),
        tasks=tuple(part_options(task) for task in parts.tasks),
        task_options={},
        train=asdict(options),
        augment=asdict(augment),
    )


def _check_labels(job: Job, parts: Parts, options: TrainOptions, names: Mapping[str, Any]) -> None:
    """Every task to train has labels; those of the model that training starts from may do without."""
    if options.freeze and not job.start:
        raise OptionError(
            f"train.freeze is {', '.join(options.freeze)}, but training starts from new weights, which know "
            "nothing: use --from MODEL, or leave --freeze out."
        )
    had = {task.name for task in parts.tasks} - set(job.new_tasks) if job.start else set()
    left = (*options.freeze, *parts.stage.keeps)
    trained = [task for task in parts.tasks if task.name not in left]
    kept = [task.name for task in trained if task.name in had and not has_labels(task, names)]
    check_labels([task for task in trained if task.name not in kept], names)
    if kept and "backbone" not in options.freeze:
        warnings.warn(
            f"The data contain no labels of {', '.join(kept)}: as the rest is trained its results may get worse. "
            "--freeze backbone keeps them as they are; --tasks leaves them out.",
            MtlWarning,
            stacklevel=2,
        )


def _check_precision(options: TrainOptions, device: torch.device) -> None:
    if options.precision == "bfloat16" and emulates_bfloat16(device):
        warnings.warn(
            "This processor has no arithmetic in bfloat16 and emulates it: --set train.precision=float32 is faster.",
            MtlWarning,
            stacklevel=2,
        )


def _check_monitor(options: TrainOptions, parts: Parts) -> None:
    """Before any work: whether the figure that chooses the best model can be one of the run's."""
    task, dot, _ = options.monitor.partition(".")
    names = [part.name for part in parts.tasks]
    if (dot and task not in names) or (not dot and not options.monitor.endswith("loss")):
        raise OptionError(
            f"train.monitor is '{options.monitor}': expected valid_loss, or a metric of {', '.join(names)} as in "
            f"{names[0]}.{(*parts.tasks[0].headline, 'METRIC')[0]}."
        )


def _samples(
    train_items: Items,
    valid_items: Items,
    parts: Parts,
    config: ModelConfig,
    options: TrainOptions,
    augment: AugmentOptions,
) -> tuple[Samples, Samples]:
    crop = _crop_size(options.crop or DEFAULT_CROP[config.ndim], train_items.shape, augment)
    shared = (parts.stage, parts.tasks, config.amplitude)
    train_samples = Samples(train_items, *shared, options.seed, crop, augment)
    train_samples[(0, 0)]  # what is wrong with it is said before anything is written
    return train_samples, Samples(valid_items, *shared, options.seed + 1)


def _new_model(config: ModelConfig, plugins: Plugins, seed: int, start: Model | None) -> Model:
    torch.manual_seed(seed)
    model = Model.new(config, plugins)
    if start is not None:
        copy_matching_weights(model, start)
    return model


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


def _ranges(items: Items, start: Model | None, options: TrainOptions) -> Ranges:
    """Ranges of the numbers that describe images: of the data, and of the model that training starts from."""
    before = start.config.ranges if start is not None else {}
    if start is not None and "backbone" in options.freeze:
        return before
    return widened(typical_ranges(items), before)


def _crop_size(wanted: tuple[int, ...], items: tuple[int, ...], augment: AugmentOptions) -> tuple[int, ...]:
    """A window's size, no larger than the smallest that items become."""
    shape = augment.smallest(items)
    if len(wanted) != len(shape):
        raise OptionError(f"train.crop is {wanted}: the items have {len(items)} axes, {items}.")
    if min(wanted) < 0:
        raise OptionError(f"train.crop is {wanted}: expected sizes, or 0 for a whole axis.")
    return tuple(min(edge or length, length) for edge, length in zip(wanted, shape, strict=True))
