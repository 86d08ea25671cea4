"""Models compared on the same items: differences with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtlcore.plugin.interfaces import Task
from mtlcore.training.evaluate import Evaluation, summary

RESAMPLES = 10_000
CONFIDENCE = 0.95
BLOCK = 1 << 22
"""Drawn items that are in memory at once."""


@dataclass(frozen=True)
class Difference:
    """Mean of a model's figure less the first model's, over ``items`` where both are defined, and the interval of
    95 % confidence. ``verdict``: "better" or "worse" where the interval does not contain 0, else empty."""

    mean: float
    low: float
    high: float
    items: int
    verdict: str


@dataclass(frozen=True)
class Row:
    """One figure of all models: means over the items where it is defined, and differences from the first model."""

    name: str
    means: tuple[float, ...]
    differences: tuple[Difference, ...]


def compare(evaluations: Sequence[Evaluation], tasks: Sequence[Task], seed: int = 0) -> list[Row]:
    """Every figure that all of them have; items correspond by their order."""
    shared = [name for name in evaluations[0].mean if all(name in other.mean for other in evaluations)]
    random = np.random.default_rng(seed)
    rows = []
    for name in shared:
        values = [figure_of_items(evaluation, name) for evaluation in evaluations]
        lower = _lower_is_better(name, tasks)
        differences = tuple(_difference(values[0], other, lower, random) for other in values[1:])
        rows.append(Row(name, tuple(evaluation.mean[name] for evaluation in evaluations), differences))
    return rows


def figure_of_items(evaluation: Evaluation, name: str) -> NDArray[np.float64]:
    """A figure of each item, NaN where it has none."""
    return np.array([item.get(name, math.nan) for item in evaluation.items], dtype=np.float64)


def _difference(
    first: NDArray[np.float64], other: NDArray[np.float64], lower_is_better: bool, random: np.random.Generator
) -> Difference:
    found = other - first
    found = found[np.isfinite(found)]
    if not found.size:
        return Difference(math.nan, math.nan, math.nan, 0, "")
    low, high = bootstrap_interval(found, random)
    verdict = ""
    if low > 0 or high < 0:
        verdict = "better" if (high < 0) == lower_is_better else "worse"
    return Difference(float(found.mean()), low, high, int(found.size), verdict)


def bootstrap_interval(
    differences: NDArray[np.float64], random: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Percentile interval of the mean of paired differences, items drawn with replacement (Efron 1979).

    One item alone says nothing of others: the interval is unbounded.
    """
    count = differences.size
    if count < 2:
        return -math.inf, math.inf
    at_once = max(BLOCK // count, 1)
    means = np.concatenate(
        [
            differences[random.integers(0, count, (min(at_once, resamples - done), count))].mean(axis=1)
            for done in range(0, resamples, at_once)
        ]
    )
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)


def _lower_is_better(name: str, tasks: Sequence[Task]) -> bool:
    task, _, metric = name.partition(".")
    return any(metric in known.lower_is_better for known in tasks if known.name == task)


def of_items(figures: Sequence[Mapping[str, float]]) -> Evaluation:
    """An evaluation of figures that are known item by item, as those that ``mtl evaluate --json`` printed."""
    items = [{name: math.nan if value is None else float(value) for name, value in item.items()} for item in figures]
    return Evaluation(items, *summary(items))
