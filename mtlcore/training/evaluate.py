"""Evaluation: every task's metrics, item by item and in all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

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

    ``stages``: those of the chain, in order; ``models``: the SHA-256 of their weights' files. ``passes``: the means
    after each pass, by its name; the last one's are ``mean``.
    """

    items: list[dict[str, float]]
    mean: dict[str, float]
    count: dict[str, int]
    stages: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    passes: dict[str, dict[str, float]] = field(default_factory=dict)


def evaluate(
    chain: Chain,
    items: Items,
    tasks: Sequence[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    plugins: Plugins | None = None,
) -> Evaluation:
    """Run a chain of models over labelled items and compare, after every pass.

    A chain that begins with refinement reads each item's own refinement inputs, made as in training.
    MtlError where no item has a label of the tasks.
    """
    total = len(items) if limit is None else min(limit, len(items))
    by_pass: dict[str, list[dict[str, float]]] = {}
    if plugins is not None:
        plugins.hook.stage_started(stage="evaluate", total=total, folder=None)
    for index in range(total):
        item = items[index]
        for name, fields in fields_by_pass(chain, item, tasks, np.random.default_rng([seed, index])):
            by_pass.setdefault(name, []).append(figures_of(chain, item, fields, tasks))
        if plugins is not None:
            plugins.hook.step_finished(stage="evaluate", step=index + 1, total=total, values={})
    figures = by_pass[list(by_pass)[-1]] if by_pass else []
    if not any(figures):
        names = ", ".join(task.name for task in chain.chosen(tasks))
        raise MtlError(f"The data contain no label of {names}: there is nothing to compare with.")
    result = Evaluation(
        figures,
        *summary(figures),
        stages=tuple(model.stage.name for model in chain.models),
        models=tuple(model.fingerprint for model in chain.models),
        passes={name: summary(found)[0] for name, found in by_pass.items()},
    )
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
    return chain.run(item["image"], tasks, _given(chain, item, random)).fields


def fields_by_pass(
    chain: Chain, item: Mapping[str, Array], tasks: Sequence[str] | None, random: np.random.Generator
) -> Iterator[tuple[str, dict[str, Array]]]:
    """The same after every pass, by its name: "mti", "mtr 1", "mtr 2", ...

    Each pass goes on from the fields of the one before, as a run does that is given an earlier result.
    """
    if len(chain.models) == chain.iterations == 1:
        yield chain.models[0].stage.name, predicted_fields(chain, item, tasks, random)
        return
    fields, options = _given(chain, item, random) or {}, chain.options
    for model in chain.models:
        for number in range(1, 1 + (chain.iterations if model.stage.refines else 1)):
            found = replace(chain, models=(model,), iterations=1, options=options).run(item["image"], None, fields)
            fields = {**fields, **found.fields}
            factors = tuple(seen / size for seen, size in zip(found.seen, item["image"].shape, strict=True))
            options = replace(options, scale=factors)  # what refines sees the image as it was seen before
            yield f"{model.stage.name} {number}" if model.stage.refines else model.stage.name, fields


def _given(chain: Chain, item: Mapping[str, Array], random: np.random.Generator) -> dict[str, Array] | None:
    """Fields for a chain that begins with refinement."""
    first = chain.models[0]
    return first.stage.training_fields(first.tasks, item, random) if first.stage.refines else None


def figures_of(
    chain: Chain, item: Mapping[str, Array], fields: Mapping[str, Array], tasks: Sequence[str] | None
) -> dict[str, float]:
    """The figures of an item's fields, by "task.metric", of the tasks that it has labels of."""
    figures: dict[str, float] = {}
    for task in chain.chosen(tasks):
        names = [output.name for output in task.outputs_in(chain.ndim)]
        if names[0] in item and names[0] in fields:
            found = task.metrics({name: fields[name] for name in names}, item)
            figures.update({f"{task.name}.{name}": float(value) for name, value in found.items()})
    return figures


def summary(items: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, int]]:
    """The mean of each figure over the items where it is a number, and over how many that is."""
    names = list(dict.fromkeys(name for item in items for name in item))
    defined = {name: [item[name] for item in items if math.isfinite(item.get(name, math.nan))] for name in names}
    means = {name: float(np.mean(values)) if values else math.nan for name, values in defined.items()}
    return means, {name: len(values) for name, values in defined.items()}
