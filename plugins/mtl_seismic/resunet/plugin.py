"""The reference network as a backbone, and the recognition of its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mtlcore.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from torch import Tensor

    from mtlcore.plugin.interfaces import Backbone
    from mtlcore.plugin.registry import Registry


@hookimpl
def register_backbones(registry: Registry[Backbone]) -> None:
    """Add ``resunet``."""
    registry.add("mtl_seismic.resunet.backbone:ResUNet", name="resunet")


@hookimpl
def convert_checkpoint(state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Recognise the reference's checkpoints."""
    from mtl_seismic.resunet.checkpoints import convert_checkpoint as convert

    return convert(state)
