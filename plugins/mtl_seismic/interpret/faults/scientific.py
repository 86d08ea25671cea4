"""SciPy is the extra `interpret`: its parts are imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mtlcore.errors import MtlError


def scipy_part(name: str) -> Any:
    """The module scipy.NAME; MtlError saying what to install where SciPy is missing."""
    try:
        return import_module(f"scipy.{name}")
    except ModuleNotFoundError:
        raise MtlError('Faults need SciPy, which is not installed: pip install "mtlcore[interpret]".') from None
