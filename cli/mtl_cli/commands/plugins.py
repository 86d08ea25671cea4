"""``mtl plugins``: what is installed, what it provides, and what is wrong with it."""

from __future__ import annotations

import json
import sys

import click

from mtlcore.plugin import plugins as core
from mtlcore.plugin.interfaces import API_VERSION
from mtlcore.plugin.plugins import PluginRow, Plugins

COLUMNS = ("name", "status", "distribution", "version", "provides", "error")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--check", is_flag=True, help="Import everything that plugins provide; exit 1 if one fails.")
@click.pass_context
def plugins(ctx: click.Context, as_json: bool, check: bool) -> None:
    """List the installed plugins and what they provide.

    A plugin is ok, disabled (MTL_DISABLE_PLUGINS), broken or incompatible; the last two never stop anything
    else from working. MTL_PLUGIN_AUTOLOAD=0 loads no plugin at all.
    """
    from mtl_cli.main import COMMANDS

    installed = core.current()
    rows = installed.check() if check else installed.rows
    if as_json:
        click.echo(as_document(installed, rows))
    elif sys.stdout.isatty():
        print_table(rows)
    else:
        click.echo(as_text(rows))
    if not as_json:
        for clash in installed.clashes():
            click.echo(f"Clash: {clash['error']}")
        for name in sorted(COMMANDS.keys() & installed.commands):
            owner = installed.commands.entry(name).plugin
            click.echo(f"Clash: the command '{name}' of plugin {owner} has the name of one of mtl's own, which runs.")
    failed = any(row.status in ("broken", "incompatible") for row in rows) or installed.clashes()
    ctx.exit(1 if check and failed else 0)


def as_document(installed: Plugins, rows: list[PluginRow]) -> str:
    """Everything as JSON; keys are only ever added."""
    document = {
        "api_version": API_VERSION,
        "plugins": [row.as_dict() for row in rows],
        "clashes": installed.clashes(),
    }
    return json.dumps(document, indent=2)


def cells(row: PluginRow) -> list[str]:
    """A row's texts in the order of COLUMNS."""
    return [row.name, row.status, row.distribution, row.version, ", ".join(row.provides), row.error]


def as_text(rows: list[PluginRow]) -> str:
    """Aligned columns."""
    if not rows:
        return "No plugins."
    table = [list(COLUMNS), *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in table)
    return "\n".join(line.rstrip() for line in lines)


def print_table(rows: list[PluginRow]) -> None:
    """A table on a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"ok": "green", "disabled": "dim", "broken": "red", "incompatible": "yellow"}
    table = Table(*COLUMNS, box=None)
    for row in rows:
        texts = [Text(cell) for cell in cells(row)]  # no markup: an error may hold [brackets]
        texts[1].stylize(colours[row.status])
        table.add_row(*texts)
    Console().print(table)
