"""``mtl evaluate``: a model's figures on labelled data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtl_cli import options
from mtl_cli.tables import echo_json, number, text_table

if TYPE_CHECKING:
    from mtlcore.plugin.interfaces import Items
    from mtlcore.plugin.plugins import Plugins
    from mtlcore.training.evaluate import Evaluation


@click.command()
@options.models_option
@options.as_sections_option
@click.option(
    "--data", "-d", required=True, metavar="DIR|SOURCE:WHAT", help="A data set's folder, or e.g. synth:rgm2d."
)
@options.stages_option
@options.tasks_option
@options.split_option
@options.limit_option
@options.iterations_option
@options.item_shape_option
@options.scale_option
@options.balance_option
@options.precision_option
@options.tta_flag
@options.device_option
@options.config_option
@options.set_option
@options.json_option
@options.quiet_option
def evaluate(config: Path | None, settings: tuple[str, ...], **given: Any) -> None:
    """Compare a model's fields with labels.

    Every task's metrics, as means over the items where they are defined (with --json also item by item).
    Figures of the noisy input itself stand beside those of the denoised image (input_...).
    A refining stage alone starts from refinement inputs, made as in training. Of several passes each has a column.
    """
    tables = options.load_config(config, settings)
    options.refuse_unknown_sections(tables, ("source",))
    source = dict(options.section(tables, "source"))
    if given["shape"]:
        source["shape"] = list(given["shape"])
    found = carry_out(given, source)
    if given["as_json"]:
        facts = {name: given[name] for name in ("data", "split", "iterations")}
        facts |= {"source": source, "stages": found.stages, "models": found.models, "passes": found.passes}
        echo_json({**facts, "items": found.items, "mean": found.mean, "count": found.count})
        return
    click.echo(text_table(table(found)))


def table(found: Evaluation) -> list[tuple[str, ...]]:
    """A row for each figure: its mean, after each pass where there are several, and over how many items."""
    passes = found.passes if len(found.passes) > 1 else {"mean": found.mean}
    rows = [("metric", *passes, "items")]
    for name, count in found.count.items():
        means = [figures.get(name, math.nan) for figures in passes.values()]
        rows.append((name, *(number(value) for value in means), str(count)))
    return rows


def carry_out(given: dict[str, Any], source: dict[str, Any]) -> Evaluation:
    """Open the data, load the models and evaluate."""
    from mtl_cli.progress import choose_progress
    from mtlcore.plugin import plugins
    from mtlcore.training.sources import open_items

    installed = plugins.current()
    items = open_items(given["data"], source, given["split"], installed.outputs, installed)
    with installed.listening(*choose_progress(given["quiet"], given["as_json"])):
        return evaluate_models(given["models"], items, given, installed)


def evaluate_models(models: Sequence[str], items: Items, given: dict[str, Any], installed: Plugins) -> Evaluation:
    """The figures of a chain of models."""
    from mtlcore.inference.infer import InferOptions
    from mtlcore.inference.loading import load_chain
    from mtlcore.training.evaluate import evaluate as evaluate_chain

    same = {name: given[name] for name in ("scale", "balance", "precision")}
    chain = load_chain(
        given["stage"] or (),
        len(items.shape),
        models,
        given["device"],
        installed,
        quiet=True,
        as_sections=given["as_sections"],
        has_fields=bool(models),
        iterations=given["iterations"],
        options=InferOptions(mirrored_average=given["tta"], **same),
    )
    return evaluate_chain(chain, items, given["tasks"], given["limit"], plugins=installed)
