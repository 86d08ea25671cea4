"""The built-in tasks."""

from __future__ import annotations

from typing import Any

from mtlcore.plugin.hookspecs import hookimpl


@hookimpl
def register_tasks(registry: Any) -> None:
    registry.add("mtl_seismic.heads.dhr:DHR", name="dhr")
    registry.add("mtl_seismic.heads.rgt:RGT", name="rgt")
    registry.add("mtl_seismic.heads.fault:Fault", name="fault")
