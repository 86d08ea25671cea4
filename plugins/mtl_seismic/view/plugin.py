"""The command that shows a result in the browser."""

from __future__ import annotations

from mtlcore.plugin.hookspecs import hookimpl
from mtlcore.plugin.interfaces import Command
from mtlcore.plugin.registry import Registry

VIEW = Command("view", "mtl_seismic.view.command:view", "Look at a result in the browser.", keeps=("picks.json",))


@hookimpl
def register_commands(registry: Registry[Command]) -> None:
    registry.add(VIEW)
