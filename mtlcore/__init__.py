"""Multi-task learning on seismic images: a core, and plugins for everything that it learns, reads and writes.

From Python: ``open`` a file, ``predict`` its fields and ``plot`` them; ``train`` and ``evaluate`` models.
Importing this package imports no torch: these functions do when they are first used.
"""

from __future__ import annotations

from importlib import import_module
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
    from mtlcore.io.api import open
    from mtlcore.model.checkpoint import load_model
    from mtlcore.pictures.api import plot
    from mtlcore.training.api import evaluate, train

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
    "evaluate",
    "hookimpl",
    "load_model",
    "open",
    "plot",
    "predict",
    "train",
]


_LAZY = {
    "evaluate": "mtlcore.training.api",
    "load_model": "mtlcore.model.checkpoint",
    "open": "mtlcore.io.api",
    "plot": "mtlcore.pictures.api",
    "predict": "mtlcore.inference.api",
    "train": "mtlcore.training.api",
}
"""Where functions are that are imported when they are first used."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mtlcore' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
