"""Synthetic training data: a source, ``mtl train --data synth:RECIPE``, and a command that writes data sets."""

from __future__ import annotations

from typing import Any

from mtlcore.plugin.hookspecs import hookimpl
from mtlcore.plugin.interfaces import Command
from mtlcore.plugin.registry import Registry

SYNTH = Command("synth", "mtl_seismic.synth.command:synth", "Make a synthetic data set with exact labels.")


@hookimpl
def register_sources(registry: Any) -> None:
    registry.add("mtl_seismic.synth.source:Synthetic", name="synth")


@hookimpl
def register_commands(registry: Registry[Command]) -> None:
    registry.add(SYNTH)
