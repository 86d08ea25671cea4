"""``mtl train``: from labelled data to a model."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtl_cli import options
from mtl_cli.parameters import ModelName, Name, Shape
from mtl_cli.tables import number as number_text
from mtl_cli.tables import text_table

if TYPE_CHECKING:
    from mtlcore.plugin.plugins import Plugins
    from mtlcore.training.job import Job

ROWS = 13
"""Of the table of learning rates."""
OVERRIDES = ("epochs", "monitor", "patience", "processes", "threads")
"""Flags that are options of training."""
TABLES = ("stage", "backbone", "tasks", "source", "train", "augment")
FIXED = (
    "data",
    "stage",
    "tasks",
    "task_options",
    "new_tasks",
    "backbone",
    "start",
    "start_fingerprint",
    "periods",
    "ranges",
)
"""What a resumed run cannot change: its state fits no other."""
PLAIN = ("data", "output", "start", "from", "freeze", "shape", "device", "note", *OVERRIDES)


@click.command()
@click.option("--data", "-d", metavar="DIR|SOURCE:WHAT", help="A data set's folder, or e.g. synth:rgm2d.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Run folder. Default: runs/001, 002, ...")
@click.option("--stage", "-s", type=Name("stage"), help="Default: mti, or that of --from MODEL.")
@click.option(
    "--tasks",
    "-t",
    type=Name("task", many=True),
    metavar="A,B",
    help="What the network learns. Default: all installed ones that the data have labels of, or those of --from MODEL.",
)
@click.option("--backbone", "-b", type=Name("backbone"), help="Default: unet, or that of --from MODEL.")
@options.item_shape_option
@click.option("--epochs", type=click.IntRange(1), help="Same as --set train.epochs=N.")
@click.option(
    "--from", "start", type=ModelName(), metavar="DIR|NAME", help="Start from a model's weights: fine-tuning."
)
@click.option(
    "--freeze", metavar="A,B", help="Parts whose weights are not changed: backbone, encoder, decoder, or a task."
)
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Continue an interrupted run.")
@click.option("--monitor", metavar="FIGURE", help="What chooses the best model, e.g. fault.f1_2. Default: valid_loss.")
@click.option("--patience", type=click.IntRange(0), metavar="N", help="Stop after N epochs without a better one.")
@click.option("--processes", type=click.IntRange(1), help="Processes on a CPU. Default: one for each thread.")
@click.option("--threads", type=click.IntRange(1), help="Threads on a CPU, of all processes. Default: all cores.")
@click.option("--find-rate", is_flag=True, help="Only try learning rates from low to high, and say which to take.")
@click.option("--tensorboard", is_flag=True, help="Also log for TensorBoard, in the run folder.")
@options.device_option
@options.force_option
@options.config_option
@options.set_option
@options.quiet_option
@click.pass_context
def train(ctx: click.Context, /, config: Path | None, settings: tuple[str, ...], **given: Any) -> None:
    """Train a network, or go on training.

    The run folder keeps the best and the last model, a log, and the state from which --resume goes on exactly.
    Configuration sections: stage, backbone, tasks.NAME, source, train, augment; and data, note.
    """
    from mtl_cli.progress import choose_progress
    from mtlcore.plugin import plugins

    installed = plugins.current()
    tables: dict[str, Any] = {}
    if given["resume"]:
        job = _resumed(ctx, given["resume"], config, settings)
    else:
        of_tasks = tuple(setting for setting in settings if setting.strip().startswith("tasks."))
        tables = options.load_config(config, tuple(setting for setting in settings if setting not in of_tasks))
        options.refuse_unknown_sections(tables, TABLES + PLAIN)
        if "from" in tables:  # as the flag is called; run folders say start
            tables["start"] = tables.pop("from")
        task_options = options.load_config(None, of_tasks).get("tasks", {})
        job = make_job(_given(ctx, given, tables), tables, task_options)

    def folder() -> Path:
        chosen: Path = given["resume"] or _claim(given["output"] or tables.get("output"), given["force"])
        if not given["quiet"]:
            click.echo(f"Run: {chosen}", err=True)
        return chosen

    listeners = [*choose_progress(given["quiet"])]
    if given["find_rate"]:
        with installed.listening(*listeners):
            _find_rate(job, installed)
        return
    if given["tensorboard"]:
        from mtlcore.training.logs import TensorBoardLog

        listeners.append(TensorBoardLog())
    from mtlcore.training.train import train as run_training

    with installed.listening(*listeners):
        best = run_training(job, folder, installed, resume=bool(given["resume"]))
    if os.environ.get("RANK", "0") != "0":
        return  # under torchrun, one process speaks for all
    click.echo(f"Best model: {best}")
    click.echo(f"Next: mtl run --model {best} --input FILE")


def _find_rate(job: Job, installed: Plugins) -> None:
    """Try learning rates and print what happened at each, and which one to take."""
    from mtlcore.training.rate_test import find_rate

    found = find_rate(job, installed)
    rows = [("learning rate", "training loss")]
    count = len(found.rates)
    shown = sorted({round(number * (count - 1) / (ROWS - 1)) for number in range(ROWS)})
    rows += [(f"{found.rates[number]:.1e}", number_text(found.losses[number])) for number in shown]
    click.echo(text_table(rows))
    click.echo(f"Learning rate: --set train.learning_rate={found.suggested:.1e}, a tenth of that of the lowest loss.")


def _given(ctx: click.Context, given: dict[str, Any], tables: dict[str, Any]) -> dict[str, Any]:
    """Options by flag or environment, else from the file."""
    chosen = dict(given)
    for name in ("data", "device", "start", "freeze", *OVERRIDES):
        if ctx.get_parameter_source(name) == click.core.ParameterSource.DEFAULT and name in tables:
            chosen[name] = tables[name]
    if chosen["shape"] is None and "shape" in tables:
        written = tables["shape"]
        chosen["shape"] = written if isinstance(written, list) else Shape().convert(written, None, ctx)
    return chosen


def make_job(
    given: Mapping[str, Any], tables: Mapping[str, Any], task_options: Mapping[str, dict[str, Any]] | None = None
) -> Any:
    """The job of a configuration, with the options given on the command line laid over it.

    ``task_options``: by task, those that change options and choose no tasks.
    """
    from mtlcore.errors import OptionError
    from mtlcore.training.job import Job

    if not given["data"]:
        raise OptionError("No training data: use --data DIR, or a source as in --data synth:rgm2d.")
    source = dict(options.section(dict(tables), "source"))
    if given["shape"]:
        source["shape"] = list(given["shape"])
    training = dict(options.section(dict(tables), "train"))
    training |= {name: given[name] for name in OVERRIDES if given.get(name) is not None}
    if given["freeze"]:
        names = given["freeze"]
        training["freeze"] = [name.strip() for name in (names.split(",") if isinstance(names, str) else names)]
    return Job(
        data=str(given["data"]),
        stage=_part(tables.get("stage"), given["stage"], "stage"),
        tasks=_tasks(tables.get("tasks", ()), task_options or {}, given["tasks"]),
        task_options=dict(task_options or {}),
        backbone=_part(tables.get("backbone"), given["backbone"], "backbone"),
        start=str(given["start"] or ""),
        source=source,
        train=training,
        augment=options.section(dict(tables), "augment"),
        device=str(given["device"]),
        note=str(tables.get("note", "")),
    )


def _part(written: Any, name: str | None, kind: str) -> dict[str, Any]:
    """A stage or backbone: a name alone, or a table of options; one that names another part than asked for is dropped.

    Empty where neither says anything: the default, or that of the model that training starts from.
    """
    from mtlcore.errors import OptionError

    if written is None:
        return {"name": name} if name else {}
    table = {"name": written} if isinstance(written, str) else written
    if not isinstance(table, dict):
        raise OptionError(f"Configuration: '{kind}' is {written!r}, expected a name or a section [{kind}].")
    if name and table.get("name", name) != name:
        return {"name": name}
    return {"name": name, **table} if name else table


def _tasks(written: Any, settings: Mapping[str, Any], names: tuple[str, ...] | None) -> tuple[dict[str, Any], ...]:
    """Tasks: a list of names, or sections [tasks.NAME] with their options; ``settings`` of tasks choose none.

    Empty where neither file nor flag chooses any: those that are found.
    """
    from mtlcore.errors import OptionError

    chosen = {str(name): {} for name in written} if isinstance(written, list | tuple) else written
    for tables in (chosen, settings):
        if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            raise OptionError(f"Configuration: 'tasks' is {tables!r}, expected names or sections [tasks.NAME].")
    return tuple({"name": name, **chosen.get(name, {})} for name in names or chosen)


def _claim(output: Any, force: bool) -> Path:
    from mtlcore.io import folders

    return folders.claim(Path(output), force) if output else folders.next_numbered(Path("runs"))


def _resumed(ctx: click.Context, folder: Path, config: Path | None, settings: tuple[str, ...]) -> Any:
    """The run's own job; only the device, the number of epochs and settings may change."""
    from dataclasses import asdict, replace

    from mtlcore.config import apply_settings, build
    from mtlcore.errors import OptionError
    from mtlcore.training.job import Job, read_job

    for name in ("data", "output", "stage", "tasks", "backbone", "shape", "start", "freeze"):
        if ctx.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE:
            flag = {"start": "from"}.get(name, name)
            raise OptionError(f"--{flag} cannot be given with --resume: the run goes on as it began.")
    if config:
        raise OptionError("--config cannot be given with --resume: the run goes on as it began.")
    for setting in settings:
        section = re.split(r"[.=\s]", setting.strip(), maxsplit=1)[0]
        if section in FIXED:
            raise OptionError(
                f"--set {setting} cannot be given with --resume: '{section}' stays as it is. "
                f"mtl train --from {folder} begins a new run from its weights."
            )
    for name in OVERRIDES:
        if ctx.get_parameter_source(name) != click.core.ParameterSource.DEFAULT:
            settings = (f"train.{name}={ctx.params[name]}", *settings)
    job = build(Job, apply_settings(asdict(read_job(folder)), settings), "run")
    if ctx.get_parameter_source("device") != click.core.ParameterSource.DEFAULT:
        job = replace(job, device=ctx.params["device"])
    return job
