"""Synthetic seismic images with exact labels, in 2D and 3D: RGM's recipes and ones closer to field data."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtl_seismic.synth.dataset import write_dataset
    from mtl_seismic.synth.items import generate, parameters
    from mtl_seismic.synth.recipes import RECIPES, Field2D, Field3D, Recipe, Rgm2D, Rgm3D

__all__ = ["RECIPES", "Field2D", "Field3D", "Recipe", "Rgm2D", "Rgm3D", "generate", "parameters", "write_dataset"]

_HOMES = {"write_dataset": "dataset", "generate": "items", "parameters": "items"}


def __getattr__(name: str) -> Any:
    # Listing plugins imports this package; numpy and the generator wait until they are used.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'recipes')}"), name)
