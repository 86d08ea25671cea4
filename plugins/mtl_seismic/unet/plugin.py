"""The default backbone."""

from __future__ import annotations

from typing import Any

from mtlcore.plugin.hookspecs import hookimpl


@hookimpl
def register_backbones(registry: Any) -> None:
    registry.add("mtl_seismic.unet.backbone:UNet", name="unet", default=True)
