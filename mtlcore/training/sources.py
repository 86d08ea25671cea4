"""From what a user calls training data to its items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mtlcore.model.model import build_part
from mtlcore.plugin.interfaces import Items
from mtlcore.plugin.outputs import Output
from mtlcore.plugin.plugins import Plugins


def open_items(
    data: str, options: Mapping[str, Any], split: Literal["train", "valid"], outputs: Sequence[Output], plugins: Plugins
) -> Items:
    """One split of a data set: SOURCE:LOCATION, or a folder, for the default source; ``options`` are the source's."""
    name, colon, location = data.partition(":")
    if Path(data).exists() or not (colon and name in plugins.sources):
        name, location = plugins.sources.default, data
    source = build_part("source", {"name": name, **options}, plugins)
    items: Items = source.open(location, split, outputs)
    return items
