"""What a training run follows from: its options, read from a run folder, and completed from a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mtlcore.config import build
from mtlcore.device import Precision
from mtlcore.errors import MtlError, OptionError, suggestion
from mtlcore.model.model import Model
from mtlcore.plugin.plugins import Plugins

JOB = "train.json"
OptimizerName = Literal["adamw", "muon", "adam", "sgd"]


@dataclass(frozen=True)
class TrainOptions:
    """How to train. ``batch_size`` counts all processes together; ``epoch_items``: items
    in an epoch (None: all that there are); ``crop`` is depth first (None: 192x192 in 2D,
    64x64x64 in 3D; 0 on an axis: all of it). ``average`` is the decay of the weights' moving average (0: none),
    which is what is validated and kept. ``learned_weights``: learn the balance of the tasks. ``freeze``: parts that
    stay as they are: "backbone", "encoder", "decoder" (the shared one), or a task. ``workers``: processes that read
    ahead. ``metric_items``: validation items on which metrics are measured; ``pictures``: those that are drawn after
    every epoch. ``monitor``: the figure of an epoch that chooses the best model: "valid_loss" or a metric, such as
    "fault.f1". ``patience``: epochs without a better one after which training stops (0: never). ``processes`` and
    ``threads`` (of all of them together): on a CPU; None: what is fastest, and all cores."""

    epochs: int = 50
    epoch_items: int | None = None
    batch_size: int = 8
    crop: tuple[int, ...] | None = None
    optimizer: OptimizerName = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    schedule: Literal["cosine", "constant", "plateau"] = "cosine"
    warmup_steps: int = 100
    plateau_factor: float = 0.1
    plateau_patience: int = 10
    average: float = 0.999
    gradient_clip: float = 1.0
    precision: Precision = "float32"
    learned_weights: bool = False
    freeze: tuple[str, ...] = ()
    seed: int = 0
    workers: int = 0
    processes: int | None = None
    threads: int | None = None
    metric_items: int = 8
    pictures: int = 1
    monitor: str = "valid_loss"
    patience: int = 0
    save_minutes: float = 10.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "epoch_items", "processes", "threads"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise OptionError(f"train.{name} is {getattr(self, name)}: expected at least 1.")
        if not 0 <= self.average < 1:
            raise OptionError(f"train.average is {self.average}: expected a decay from 0 to below 1.")
        if not self.learning_rate > 0:
            raise OptionError(f"train.learning_rate is {self.learning_rate}: expected more than 0.")


@dataclass(frozen=True)
class Job:
    """All that a run follows from. Stage, backbone and tasks are tables with a ``name`` and options; ``data`` is
    a folder, or SOURCE:LOCATION, and ``source`` holds the source's options. ``start``: a model, by folder or packaged
    name (of another stage than the job's: NAME@STAGE), whose weights training starts from; stage, backbone and tasks
    that are left out are then its. ``task_options``: by name, options of whatever tasks are found. ``new_tasks``,
    those that the model lacks, ``start_fingerprint``, of its weights, ``periods`` and ``ranges`` (see ModelConfig) are
    found."""

    data: str
    stage: dict[str, Any] = field(default_factory=dict)
    tasks: tuple[dict[str, Any], ...] = ()
    backbone: dict[str, Any] = field(default_factory=dict)
    start: str = ""
    start_fingerprint: str = ""
    new_tasks: tuple[str, ...] = ()
    task_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    periods: tuple[float, float] | None = None
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    note: str = ""


def read_job(folder: Path) -> Job:
    """The job of a run folder."""
    path = folder / JOB
    try:
        return build(Job, json.loads(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError:
        raise MtlError(f"{folder} is not a training run: {JOB} not found. Start one with mtl train --output.") from None
    except ValueError as error:
        raise MtlError(f"{path} cannot be read as JSON: {error}.") from None


def with_absolute_paths(job: Job) -> Job:
    """The same job from any folder: what it names by paths from the present one, by absolute paths."""

    def absolute(name: str) -> str:
        return str(Path(name).resolve()) if name and Path(name).exists() else name

    stage = {key: absolute(value) if key == "model" and value else value for key, value in job.stage.items()}
    return replace(job, data=absolute(job.data), start=absolute(job.start), stage=stage)


def published_name(name: str) -> str:
    """What a model, which may be published, says of the data and the model it comes from: of a path the last part."""
    return Path(name).resolve().name if Path(name).exists() else name


def with_defaults(job: Job, start: Model | None, plugins: Plugins) -> Job:
    """What the job leaves out: as in the model that it starts from, else what plugins register as defaults."""
    if start is None:
        stage = {"name": job.stage.get("name") or plugins.stages.default, **job.stage}
        backbone = {"name": job.backbone.get("name") or plugins.backbones.default, **job.backbone}
        return replace(job, stage=stage, backbone=backbone)
    config = start.config
    tables = {str(table["name"]): table for table in config.tasks}
    tasks = tuple({**tables.get(str(task["name"]), {}), **task} for task in job.tasks) or config.tasks
    stage, backbone = _inherited(job.stage, config.stage), _inherited(job.backbone, config.backbone)
    return replace(job, stage=stage, backbone=backbone, tasks=tasks)


def _inherited(wanted: dict[str, Any], had: dict[str, Any]) -> dict[str, Any]:
    """A part's table, with what it leaves out as in the model's if that has the same part."""
    return {**had, **wanted} if wanted.get("name", had["name"]) == had["name"] else wanted


def with_options(tasks: Sequence[dict[str, Any]], options: Mapping[str, dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Tables of tasks with options laid over them; MtlError where there is no such task."""
    names = [str(task["name"]) for task in tasks]
    for name in options:
        if name not in names:
            raise OptionError(
                f"There are options of a task '{name}', which is not trained. {suggestion(name, names)}"
                f"The tasks are {', '.join(names)}."
            )
    return tuple({**task, **options.get(str(task["name"]), {})} for task in tasks)
