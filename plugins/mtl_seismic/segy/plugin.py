"""SEG-Y files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlcore.hookspecs import hookimpl

if TYPE_CHECKING:
    from mtlcore.interfaces import Format
    from mtlcore.registry import Registry


@hookimpl
def register_formats(registry: Registry[Format]) -> None:
    registry.add("mtl_seismic.segy.format:SegY", name="segy")
