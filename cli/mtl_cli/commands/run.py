"""``mtl run``: from a seismic image to results, pictures and a record."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtl_cli import options
from mtl_cli.parameters import Name, Shape
from mtl_cli.run_job import make_job, repeatable
from mtl_cli.run_summary import show
from mtl_cli.tables import echo_json, text_table

if TYPE_CHECKING:
    from mtlcore.plugin.plugins import Plugins
    from mtlcore.run.runs import RunJob

SECTIONS = ("run", "format", "output_format")


@click.command()
@click.option(
    "--input", "-i", type=click.Path(path_type=Path), help="Seismic image. Default: a small synthetic section."
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Folder for the results. Default: runs/001, 002, ..."
)
@options.tasks_option
@options.stages_option
@options.models_option
@options.as_sections_option
@options.iterations_option
@click.option(
    "--tolerance", type=click.FloatRange(0), default=0.0, show_default=True, help="Stop when no field changes by more."
)
@click.option("--from", "start", type=click.Path(path_type=Path), help="Earlier result folder to refine (--stage mtr).")
@click.option("--format", type=Name("format"), help="Format of the input. Default: by its suffix.")
@click.option("--shape", type=Shape(), metavar="DEPTHxTRACES", help="Shape of a raw input, depth first.")
@click.option("--output-format", type=Name("format"), default="npy", show_default=True, help="Format of the results.")
@click.option("--tile", type=click.IntRange(1), help="Edge of a tile in samples. Default: as large as is reasonable.")
@click.option("--halo", type=click.IntRange(0), help="Samples read around a tile. Default: what makes tiles exact.")
@options.part_option
@options.memory_option
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that share the work.")
@click.option("--cluster", metavar="ADDRESS|FILE", help="Dask scheduler whose workers share the work.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder for what does not fit into memory meanwhile.")
@options.scale_option
@options.balance_option
@options.precision_option
@click.option("--tta/--no-tta", help="Average over mirrored copies of the image.")
@click.option("--uncertainty/--no-uncertainty", help="Also write how much outputs vary over copies of the image.")
@click.option("--no-pictures/--pictures", "no_pictures", help="Draw nothing.")
@click.option("--report/--no-report", help="Write a page on the result too, as mtl report does.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RESULT", help="Finish a run that was stopped.")
@click.option("--dry-run", is_flag=True, help="Only say what the run would take: columns, memory, disk, time.")
@options.device_option
@options.force_option
@options.config_option
@options.set_option
@options.json_option
@options.quiet_option
@click.pass_context
def run(ctx: click.Context, /, config: Path | None, settings: tuple[str, ...], **given: Any) -> None:
    """Infer fields from a seismic image: denoised image, time, faults.

    Writes one file for each output, pictures, and run.json, which `mtl run --config OUTPUT/run.json` repeats.
    """
    tables = options.load_config(config, settings)
    if ctx.params["resume"] is not None:
        tables = _of_unfinished(ctx, tables)
    options.refuse_unknown_sections(tables, SECTIONS)
    options.take_defaults(ctx, tables, "run")
    values = {name: value for name, value in ctx.params.items() if name not in ("config", "settings")}
    if values["dry_run"]:
        show_estimate(values, tables)
        return
    if values["report"]:
        _check_reportable()
    before = _hashes(config)
    record, folder = carry_out(values, tables)
    _warn_of_changes(before, record)
    page = _write_report(folder) if values["report"] else None
    if values["as_json"]:
        echo_json({"folder": str(folder), **record})
    else:
        show(record, folder)
        if page:
            click.echo(f"Report: {page}")


def _of_unfinished(ctx: click.Context, tables: dict[str, Any]) -> dict[str, Any]:
    """The configuration of the run that is resumed; only how it is shown may be chosen anew."""
    from mtlcore.run import unfinished

    if tables or ctx.params["output"] or ctx.params["input"]:
        raise click.UsageError("--resume takes all options from the unfinished run: leave the others out.", ctx)
    config: dict[str, Any] = unfinished.read(ctx.params["resume"])["config"]
    return config


def show_estimate(values: dict[str, Any], tables: dict[str, Any]) -> None:
    """What a run would take; MtlError where it cannot be done."""
    from mtlcore.plugin import plugins
    from mtlcore.run import estimate, runs

    installed = plugins.current()
    job = make_job(values, tables)
    output = values["resume"] or values["output"] or Path("runs")
    found = estimate.estimate(job, runs.open_job(job, installed), output)
    if values["as_json"]:
        echo_json(found.as_dict())
        return
    click.echo(text_table([("", ""), *found.rows()]))


def carry_out(values: dict[str, Any], tables: dict[str, Any]) -> tuple[dict[str, Any], Path]:
    """Check what can be checked at once, then run."""
    from mtl_cli.progress import choose_progress
    from mtlcore.errors import MtlError
    from mtlcore.io import folders
    from mtlcore.plugin import plugins
    from mtlcore.run import results, runs, unfinished

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise MtlError(
            "torchrun starts several runs of one image, which would compete for one folder: start mtl run once, with "
            "--workers N on this machine or --cluster ADDRESS."
        )
    installed = plugins.current()
    job = make_job(values, tables)
    opened = runs.open_job(job, installed)
    output = values["output"]
    if values["resume"]:
        folder = values["resume"]
    else:
        if output and unfinished.is_marked(output) and not values["force"]:
            raise MtlError(f"{output} has an unfinished run: go on with mtl run --resume {output}, or add --force.")
        folder = folders.claim(output, values["force"]) if output else folders.next_numbered(Path("runs"))
        unfinished.discard(folder)
    _check_input_stays(job, folder, installed)
    stale = results.listed(folder)
    silent = values["quiet"] or values["as_json"]

    def say(message: str) -> None:
        if not silent or message.startswith("Warning:"):
            click.echo(message, err=True)

    with installed.listening(*choose_progress(values["quiet"], values["as_json"])), _nothing_left_behind(folder):
        record = runs.run(job, opened, folder, installed, repeatable(values, job), say)
    results.remove_stale(folder, stale, keep=job.input)
    for path in results.derived(folder, installed) if stale else ():
        say(f"Removed {path}: it was computed from the result that this one replaces.")
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    for path in results.made_by_hand(folder, installed) if stale else ():
        say(f"Warning: {path} is kept, but belongs to the result that this one replaces.")
    return record, folder


@contextmanager
def _nothing_left_behind(folder: Path) -> Iterator[None]:
    """A run that fails before it writes anything takes its folder away again."""
    try:
        yield
    except BaseException:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise


def _check_input_stays(job: RunJob, folder: Path, plugins: Plugins) -> None:
    """MtlError where the results would replace the image that they are computed from."""
    from mtlcore.errors import MtlError
    from mtlcore.io.files import make_format

    if job.input is None or job.input.resolve().parent != folder.resolve():
        return
    format = make_format(folder, job.output_format, job.output_options, plugins)
    if job.input.name in {format.file_name(output) for output in plugins.outputs}:
        raise MtlError(f"The result would replace its own input {job.input}: choose another --output.")


def _hashes(config: Path | None) -> dict[str, str]:
    """Where a run is repeated: the hashes of what the first one read."""
    from mtlcore.run.results import hashes

    if config is None or config.suffix != ".json":
        return {}
    return hashes(json.loads(config.read_text(encoding="utf-8")))


def _warn_of_changes(before: dict[str, str], record: dict[str, Any]) -> None:
    """Say that a repeated run is another one after all."""
    from mtlcore.run.results import hashes

    for name, digest in hashes(record).items():
        if before.get(name, digest) != digest:
            click.echo(f"Warning: {name} has changed since the run that this one repeats.", err=True)


def _check_reportable() -> None:
    """Before anything is computed: MtlError where a report cannot be drawn."""
    from mtl_seismic.report.page import check_drawable

    check_drawable()


def _write_report(folder: Path) -> Path:
    """The page on a finished run; its folder was claimed, so that an older page there may go."""
    from mtl_seismic.report.page import write_report
    from mtlcore.plugin import plugins

    return write_report(folder, plugins.current(), force=True)
