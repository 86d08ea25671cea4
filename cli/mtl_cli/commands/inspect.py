"""``mtl inspect``: what a file, a model, a run or a data set is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtl_cli import options
from mtl_cli.parameters import Name, Shape
from mtl_cli.tables import echo_json, plain, text_table
from mtl_cli.volume_facts import DRAWINGS, axis_text, describe_file, draw

if TYPE_CHECKING:
    from mtlcore.model.model import Model

CHECKPOINTS = (".ckpt", ".pt", ".pth")
"""Suffixes of other programs' checkpoints."""
PARTS = ("config.json", "model.safetensors", "train.json", "state.safetensors", "run.json")
"""Files that mean their folder: a model, a training run or a result."""
BUDGET = ("data", "start", "epochs", "steps", "hours", "device")
"""What a table says of a model's training; its card says all."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "format_name", type=Name("format"), help="Format of a file. Default: by its suffix.")
@click.option("--shape", type=Shape(), metavar="DEPTHxTRACES", help="Shape of a raw file, depth first.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set an option of the file's format, as format.inline=9 (repeatable).",
)
@options.json_option
def inspect(
    path: Path, format_name: str | None, shape: tuple[int, ...] | None, settings: tuple[str, ...], as_json: bool
) -> None:
    """Say what a file, model, run, result or data set is.

    Of a seismic file: geometry, ranges, a histogram and a map of the live traces; of SEG-Y also the byte
    positions found. Of a file of more than 17 million samples, a part spread evenly is measured.
    """
    tables = options.load_config(None, settings)
    options.refuse_unknown_sections(tables, ("format",))
    format_options = dict(options.section(tables, "format")) | ({"shape": shape} if shape else {})
    facts = describe(path, format_name, format_options)
    if as_json:
        echo_json(facts)
        return
    rows = {name: value for name, value in plain(facts).items() if name not in DRAWINGS}
    if "trace_xy" in rows:
        points = len(rows["trace_xy"][0])
        rows["trace_xy"] = f"{points} points: a crooked line; coordinates are those of the best straight one"
    if facts["kind"] == "model":
        rows["training"] = {name: value for name, value in rows["training"].items() if name in BUDGET}
        rows["card"] = str((path if path.is_dir() else path.parent) / "README.md")
    click.echo(text_table(line for name, value in rows.items() for line in _lines(name.replace("_", " "), value)))
    if "histogram" in facts:
        click.echo(draw(facts))


def describe(path: Path, format_name: str | None, format_options: dict[str, Any]) -> dict[str, Any]:
    """Facts by name."""
    from mtlcore.errors import MtlError

    if not path.exists():
        raise MtlError(f"{path} does not exist.")
    if path.is_file() and path.name in PARTS and not format_name:
        return describe_folder(path.parent, None, {})
    if path.is_file() and path.suffix in CHECKPOINTS and not format_name:
        return describe_checkpoint(path)
    if path.is_file():
        return describe_file(path, format_name, format_options)
    return describe_folder(path, format_name, format_options)


def describe_folder(path: Path, format_name: str | None, format_options: dict[str, Any]) -> dict[str, Any]:
    """A folder: by the files in it, or as a volume of a format that writes folders."""
    # These import torch, which what a file is said of does not need.
    from mtlcore.errors import MtlError
    from mtlcore.io.files import has_known_suffix
    from mtlcore.model.checkpoint import CONFIG
    from mtlcore.run import unfinished
    from mtlcore.run.results import RECORD
    from mtlcore.training.job import JOB

    for name, describe_content in ((CONFIG, describe_model), (JOB, describe_run), (RECORD, describe_result)):
        if (path / name).is_file() or (name == RECORD and unfinished.is_marked(path)):
            return describe_content(path)
    if format_name or has_known_suffix(path):
        return describe_file(path, format_name, format_options)
    if (path / "dataset.json").is_file() or (path / "data_train").is_dir():
        return describe_data(path, format_options)
    raise MtlError(f"{path} contains no model ({CONFIG}), training run ({JOB}), result ({RECORD}) or data set.")


def describe_checkpoint(path: Path) -> dict[str, Any]:
    """A file that ``mtl import`` would turn into a model."""
    from mtlcore.model.foreign import convert_foreign

    return {"kind": "checkpoint, for mtl import", **_facts_of(convert_foreign(path))}


def describe_model(path: Path) -> dict[str, Any]:
    """A model folder."""
    from mtlcore.model.checkpoint import load_model, model_integrity

    model = load_model(path, check=False)
    facts = {
        "sha256": model.fingerprint,
        "integrity": model_integrity(path),
        "note": model.config.note,
        "training": model.config.training,
    }
    return {"kind": "model", **_facts_of(model), **facts}


def _facts_of(model: Model) -> dict[str, Any]:
    from mtlcore.model.net import parameter_count

    return {
        "stage": model.stage.name,
        "dimensions": model.ndim,
        "backbone": model.backbone.name,
        "parameters": parameter_count(model.net),
        "tasks": [task.name for task in model.predicted_tasks],
        "outputs": [
            f"{out.name} ({out.unit})" for task in model.predicted_tasks for out in task.outputs_in(model.ndim)
        ],
        "inputs": model.config.inputs,
    }


def describe_run(path: Path) -> dict[str, Any]:
    """A training run."""
    import csv
    from dataclasses import asdict

    from mtlcore.training.job import read_job
    from mtlcore.training.trainer import STATE

    log = path / "epochs.csv"
    epochs = list(csv.DictReader(log.read_text(encoding="utf-8").splitlines())) if log.is_file() else []
    job = asdict(read_job(path))
    last = (
        {name: value for name, value in epochs[-1].items() if name not in ("time", "stage", "total")} if epochs else {}
    )
    return {
        "kind": "training run",
        **{name: job[name] for name in ("data", "stage", "backbone", "tasks", "train")},
        "epochs_done": len(epochs),
        "last_epoch": last,
        "resumable": (path / STATE).is_file(),
        "best_model": str(path / "best") if (path / "best").is_dir() else None,
    }


def describe_result(path: Path) -> dict[str, Any]:
    """A result folder of ``mtl run``."""
    from mtlcore.run.results import read_record

    record = read_record(path)
    return {"kind": "result", **{name: record[name] for name in ("started", "input", "models", "outputs", "pictures")}}


def describe_data(path: Path, source: dict[str, Any]) -> dict[str, Any]:
    """A data set's folder."""
    from mtlcore.errors import MtlError
    from mtlcore.plugin import plugins
    from mtlcore.training.sources import open_items

    installed = plugins.current()
    facts: dict[str, Any] = {"kind": "data set"}
    for split in ("train", "valid"):
        try:
            items = open_items(str(path), source, split, installed.outputs, installed)
        except MtlError as error:
            if facts.get("train") == str(error):
                raise  # nothing of it can be read
            facts[split] = str(error)
            continue
        facts |= {"shape": list(items.shape), split: f"{len(items)} items", "arrays": sorted(items[0])}
    return facts


def _lines(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Rows of a table; several things of one kind have a row each."""
    if isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
        for key, item in value.items():
            yield f"{name}: {key}", _text(item)
    elif isinstance(value, list | tuple) and value and all(isinstance(item, dict) for item in value):
        for item in value:
            yield name, _text(item)
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"name", "size", "origin", "step", "unit"}:
        return axis_text(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(_text, value))
    if isinstance(value, float):
        return f"{value:.10g}"
    return "-" if value is None else str(value)
