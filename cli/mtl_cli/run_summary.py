"""What ``mtl run`` prints when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mtl_cli.tables import number, size, text_table


def show(record: dict[str, Any], folder: Path) -> None:
    """What came out, and what to look at."""
    rows = [("output", "file", "unit", "from", "to")]
    for name, entry in record["outputs"].items():
        limits = (number(entry["minimum"]), number(entry["maximum"]))
        rows.append((name, str(folder / entry["file"]), entry["unit"], *limits))
    click.echo(text_table(rows))
    for line in _changes(record["changes"]):
        click.echo(line)
    data = record["data"]
    if data["dead_traces"] or data["not_finite_samples"]:
        click.echo(
            f"Input: {data['dead_traces']} of {data['traces']} traces are dead, "
            f"{data['not_finite_samples']} samples are undefined; results are 0 there."
        )
    seconds = sum(record["seconds"].values())
    click.echo(
        f"{seconds:.2f} s ({record['seconds']['infer']:.2f} s inferring), "
        f"{size(record['peak_memory']['process'])} of memory at most."
    )
    if record["pictures"]:
        click.echo(f"Look at: {', '.join(str(folder / name) for name in record['pictures'])}")
    elif not _pictures_available():
        click.echo('No pictures: matplotlib is missing. Install it with: pip install "mtlcore[plot]"')


def _changes(changes: list[dict[str, float]]) -> list[str]:
    if not changes:
        return []
    names = list(changes[0])
    rows = [("pass", *names)]
    rows += [(str(number_), *(f"{change[name]:.2%}" for name in names)) for number_, change in enumerate(changes, 1)]
    return ["Change of each field by each refining pass:", text_table(rows)]


def _pictures_available() -> bool:
    from mtlcore.pictures import draw as pictures

    return pictures.available()
