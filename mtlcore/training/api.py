"""Training and evaluation from Python: train and evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from mtlcore.errors import OptionError
from mtlcore.inference.api import infer_options
from mtlcore.inference.loading import load_chain
from mtlcore.io import folders
from mtlcore.model.checkpoint import load_model
from mtlcore.model.model import Model
from mtlcore.plugin.plugins import current
from mtlcore.training.evaluate import Evaluation
from mtlcore.training.evaluate import evaluate as evaluate_chain
from mtlcore.training.job import Job, read_job
from mtlcore.training.printed import PrintedProgress
from mtlcore.training.sources import open_items
from mtlcore.training.train import train as train_job

Part = str | Mapping[str, Any] | None


def train(
    data: str | Path | None = None,
    output: str | Path | None = None,
    *,
    tasks: Sequence[str | Mapping[str, Any]] = (),
    stage: Part = None,
    backbone: Part = None,
    start: str | Path | None = None,
    resume: str | Path | None = None,
    source: Mapping[str, Any] | None = None,
    augment: Mapping[str, Any] | None = None,
    device: str = "auto",
    force: bool = False,
    progress: bool = True,
    **options: Any,
) -> Model:
    """Train a network on labelled data, as ``mtl train`` does, and return the best model.

    ``data``: a folder, or SOURCE:LOCATION such as "synth:rgm2d", with options in ``source``. ``output``: the run's
    folder (None: runs/001, 002, ...); ``force``: though it is not empty. ``tasks``, ``stage`` and ``backbone``: names,
    or tables with a "name" and options. ``start``: a model whose weights training starts from. ``resume``: a run's
    folder, to go on with it; of everything else only ``device`` and options may then be given. ``progress``: print it.
    ``options``: those of TrainOptions, such as ``epochs=20``, ``learning_rate=1e-3``, ``monitor="fault.f1_2"``.

    An interrupt ends the training after the step in hand with everything saved.
    """
    plugins = current()
    if resume is not None:
        job, folder = _resumed(Path(resume), device, options), Path(resume)
    else:
        if data is None:
            raise OptionError("No training data: give data, a folder or a source as in 'synth:rgm2d'.")
        folder = folders.claim(Path(output), force) if output else folders.next_numbered(Path("runs"))
        job = Job(
            data=str(data),
            stage=_table(stage),
            backbone=_table(backbone),
            tasks=tuple(_table(task) for task in tasks),
            start=str(start or ""),
            source=dict(source or {}),
            augment=dict(augment or {}),
            train=options,
            device=device,
        )
    with plugins.listening(*((PrintedProgress(),) if progress else ())):
        return load_model(train_job(job, folder, plugins, resume=resume is not None), device)


def _resumed(folder: Path, device: str, options: Mapping[str, Any]) -> Job:
    job = read_job(folder)
    return replace(job, train={**job.train, **options}, device=job.device if device == "auto" else device)


def _table(part: Part) -> dict[str, Any]:
    """A part's name, or its table."""
    if part is None:
        return {}
    return {"name": part} if isinstance(part, str) else dict(part)


def evaluate(
    model: str | Path | Sequence[str | Path],
    data: str | Path,
    *,
    split: Literal["valid", "train"] = "valid",
    tasks: Sequence[str] | None = None,
    stages: Sequence[str] = (),
    limit: int | None = None,
    iterations: int = 1,
    source: Mapping[str, Any] | None = None,
    device: str = "auto",
    progress: bool = True,
    **options: Any,
) -> Evaluation:
    """The figures of a model on labelled data, as ``mtl evaluate`` gives them.

    ``model``: a folder or packaged name, or one for each stage. ``data`` and ``source`` as for train; ``limit``: the
    first items alone. ``iterations``: passes of a refining stage; one alone begins with fields that are made as in its
    training. ``options``: as of predict, such as ``tta=True``.
    """
    plugins = current()
    items = open_items(str(data), dict(source or {}), split, plugins.outputs, plugins)
    sources = [model] if isinstance(model, str | Path) else list(model)
    chain = load_chain(
        tuple(stages),
        len(items.shape),
        sources,
        device,
        plugins,
        quiet=True,
        has_fields=True,
        iterations=iterations,
        options=infer_options(options),
    )
    with plugins.listening(*((PrintedProgress(),) if progress else ())):
        return evaluate_chain(chain, items, tasks, limit, plugins=plugins)
