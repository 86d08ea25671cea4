"""The command that writes a page on a result."""

from __future__ import annotations

from mtlcore.plugin.hookspecs import hookimpl
from mtlcore.plugin.interfaces import Command
from mtlcore.plugin.registry import Registry

REPORT = Command(
    "report",
    "mtl_seismic.report.command:report",
    "Write an HTML page on a result, complete in one file.",
    writes=("report.html",),
)


@hookimpl
def register_commands(registry: Registry[Command]) -> None:
    registry.add(REPORT)
