"""``mtl compare``: which model is better, and whether that may be chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtl_cli import options
from mtl_cli.commands.evaluate import evaluate_models
from mtl_cli.parameters import ModelName, Name
from mtl_cli.tables import echo_json, number, text_table

if TYPE_CHECKING:
    from mtlcore.plugin.plugins import Plugins
    from mtlcore.training.compare import Difference, Row
    from mtlcore.training.evaluate import Evaluation

PANELS = 9
"""Of the picture of curves."""


@click.command()
@click.argument("models", nargs=-1, required=True, type=ModelName(), metavar="RUN|MODEL|FILE...")
@click.option("--data", "-d", metavar="DIR|SOURCE:WHAT", help="Labelled data. Default: that of the first training run.")
@click.option("--tasks", "-t", type=Name("task", many=True), metavar="A,B", help="Default: all that all of them have.")
@options.split_option
@options.limit_option
@options.iterations_option
@options.item_shape_option
@click.option("--curves", type=click.Path(path_type=Path, dir_okay=False), metavar="PNG", help="Draw training curves.")
@options.as_sections_option
@options.scale_option
@options.balance_option
@options.precision_option
@options.tta_flag
@options.device_option
@options.config_option
@options.set_option
@options.json_option
@options.quiet_option
def compare(models: tuple[str, ...], config: Path | None, settings: tuple[str, ...], **given: Any) -> None:
    """Compare models on the same items, with confidence intervals.

    Each of them is a training run (its best model), a model's folder or packaged name, several of these for stages in a
    row (A+B), or a file of what mtl evaluate --json printed. The table has the mean of every figure and, from the
    second model on, its difference from the first one's with an interval of 95 %: items are paired, and drawn anew with
    replacement. Where the interval does not contain 0 the difference is called better or worse.
    """
    from mtlcore.plugin import plugins
    from mtlcore.training.compare import compare as compare_evaluations

    installed = plugins.current()
    tables = options.load_config(config, settings)
    options.refuse_unknown_sections(tables, ("source",))
    if given["curves"]:
        _draw_curves(given["curves"], models)
    if len(models) < 2:
        if given["curves"]:
            return
        raise click.UsageError("One model cannot be compared: name two or more, or use mtl evaluate.")
    found = _evaluations(models, given, dict(options.section(tables, "source")), installed)
    tasks = list(installed.tasks.loadable()[0].values())
    rows = compare_evaluations(found, tasks)
    if given["as_json"]:
        echo_json({"models": list(models), "figures": [asdict(row) for row in rows]})
        return
    click.echo(text_table(table(models, rows)))


def table(models: Sequence[str], rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """A row for each figure: the models' means, and differences from the first with what they mean."""
    lettered = [chr(ord("A") + position) for position in range(len(models))]
    for letter, name in zip(lettered, models, strict=True):
        click.echo(f"{letter}: {name}")
    differences = [f"{letter} - A" for letter in lettered[1:]]
    lines = [("metric", *lettered, *differences, "items")]
    for row in rows:
        means = (number(mean) for mean in row.means)
        lines.append((row.name, *means, *map(_text, row.differences), str(row.differences[0].items)))
    return lines


def _text(found: Difference) -> str:
    interval = f"{found.mean:+.2g} [{found.low:+.2g}, {found.high:+.2g}]" if found.items else "-"
    return f"{interval} {found.verdict}".strip()


def _evaluations(
    models: Sequence[str], given: dict[str, Any], source: dict[str, Any], installed: Plugins
) -> list[Evaluation]:
    """The figures of each, computed or read; all must be of the same items."""
    from mtl_cli.progress import choose_progress
    from mtlcore.errors import MtlError
    from mtlcore.training.sources import open_items

    items: Any = None
    found = []
    with installed.listening(*choose_progress(given["quiet"], given["as_json"])):
        for name in models:
            if Path(name).is_file():
                found.append(_read(Path(name)))
                continue
            if items is None:
                data, used = _data(models, given, source)
                items = open_items(data, used, given["split"], installed.outputs, installed)
            stages = {**given, "stage": None}
            found.append(evaluate_models(name.split("+"), items, stages, installed))
    counts = {len(evaluation.items) for evaluation in found}
    if len(counts) > 1:
        raise MtlError(f"The evaluations are of {', '.join(map(str, sorted(counts)))} items: expected the same ones.")
    return found


def _read(path: Path) -> Evaluation:
    """What mtl evaluate --json printed."""
    from mtlcore.training.compare import of_items
    from mtlcore.training.export import read_evaluation

    return of_items(read_evaluation(path)["items"])


def _data(models: Sequence[str], given: dict[str, Any], source: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The data and their options: as given, else those of the first training run among the models."""
    from mtlcore.errors import OptionError
    from mtlcore.training.job import JOB, read_job

    if given["shape"]:
        source["shape"] = list(given["shape"])
    if given["data"]:
        return given["data"], source
    for name in models:
        if (Path(name) / JOB).is_file():
            job = read_job(Path(name))
            return job.data, {**job.source, **source}
    raise OptionError("No data to compare on: use --data DIR, or a source as in --data synth:rgm2d.")


def _draw_curves(path: Path, models: Sequence[str]) -> None:
    """Figures by epoch of those of the models that are training runs."""
    from mtlcore.errors import OptionError
    from mtlcore.training.curves import draw_curves, read_curves
    from mtlcore.training.job import JOB

    runs = {name: read_curves(Path(name)) for name in models if (Path(name) / JOB).is_file()}
    if not runs:
        raise OptionError("--curves draws training runs, and none of the models is the folder of one: leave it out.")
    names = list(dict.fromkeys(name for curves in runs.values() for name in curves))
    draw_curves(path, runs, names[:PANELS])
    click.echo(f"Curves: {path}", err=True)
