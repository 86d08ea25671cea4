"""Multi-task learning on seismic images: a core, and plugins for everything that it learns, reads and writes.

Importing this package imports no torch: ``predict`` and ``load_model`` do when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mtlcore.errors import MtlError
from mtlcore.hookspecs import hookimpl
from mtlcore.interfaces import (
    API_VERSION,
    IMAGE,
    Backbone,
    Command,
    Display,
    Format,
    Items,
    Output,
    PackagedModel,
    ParallelFormat,
    Source,
    Stage,
    Task,
)
from mtlcore.volume import ArrayVolume, ArrayWriter, Axis, Geometry, Volume, Writer

if TYPE_CHECKING:
    from mtlcore.checkpoint import load_model
    from mtlcore.pipeline import predict

__version__ = "0.1.0"

__all__ = [
    "API_VERSION",
    "IMAGE",
    "ArrayVolume",
    "ArrayWriter",
    "Axis",
    "Backbone",
    "Command",
    "Display",
    "Format",
    "Geometry",
    "Items",
    "MtlError",
    "Output",
    "PackagedModel",
    "ParallelFormat",
    "Source",
    "Stage",
    "Task",
    "Volume",
    "Writer",
    "__version__",
    "hookimpl",
    "load_model",
    "predict",
]


def __getattr__(name: str) -> Any:
    if name == "load_model":
        from mtlcore.checkpoint import load_model

        return load_model
    if name == "predict":
        from mtlcore.pipeline import predict

        return predict
    raise AttributeError(f"module 'mtlcore' has no attribute {name!r}")
