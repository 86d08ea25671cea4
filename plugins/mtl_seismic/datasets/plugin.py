"""The built-in source of training data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlcore.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from mtlcore.plugin.interfaces import Source
    from mtlcore.plugin.registry import Registry


@hookimpl
def register_sources(registry: Registry[Source]) -> None:
    registry.add("mtl_seismic.datasets.reference:ReferenceFiles", name="files", default=True)
