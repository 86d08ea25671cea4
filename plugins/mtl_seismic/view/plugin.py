"""The command that shows a result in the browser."""

from __future__ import annotations

from mtlcore.hookspecs import hookimpl
from mtlcore.interfaces import Command
from mtlcore.registry import Registry

VIEW = Command("view", "mtl_seismic.view.command:view", "Look at a result in the browser.")


@hookimpl
def register_commands(registry: Registry[Command]) -> None:
    registry.add(VIEW)
