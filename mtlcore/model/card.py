"""Model cards: what a model is, its data, budget, figures and limits, in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mtlcore.inference.descriptors import DESCRIPTORS
from mtlcore.model.model import Model
from mtlcore.model.net import parameter_count

LIMITS = (
    "Images that differ from the training data in sampling, wavelet or geology are answered all the same: "
    "look at the pictures before you trust them."
)


def model_card(model: Model) -> str:
    """The card of a model, from its configuration."""
    config, training = model.config, dict(model.config.training)
    metrics = training.pop("metrics", {})
    evaluations = training.pop("evaluations", [])
    history, sections, limits = (training.pop(name, []) for name in ("history", "sections", "limits"))
    facts = {
        "Tasks": ", ".join(task.name for task in model.predicted_tasks),
        "Backbone": f"{model.backbone.name}, {parameter_count(model.net):,} parameters",
        "Amplitudes": f"images are normalised to a root mean square of {config.amplitude:g}",
        "Periods": "{:.1f} to {:.1f} samples along depth; images of others are resampled".format(*config.periods)
        if config.periods
        else "not recorded; images are seen as they are",
        **_known(config.ranges),
        "Made with": f"mtlcore {config.version}" if config.version else "not recorded",
    }
    parts = [
        [f"# {config.stage['name'].upper()} model, {config.ndim}D"],
        [config.note] if config.note else [],
        _list(facts),
        ["## Training data and budget"],
        _list(training) or ["Not recorded."],
        *(_evaluation(values) for values in evaluations),
        ["## Figures on validation data, at the end of training"],
        _table(metrics, {}) if metrics else ["Not measured."],
        ["## Quality against hours of training, on validation data", "", *_history(history)] if history else [],
        *([section] for section in sections),
        ["## Limits"],
        [f"- {limit}" for limit in (*limits, LIMITS)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _known(ranges: Mapping[str, tuple[float, float]]) -> dict[str, str]:
    """The training's images in numbers."""
    known = [(one.text, *ranges[one.name]) for one in DESCRIPTORS if one.name in ranges]
    text = "; ".join(f"{text}: {low:.2g} to {high:.2g}" for text, low, high in known)
    return {"Images of the training": text} if text else {}


def _evaluation(values: Mapping[str, Any]) -> list[str]:
    """Figures on data that training never saw."""
    title = f"## Figures on {values['data']}, split {values['split']}"
    how = f"Stages {', '.join(values['stages'])}; refining passes: {values['iterations']}."
    source = f" Options of the data: {_text(values['source'])}." if values.get("source") else ""
    return [title, "", how + source, "", *_table(values["mean"], values["count"])]


def _history(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row for each epoch."""
    names = list(rows[0])
    lines = ["| " + " | ".join(f"{row.get(name, ''):.4g}" for name in names) + " |" for row in rows]
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names), *lines]


def _list(facts: Mapping[str, Any]) -> list[str]:
    return [f"- {name}: {_text(value)}" for name, value in facts.items()]


def _table(figures: Mapping[str, Any], count: Mapping[str, int]) -> list[str]:
    rows: Iterable[str] = (
        f"| {name} | {value:.4g} |" + (f" {count[name]} |" if count else "")
        for name, value in figures.items()
        if value is not None
    )
    head = ["| metric | mean | items |", "|---|---|---|"] if count else ["| metric | value |", "|---|---|"]
    return [*head, *rows]


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list | tuple) else str(value)
