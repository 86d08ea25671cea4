"""The job that the options of ``mtl run`` describe, and the configuration that repeats it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli import options

if TYPE_CHECKING:
    from mtlcore.run.runs import RunJob


def make_job(values: dict[str, Any], tables: dict[str, Any]) -> RunJob:
    """The job that the options describe."""
    from mtlcore.inference.infer import InferOptions
    from mtlcore.run.inputs import part_of
    from mtlcore.run.runs import RunJob

    format_options = dict(options.section(tables, "format"))
    if values["shape"]:
        format_options["shape"] = values["shape"]
    input_path, format_name = values["input"], values["format"]
    if values["start"] is not None and input_path is None:
        input_path, format_name, format_options = _input_of(values["start"], values, format_options)
    if values["start"] is not None and values["scale"] is None:
        values = {**values, "scale": _scale_of(values["start"])}
    inferring = ("tile", "halo", "uncertainty", "scale", "precision", "balance", "memory")
    same = (
        *("models", "as_sections", "iterations", "tolerance", "device", "start", "output_format", "tasks"),
        *("workers", "scratch", "cluster"),
    )
    return RunJob(
        input=input_path,
        format=format_name,
        format_options=format_options,
        part=part_of(values),
        stages=_names(values["stage"] or ()),
        output_options=options.section(tables, "output_format"),
        pictures=not values["no_pictures"],
        infer=InferOptions(mirrored_average=values["tta"], **{name: values[name] for name in inferring}),
        **{name: values[name] for name in same},
    )


def _input_of(
    start: Path, values: dict[str, Any], format_options: dict[str, Any]
) -> tuple[Path | None, str | None, dict[str, Any]]:
    """The image that an earlier result was made from, with how it was read."""
    from mtlcore.run import inputs, results

    record = results.read_record(start)
    earlier = record.get("config", {})
    path = inputs.same_input(record, start)
    name = values["format"] or earlier.get("run", {}).get("format")
    return path, name, {**earlier.get("format", {}), **format_options}


def _scale_of(start: Path) -> tuple[float, ...] | None:
    """The scale at which the network saw an earlier result's image: what refines it should see the same."""
    from mtlcore.run import results

    record = results.read_record(start)
    shape, seen = record["input"]["shape"], record.get("samples_seen")
    return tuple(new / old for new, old in zip(seen, shape, strict=True)) if seen else None


def _names(value: Any) -> tuple[str, ...]:
    return tuple(value.split(",")) if isinstance(value, str) else tuple(value)


def repeatable(values: dict[str, Any], job: RunJob) -> dict[str, Any]:
    """The configuration that repeats the run, to another folder."""
    left_out = ("output", "force", "as_json", "quiet", "shape", "models", "report", "resume", "dry_run")
    table = {name: value for name, value in values.items() if name not in left_out and value not in (None, ())}
    table = {"from" if name == "start" else name.replace("_", "-"): value for name, value in table.items()}
    if job.input is not None:
        table["input"] = job.input
    if values["models"]:
        # Full paths: it may be repeated from another folder.
        table["model"] = [str(Path(model).resolve()) if Path(model).exists() else model for model in values["models"]]
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in table.items()}
    plain = {name: str(value.resolve()) if isinstance(value, Path) else value for name, value in plain.items()}
    shaped = {name: list(value) if isinstance(value, tuple) else value for name, value in job.format_options.items()}
    return {"run": plain, "format": shaped, "output_format": dict(job.output_options)}
