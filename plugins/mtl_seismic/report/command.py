"""``mtl report``: an HTML page on a result."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The file. Default: RESULT/report.html.")
@click.option("--input", "-i", "image", type=click.Path(path_type=Path), help="The seismic image, if it was moved.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def report(result: Path, output: Path | None, image: Path | None, force: bool) -> None:
    """Write an HTML page on a result, complete in one file.

    Sections with every output, spectra before and after, the residual, fault orientations, convergence of the
    refinement, horizons and faults, and the record of the run. It needs no network, and prints well.
    """
    from mtl_seismic.report.page import write_report
    from mtlcore.plugin import plugins

    click.echo(f"Report: {write_report(result, plugins.current(), output, force, image)}")
