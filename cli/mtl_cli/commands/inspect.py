"""``mtl inspect``: what a file, a model, a run or a data set is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mtl_cli import options
from mtl_cli.parameters import Name, Shape
from mtl_cli.tables import echo_json, number, plain, text_table


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "format_name", type=Name("format"), help="Format of a file. Default: by its suffix.")
@click.option("--shape", type=Shape(), metavar="DEPTHxTRACES", help="Shape of a raw file, depth first.")
@options.json_option
def inspect(path: Path, format_name: str | None, shape: tuple[int, ...] | None, as_json: bool) -> None:
    """Say what a file, model, run, result or data set is."""
    facts = describe(path, format_name, {"shape": shape} if shape else {})
    if as_json:
        echo_json(facts)
        return
    click.echo(text_table((name.replace("_", " "), _text(value)) for name, value in plain(facts).items()))


def describe(path: Path, format_name: str | None, format_options: dict[str, Any]) -> dict[str, Any]:
    """Facts by name."""
    from mtlcore.checkpoint import CONFIG
    from mtlcore.errors import MtlError
    from mtlcore.results import RECORD
    from mtlcore.train import JOB

    if not path.exists():
        raise MtlError(f"{path} does not exist.")
    if path.is_file():
        return describe_file(path, format_name, format_options)
    for name, describe_folder in ((CONFIG, describe_model), (JOB, describe_run), (RECORD, describe_result)):
        if (path / name).is_file():
            return describe_folder(path)
    if (path / "dataset.json").is_file() or (path / "data_train").is_dir():
        return describe_data(path, format_options)
    raise MtlError(f"{path} holds no model ({CONFIG}), training run ({JOB}), result ({RECORD}) or data set.")


def describe_file(path: Path, format_name: str | None, format_options: dict[str, Any]) -> dict[str, Any]:
    """A seismic file: geometry and amplitudes."""
    import numpy as np

    from mtlcore.amplitude import prepare
    from mtlcore.files import make_format

    chosen = make_format(path, format_name, format_options)
    volume = chosen.open(path)
    values = volume.load()
    volume.close()
    prepared = prepare(values, live=volume.geometry.live)
    finite = values[np.isfinite(values)]
    axes = [
        f"{axis.name}: {axis.size} from {axis.origin:g}, step {axis.step:g} {axis.unit}"
        for axis in volume.geometry.axes
    ]
    return {
        "kind": f"{values.ndim}D seismic image",
        "format": chosen.name,
        "bytes": path.stat().st_size,
        "shape": list(values.shape),
        "axes": axes,
        "minimum": float(finite.min()) if finite.size else float("nan"),
        "maximum": float(finite.max()) if finite.size else float("nan"),
        "root_mean_square": prepared.scale,
        **prepared.report,
    }


def describe_model(path: Path) -> dict[str, Any]:
    """A model folder."""
    from mtlcore.checkpoint import load_model
    from mtlcore.net import parameter_count

    model = load_model(path)
    return {
        "kind": "model",
        "stage": model.stage.name,
        "dimensions": model.ndim,
        "backbone": model.backbone.name,
        "parameters": parameter_count(model.net),
        "tasks": [task.name for task in model.tasks],
        "outputs": [f"{output.name} ({output.unit})" for output in model.outputs],
        "inputs": model.config.inputs,
        "sha256": model.fingerprint,
        "note": model.config.note,
        "training": model.config.training,
    }


def describe_run(path: Path) -> dict[str, Any]:
    """A training run."""
    import csv
    from dataclasses import asdict

    from mtlcore.train import STATE, read_job

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
    from mtlcore.results import read_record

    record = read_record(path)
    return {"kind": "result", **{name: record[name] for name in ("started", "input", "models", "outputs", "pictures")}}


def describe_data(path: Path, source: dict[str, Any]) -> dict[str, Any]:
    """A data set's folder."""
    from mtlcore import plugins
    from mtlcore.errors import MtlError
    from mtlcore.sources import open_items

    installed = plugins.current()
    outputs = [output for name in installed.tasks for output in installed.tasks[name].outputs]
    facts: dict[str, Any] = {"kind": "data set"}
    for split in ("train", "valid"):
        try:
            items = open_items(str(path), source, split, outputs, installed)
        except MtlError as error:
            facts[split] = str(error)
            continue
        facts |= {"shape": list(items.shape), split: f"{len(items)} items", "arrays": sorted(items[0])}
    return facts


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(_text, value))
    if isinstance(value, float):
        return number(value)
    return "-" if value is None else str(value)
