"""``mtl export``, ``mtl import`` and ``mtl models``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtl_cli import options
from mtl_cli.parameters import Name
from mtl_cli.tables import echo_json, text_table

if TYPE_CHECKING:
    from mtlcore.model.model import Model
    from mtlcore.plugin.interfaces import PackagedModel


@click.command(name="export")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("model_dir", type=click.Path(path_type=Path))
@click.option("--tasks", "-t", type=Name("task", many=True), metavar="A,B", help="Only these tasks' part of the model.")
@click.option("--stage", "-s", type=Name("stage"), help="Of a packaged model: which stage's. Default: the first.")
@click.option("--dimensions", "ndim", type=click.Choice(["2", "3"]), help="Of a packaged model: 2D or 3D.")
@click.option(
    "--start-share",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="0..1",
    help="Of a run that started from a model: mix in this share of that one's weights.",
)
@click.option("--half", is_flag=True, help="Weights in 16 bits: half the size.")
@click.option(
    "--shared",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Leave out the weights that the model DIR, next to MODEL_DIR, has too.",
)
@options.as_sections_option
@click.option(
    "--evaluation",
    "evaluations",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What mtl evaluate --json printed, for the model card (repeatable).",
)
@click.option("--note", help="A line that the terminal says whenever the model is used.")
@click.option("--limit", "limits", multiple=True, help="A sentence for the card on where it is bad (repeatable).")
@click.option(
    "--section",
    "sections",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Markdown for the card, before its limits (repeatable).",
)
@options.force_option
def export_command(run: Path, model_dir: Path, evaluations: tuple[Path, ...], force: bool, **given: Any) -> None:
    """Write a training run's model to a folder of its own.

    MODEL_DIR gets config.json, model.safetensors and a model card. RUN may also be a model's folder or packaged name.
    """
    from mtlcore.io import folders
    from mtlcore.training import export

    wanted = export.ExportOptions(
        evaluations=tuple(export.read_evaluation(path) for path in evaluations),
        sections=tuple(export.read_section(path) for path in given["sections"]),
        tasks=given["tasks"] or (),
        ndim=int(given["ndim"]) if given["ndim"] else None,
        **{name: given[name] for name in ("stage", "start_share", "half", "shared", "as_sections", "note", "limits")},
    )
    model = export.export_model(run, lambda: folders.claim(model_dir, force), wanted)
    click.echo(_summary(model_dir, model))


@click.command(name="import")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("model_dir", type=click.Path(path_type=Path))
@options.force_option
def import_command(checkpoint: Path, model_dir: Path, force: bool) -> None:
    """Turn a checkpoint of the reference into a model.

    A Lightning file or a bare state dict, of MTI or MTR, 2D or 3D: its keys tell which.
    Nothing in the file is executed.
    """
    from mtlcore.io import folders
    from mtlcore.model.checkpoint import save_model
    from mtlcore.model.foreign import convert_foreign

    model = convert_foreign(checkpoint)
    folders.claim(model_dir, force)
    save_model(model, model_dir)
    click.echo(_summary(model_dir, model))


def _summary(folder: Path, model: Model) -> str:
    tasks = ", ".join(task.name for task in model.predicted_tasks)
    return f"Model: {folder} ({model.stage.name}, {model.ndim}D, tasks {tasks})"


@click.command()
@options.json_option
def models(as_json: bool) -> None:
    """List the installed models."""
    from mtlcore.model.checkpoint import packaged_models
    from mtlcore.plugin import plugins

    found = packaged_models(plugins.current())
    rows = [_row(model) for model in found]
    if as_json:
        echo_json(rows)
        return
    header = ("name", "stage", "dimensions", "tasks", "note")
    lines = [(row["name"], row["stage"], f"{row['ndim']}D", ", ".join(row["tasks"]), row["note"]) for row in rows]
    click.echo(text_table([header, *lines]))


def _row(model: PackagedModel) -> dict[str, Any]:
    from mtlcore.model.checkpoint import read_config

    config = read_config(model.folder)
    facts = {"name": model.name, "stage": model.stage, "ndim": model.ndim, "tasks": list(config.predicted_tasks)}
    return {**facts, "note": config.note, "folder": str(model.folder)}
