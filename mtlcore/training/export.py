"""Models on their way to others: copied out of a training run, whole or in part, with figures in their card."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtlcore.config import build
from mtlcore.errors import MtlError, MtlWarning, OptionError
from mtlcore.model.checkpoint import BEST, CARD, LAST, find_model, load_model, save_model
from mtlcore.model.model import Model, ModelConfig
from mtlcore.model.sections import over_sections
from mtlcore.plugin.plugins import Plugins, current
from mtlcore.training.finetune import interpolate_weights, starting_model
from mtlcore.training.job import JOB, published_name, read_job
from mtlcore.training.logs import TABLE

EVALUATION = ("data", "split", "source", "stages", "iterations", "mean", "count")
"""What a model card takes from an evaluation."""


@dataclass(frozen=True)
class ExportOptions:
    """What to export. ``tasks``: only their part (empty: all). ``half``: weights in 16 bits.

    ``stage`` and ``ndim`` choose among packaged models of one name. ``start_share``: of a training run that started
    from a model, mix in this share of that one's weights. ``shared``: a model folder next to the new one whose weights
    are a part of these: they are left out. ``as_sections``: of a 2D model, the 3D one that runs it over the sections of
    volumes. For the model card: ``evaluations``, what ``mtl evaluate --json`` printed; ``note``, said on the terminal
    whenever the model is used; ``limits``, sentences on where it is bad; ``sections``, Markdown before these.
    """

    tasks: tuple[str, ...] = ()
    half: bool = False
    stage: str | None = None
    ndim: int | None = None
    start_share: float = 0.0
    shared: Path | None = None
    as_sections: bool = False
    evaluations: tuple[Mapping[str, Any], ...] = ()
    note: str | None = None
    limits: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


def export_model(
    run: Path,
    folder: Path | Callable[[], Path],
    options: ExportOptions | None = None,
    plugins: Plugins | None = None,
) -> Model:
    """Copy a model, or a training run's best one, to a folder of its own.

    ``run``: a folder, or a packaged model's name. ``folder``: where to, or a function that makes one once everything
    has been checked. Of a training run the card also gets quality against hours.
    """
    registered, wanted = plugins or current(), options or ExportOptions()
    source = find_model(run, wanted.stage, wanted.ndim, registered)
    model = load_model(source, plugins=registered)
    if wanted.start_share:
        _mix_with_start(model, run, wanted, registered)
    _check_evaluations(wanted, model, source)
    if wanted.as_sections:
        model = over_sections(model, registered)
    if wanted.tasks:
        model = _part_of(model, wanted.tasks, registered)
    described = _with_published_teacher(model.config)
    additions = _card_additions(run, model, wanted)
    described = replace(described, training={**described.training, **additions})
    if wanted.note is not None:
        described = replace(described, note=wanted.note)
    model.config = described
    changed = wanted.tasks or additions or wanted.start_share or wanted.as_sections or wanted.note is not None
    card = None if changed or not (source / CARD).is_file() else (source / CARD).read_text(encoding="utf-8")
    target = folder() if callable(folder) else folder
    _refuse_own_folders(run, target)
    save_model(model, target, card, wanted.half, wanted.shared)
    return model


def _check_evaluations(options: ExportOptions, model: Model, source: Path) -> None:
    """Figures in a card are the model's own."""
    for values in options.evaluations:
        if values.get("models") and model.fingerprint not in values["models"]:
            raise MtlError(
                f"An evaluation on {values['data']} is of another model than {source}, whose SHA-256 is "
                f"{model.fingerprint}: evaluate this one, mtl evaluate --json."
            )


def _with_published_teacher(config: ModelConfig) -> ModelConfig:
    """Of the model whose answers a refinement learned from, the name and not the path."""
    teacher = config.stage.get("model")
    if not isinstance(teacher, str):
        return config
    return replace(config, stage={**config.stage, "model": published_name(teacher)})


def _card_additions(run: Path, model: Model, options: ExportOptions) -> dict[str, Any]:
    """What the card gets beside what the model says of its training."""
    more: dict[str, Any] = {
        "limits": list(options.limits),
        "sections": [section.strip() for section in options.sections],
        "history": read_history(run, model),
        "evaluations": [_figures_of(values, model) for values in options.evaluations],
    }
    return {name: value for name, value in more.items() if value}


def _mix_with_start(model: Model, run: Path, options: ExportOptions, plugins: Plugins) -> None:
    """Towards the model that the run started from. The run's last figures are not those of the mixture."""
    share = options.start_share
    if options.evaluations:
        raise OptionError(
            f"The start's share is {share}, and evaluations are of models without it: export the mixture, "
            "evaluate it, and export it again with what that printed."
        )
    if not 0 <= share <= 1:
        raise OptionError(f"The start's share is {share}: expected 0 to 1.")
    if not (run / JOB).is_file():
        raise OptionError(
            f"The start's share is {share}, but {run} is not the folder of a training run, which holds {JOB} and tells "
            "what it started from: give that folder, or leave the share out."
        )
    job = read_job(run)
    if not job.start:
        raise OptionError(f"The start's share is {share}, but {run} started from new weights: leave it out.")
    if "start_share" in model.config.training:
        raise OptionError(f"The start's share is {share}, but the model of {run} has a share already: leave it out.")
    try:
        start = starting_model(job, plugins, model.ndim)
    except MtlError as error:
        raise MtlError(
            f"{run} started from {job.start}, which is not there as it was: put it back, or leave the start's share "
            f"out. {error}"
        ) from None
    if job.start_fingerprint not in ("", start.fingerprint):
        raise MtlError(
            f"The weights of {job.start} are no longer those that {run} started from: put those back, or leave the "
            "start's share out."
        )
    interpolate_weights(model, start, share)
    training = {name: value for name, value in model.config.training.items() if name != "metrics"}
    model.config = replace(model.config, training={**training, "start_share": share})


def _refuse_own_folders(run: Path, target: Path) -> None:
    """A training run goes on from what its folders hold, and is known by it."""
    own = (run, run / BEST, run / LAST)
    if (run / JOB).is_file() and target.resolve() in [folder.resolve() for folder in own]:
        raise MtlError(f"The output {target} is a folder of the training run {run}: choose another one.")


def _figures_of(values: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """What the card takes from an evaluation: figures of the model's tasks."""
    names = [f"{task.name}." for task in model.tasks]
    kept = {
        table: {name: value for name, value in values[table].items() if name.startswith(tuple(names))}
        for table in ("mean", "count")
    }
    return {name: values[name] for name in EVALUATION} | kept


def read_section(path: Path) -> str:
    """Markdown for a card."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise MtlError(f"Section {path} cannot be read as text: {error}.") from None


def read_history(run: Path, model: Model) -> list[dict[str, float]]:
    """Per epoch of a training run: hours of training so far, loss and the tasks' headline figures; else empty."""
    table = run / TABLE
    if not table.is_file():
        return []
    names = [
        "hours",
        "valid_loss",
        *(f"{task.name}.{name}" for task in model.predicted_tasks for name in task.headline),
    ]
    history = []
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            figures = {name: float(row[name]) for name in names if row.get(name)}
            history.append({"epoch": float(row["step"]), **figures})
    return history


def read_evaluation(path: Path) -> dict[str, Any]:
    """What ``mtl evaluate --json`` printed into a file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MtlError(f"Evaluation {path} does not exist.") from None
    except (OSError, ValueError) as error:
        raise MtlError(f"Evaluation {path} cannot be read as JSON: {error}.") from None
    if not isinstance(values, dict) or not set(EVALUATION) <= set(values):
        raise MtlError(f"{path} is not an evaluation: expected what mtl evaluate --json prints.")
    return values


def _part_of(model: Model, names: Sequence[str], plugins: Plugins) -> Model:
    """A model of some of the tasks; the network's inputs stay as they are."""
    chosen = [task.name for task in model.chosen(names)]
    options = model.config.as_dict()
    if model.stage.refines:
        options["heads"] = chosen
    else:
        options["tasks"] = [task for task in options["tasks"] if task["name"] in chosen]
    part = Model.new(build(ModelConfig, options, "config"), plugins)
    wanted = part.net.state_dict()
    part.net.load_state_dict({name: value for name, value in model.net.state_dict().items() if name in wanted})
    part.config = replace(part.config, training=_training_of(part, _solved_with_less(model, part)))
    return part


def _solved_with_less(model: Model, part: Model) -> list[str]:
    """Tasks whose solution makes use of what the part has not: warned of."""
    lost = {output.name for output in model.outputs} - {output.name for output in part.outputs}
    less = []
    for task in part.predicted_tasks:
        missing = [name for name in task.solve_inputs if name in lost]
        if missing:
            less.append(task.name)
            warnings.warn(
                f"Task '{task.name}' solves with {', '.join(missing)}, which this part of the model does not have: "
                "its results will differ from the whole model's, and its figures are left out of the card.",
                MtlWarning,
                stacklevel=4,
            )
    return less


def _training_of(part: Model, unlike: Sequence[str]) -> dict[str, Any]:
    """The training's summary with the figures that hold for a part: none of other tasks, or of ``unlike`` ones."""
    names = tuple(f"{task.name}." for task in part.predicted_tasks if task.name not in unlike)

    def hold(figures: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in figures.items() if "." not in name or name.startswith(names)}

    training = dict(part.config.training)
    if "metrics" in training:
        training["metrics"] = hold(training["metrics"])
    if "evaluations" in training:
        training["evaluations"] = [
            {**values, "mean": hold(values["mean"]), "count": hold(values["count"])}
            for values in training["evaluations"]
        ]
    if "history" in training:
        training["history"] = [hold(row) for row in training["history"]]
    return training
