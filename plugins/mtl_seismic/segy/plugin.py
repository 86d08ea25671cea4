"""SEG-Y files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlcore.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from mtlcore.plugin.interfaces import Format
    from mtlcore.plugin.registry import Registry


@hookimpl
def register_formats(registry: Registry[Format]) -> None:
    registry.add("mtl_seismic.segy.format:SegY", name="segy")
