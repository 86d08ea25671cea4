"""Synthetic training data as a source: ``mtl train --data synth:RECIPE``."""

from __future__ import annotations

from typing import Any

from mtlcore.hookspecs import hookimpl


@hookimpl
def register_sources(registry: Any) -> None:
    registry.add("mtl_seismic.synth.source:Synthetic", name="synth")
