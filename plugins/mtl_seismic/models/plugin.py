"""The models that ship with the package."""

from __future__ import annotations

from typing import Any

from mtlcore.plugin.hookspecs import hookimpl


@hookimpl
def register_models(registry: Any) -> None:
    registry.add("mtl_seismic.models.packaged:DEFAULT_MTI_2D", name="default-mti-2d")
    registry.add("mtl_seismic.models.packaged:DEFAULT_MTI_3D", name="default-mti-3d")
    registry.add("mtl_seismic.models.packaged:DEFAULT_MTR_2D", name="default-mtr-2d")
