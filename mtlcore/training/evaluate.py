"""Evaluation: every task's metrics, item by item and in all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.inference.chain import Chain
from mtlcore.plugin.interfaces import Items
from mtlcore.plugin.plugins import Plugins

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Evaluation:
    """``items``: per item, figures by "task.metric". ``mean``: over the items where a figure is defined.

    ``stages``: those of the chain, in order; ``models``: the SHA-256 of their weights' files.
    """

    items: list[dict[str, float]]
    mean: dict[str, float]
    count: dict[str, int]
    stages: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


def evaluate(
    chain: Chain,
    items: Items,
    tasks: Sequence[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    plugins: Plugins | None = None,
) -> Evaluation:
    """Run a chain of models over labelled items and compare.

    A chain that begins with refinement reads each item's own refinement inputs, made as in training.
    MtlError where no item has a label of the tasks.
    """
    total = len(items) if limit is None else min(limit, len(items))
    figures = []
    if plugins is not None:
        plugins.hook.stage_started(stage="evaluate", total=total, folder=None)
    for index in range(total):
        figures.append(evaluate_item(chain, items[index], tasks, np.random.default_rng([seed, index])))
        if plugins is not None:
            plugins.hook.step_finished(stage="evaluate", step=index + 1, total=total, values={})
    if not any(figures):
        names = ", ".join(task.name for task in chain.chosen(tasks))
        raise MtlError(f"The data hold no label of {names}: there is nothing to compare with.")
    stages = tuple(model.stage.name for model in chain.models)
    result = Evaluation(figures, *summary(figures), stages, tuple(model.fingerprint for model in chain.models))
    if plugins is not None:
        plugins.hook.stage_finished(stage="evaluate", values=result.mean)
    return result


def evaluate_item(
    chain: Chain, item: Mapping[str, Array], tasks: Sequence[str] | None, random: np.random.Generator
) -> dict[str, float]:
    """All figures of one item."""
    return figures_of(chain, item, predicted_fields(chain, item, tasks, random), tasks)


def predicted_fields(
    chain: Chain, item: Mapping[str, Array], tasks: Sequence[str] | None, random: np.random.Generator
) -> dict[str, Array]:
    """What a chain gives of one item; a refining first stage reads fields that are made as in training."""
    first = chain.models[0]
    given = first.stage.training_fields(first.tasks, item, random) if first.stage.needs_fields else None
    return chain.run(item["image"], tasks, given).fields


def figures_of(
    chain: Chain, item: Mapping[str, Array], fields: Mapping[str, Array], tasks: Sequence[str] | None
) -> dict[str, float]:
    """The figures of an item's fields, by "task.metric", of the tasks that it has labels of."""
    figures: dict[str, float] = {}
    for task in chain.chosen(tasks):
        names = [output.name for output in task.outputs_in(chain.ndim)]
        if names[0] in item:
            found = task.metrics({name: fields[name] for name in names}, item)
            figures.update({f"{task.name}.{name}": float(value) for name, value in found.items()})
    return figures


def summary(items: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, int]]:
    """The mean of each figure over the items where it is a number, and over how many that is."""
    names = list(dict.fromkeys(name for item in items for name in item))
    defined = {name: [item[name] for item in items if math.isfinite(item.get(name, math.nan))] for name in names}
    means = {name: float(np.mean(values)) if values else math.nan for name, values in defined.items()}
    return means, {name: len(values) for name, values in defined.items()}
