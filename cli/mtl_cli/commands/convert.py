"""``mtl convert``: copy a volume to another file format."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtl_cli import options
from mtl_cli.geometry_options import Changes, geometry_options, taken_from
from mtl_cli.parameters import Name, Shape
from mtl_cli.tables import echo_json, size

if TYPE_CHECKING:
    from mtlcore.io.volume import Geometry, Volume, Window
    from mtlcore.plugin.interfaces import Format
    from mtlcore.plugin.outputs import Output
    from mtlcore.plugin.plugins import Plugins

BUDGET = 2**24
"""Samples in memory at once, unless a block of the new file has more."""
SECTIONS = ("from", "to", "like")


@click.command()
@click.argument("source", metavar="A", type=click.Path(path_type=Path))
@click.argument("target", metavar="B", type=click.Path(path_type=Path))
@click.option("--from", "source_format", type=Name("format"), help="Format of A. Default: by its suffix.")
@click.option("--to", "target_format", type=Name("format"), help="Format of B. Default: by its suffix.")
@click.option("--shape", type=Shape(), metavar="DEPTHxTRACES", help="Shape of a raw A, depth first.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set an option of a format, as from.inline=9 or to.write_as=ibm (repeatable).",
)
@geometry_options
@click.option("--force", is_flag=True, help="Write over B.")
@options.json_option
@options.quiet_option
def convert(
    source: Path,
    target: Path,
    source_format: str | None,
    target_format: str | None,
    shape: tuple[int, ...] | None,
    settings: tuple[str, ...],
    force: bool,
    as_json: bool,
    quiet: bool,
    **geometry: Any,
) -> None:
    """Copy a volume to another file format.

    A is read and B is written piece by piece, with all of the geometry that its format can hold; B appears
    when it is complete. Files without a geometry of their own get one by --like, or by --interval, --inlines,
    --crosslines, --origin and the steps.
    """
    from mtl_cli.progress import choose_progress
    from mtlcore.io.files import make_format, open_volume, shape_text, stored_size
    from mtlcore.plugin import plugins

    tables = options.load_config(None, settings)
    options.refuse_unknown_sections(tables, SECTIONS)
    reading = dict(options.section(tables, "from")) | ({"shape": shape} if shape else {})
    installed = plugins.current()
    refuse_overwriting(source, target, force)
    writing = make_format(target, target_format, options.section(tables, "to"), installed)
    volume = open_volume(source, source_format, reading, installed)
    try:
        volume.geometry = geometry_of(volume, source, Changes(**geometry), tables, installed)
        with installed.listening(*choose_progress(quiet, as_json)):
            copy(volume, writing, target, output_of(source, installed), installed)
        facts = {"file": str(target), "format": writing.name, "shape": list(volume.shape), "bytes": stored_size(target)}
        if as_json:
            echo_json(facts)
        else:
            click.echo(f"{target}: {shape_text(volume.shape)} samples, {writing.name}, {size(stored_size(target))}")
    finally:
        volume.close()


def geometry_of(volume: Volume, source: Path, changes: Changes, tables: dict[str, Any], installed: Plugins) -> Geometry:
    """That of the volume, of --like or of the input that a result was computed from, with the changes asked for."""
    from mtlcore.io.files import open_volume

    like, reading = changes.like, dict(options.section(tables, "like"))
    if like is None and is_plain(volume.geometry):
        like = input_of(source)
    geometry = volume.geometry
    if like is not None:
        other = open_volume(like, None, reading, installed)
        try:
            if changes.like is not None or other.shape == volume.shape:
                geometry = taken_from(other, volume.shape, like)
        finally:
            other.close()
    return changes.applied(geometry)


def is_plain(geometry: Geometry) -> bool:
    """Whether a geometry says no more than a shape."""
    plain = type(geometry).of_shape(geometry.shape)
    return geometry.axes == plain.axes and geometry.source is None and geometry.coordinates is None


def input_of(source: Path) -> Path | None:
    """The input of the result that a file belongs to, where it is still there."""
    if not (source.parent / "run.json").is_file():
        return None
    from mtlcore.run.results import read_record

    path = read_record(source.parent)["input"].get("path")
    return Path(path) if path and Path(path).is_file() else None


def refuse_overwriting(source: Path, target: Path, force: bool) -> None:
    """MtlError where B is there already, or is A."""
    from mtlcore.errors import MtlError

    if target.exists() and source.exists() and target.samefile(source):
        raise MtlError(f"{target} is the input itself: choose another name for the copy.")
    if target.exists() and not force:
        raise MtlError(f"{target} exists already: choose another name, or add --force to write over it.")


def output_of(source: Path, installed: Plugins) -> Output:
    """What a file holds: the field of that name in a result folder, else a seismic image."""
    from mtlcore.plugin.outputs import IMAGE

    # Results and tasks take seconds to import: only for a result's file.
    if not (source.parent / "run.json").is_file():
        return IMAGE
    from mtlcore.run.results import read_record

    record = read_record(source.parent)
    names = [name for name, entry in record["outputs"].items() if entry.get("file") == source.name]
    known = (output for task in installed.tasks.values() for output in task.outputs if output.name in names)
    return next(known, IMAGE)


def copy(volume: Volume, writing: Format, target: Path, output: Output, installed: Plugins) -> None:
    """Write a volume to a new file, window by window."""
    plan = list(windows(volume.shape, block_shape_of(writing, volume.geometry)))
    installed.hook.stage_started(stage="convert", total=len(plan), folder=None)
    with writing.create(target, volume.geometry, output) as writer:
        for number, window in enumerate(plan, 1):
            writer.write(window, volume.read(window))
            installed.hook.step_finished(stage="convert", step=number, total=len(plan), values={})
    installed.hook.stage_finished(stage="convert", values={})


def block_shape_of(writing: Format, geometry: Geometry) -> tuple[int, ...]:
    """The blocks that the format writes best in one piece; single samples where it has none."""
    from mtlcore.plugin.interfaces import ParallelFormat

    if isinstance(writing, ParallelFormat):
        return writing.block_shape(geometry)
    return (1,) * len(geometry.axes)


def windows(shape: tuple[int, ...], block_shape: tuple[int, ...], budget: int = BUDGET) -> Iterator[Window]:
    """Windows of whole blocks that cover a volume, of about so many samples.

    They are long in depth first and then along the last axis: formats with a trace after the other read
    and write these in few pieces.
    """
    edges = [min(pair) for pair in zip(shape, block_shape, strict=True)]
    for axis in (0, *range(len(shape) - 1, 0, -1)):
        others = math.prod(edges) // edges[axis]
        blocks = max(1, budget // (others * block_shape[axis]))
        edges[axis] = min(shape[axis], blocks * block_shape[axis])
    starts = [range(0, length, edge) for length, edge in zip(shape, edges, strict=True)]
    for corner in product(*starts):
        limits: Any = zip(corner, edges, shape, strict=True)
        yield tuple(slice(start, min(start + edge, length)) for start, edge, length in limits)
