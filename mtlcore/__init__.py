"""Multi-task learning on seismic images: a core, and plugins for everything that it learns, reads and writes.

Importing this package imports no torch: ``predict`` and ``load_model`` do when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mtlcore.errors import MtlError
from mtlcore.io.volume import ArrayVolume, ArrayWriter, Axis, Geometry, Volume, Writer
from mtlcore.plugin.hookspecs import hookimpl
from mtlcore.plugin.interfaces import (
    API_VERSION,
    Backbone,
    Command,
    Format,
    Items,
    PackagedModel,
    ParallelFormat,
    Source,
    Stage,
    Task,
)
from mtlcore.plugin.outputs import IMAGE, Display, Output

if TYPE_CHECKING:
    from mtlcore.inference.api import predict
    from mtlcore.model.checkpoint import load_model

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
        from mtlcore.model.checkpoint import load_model

        return load_model
    if name == "predict":
        from mtlcore.inference.api import predict

        return predict
    raise AttributeError(f"module 'mtlcore' has no attribute {name!r}")
