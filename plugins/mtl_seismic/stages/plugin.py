"""The built-in stages."""

from __future__ import annotations

from typing import Any

from mtlcore.plugin.hookspecs import hookimpl


@hookimpl
def register_stages(registry: Any) -> None:
    registry.add("mtl_seismic.stages.mti:MTI", name="mti", default=True)
    registry.add("mtl_seismic.stages.mtr:MTR", name="mtr")
