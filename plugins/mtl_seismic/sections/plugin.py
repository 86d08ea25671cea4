"""A 2D network on the sections of a volume."""

from __future__ import annotations

from typing import Any

from mtlcore.plugin.hookspecs import hookimpl


@hookimpl
def register_backbones(registry: Any) -> None:
    registry.add("mtl_seismic.sections.backbone:Sections", name="sections")
