"""``mtl package``: one zip of horizons and faults for each interpretation program."""

from __future__ import annotations

from pathlib import Path

import click

from mtl_cli import options
from mtl_cli.tables import echo_json


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--for", "programs", default="petrel,kingdom,opendtect", show_default=True, metavar="A,B",
    help="Of petrel, kingdom, opendtect.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace zips that exist.")
@options.json_option
@options.quiet_option
def package(result: Path, programs: str, force: bool, as_json: bool, quiet: bool) -> None:
    """Pack horizons and faults for interpretation programs.

    Writes RESULT/PROGRAM.zip with what `mtl horizons` and `mtl faults` left in RESULT, in the program's formats,
    with tables of figures and a page on how to load them. Nothing is computed again.
    """
    from mtl_seismic.interpret.package.build import write_packages
    from mtlcore.plugin import plugins

    names = tuple(dict.fromkeys(name.strip().lower() for name in programs.split(",") if name.strip()))
    silent = quiet or as_json
    paths = write_packages(
        result, names, plugins.current(), force, lambda line: None if silent else click.echo(line, err=True)
    )
    if as_json:
        echo_json({"packages": [str(path) for path in paths]})
    else:
        for path in paths:
            click.echo(f"Package: {path}")
