"""The image that a run reads: opened, described so that it is known again, and found again for an earlier result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtlcore.errors import MtlError
from mtlcore.io.files import content_hash, open_volume, stored_size
from mtlcore.io.part import Part, parse_range
from mtlcore.io.volume import ArrayVolume, Volume
from mtlcore.plugin.interfaces import Source
from mtlcore.plugin.plugins import Plugins


def open_image(
    path: Path | None, format: str | None, options: Mapping[str, Any], part: Part, plugins: Plugins
) -> Volume:
    """The volume of a file, or the part of it that is asked for; without a file the built-in section."""
    volume = example(plugins) if path is None else open_volume(path, format, options, plugins)
    return part.of(volume)


def part_of(given: Mapping[str, Any]) -> Part:
    """The part of the input that the options of a run name: ``depths``, ``inlines``, ``crosslines``, as A:B."""
    names = ("depths", "inlines", "crosslines")
    return Part(**{name: parse_range(str(given[name])) for name in names if given.get(name)})


def example(plugins: Plugins) -> Volume:
    """A small synthetic section, so that a newcomer sees something at once."""
    name, _, location = _example_source(plugins).partition(":")
    source: Source = plugins.sources[name]()
    return ArrayVolume(source.open(location, "valid", ())[0]["image"])


def _example_source(plugins: Plugins) -> str:
    """SOURCE:LOCATION of the example that a plugin offers."""
    for name, source in plugins.sources.loadable()[0].items():
        if source.example:
            return f"{name}:{source.example}"
    raise MtlError("No plugin offers an example image: give one with --input FILE.")


def describe_input(path: Path | None, volume: Volume, plugins: Plugins) -> dict[str, Any]:
    """What run.json says of the input."""
    shape = list(volume.shape)
    if path is None:
        return {"example": _example_source(plugins), "shape": shape}
    facts = {"path": str(path.resolve()), "shape": shape, "bytes": stored_size(path)}
    return facts | {"sha256": content_hash(path)}


def same_input(record: Mapping[str, Any], folder: Path) -> Path | None:
    """The input of an earlier result, still there and unchanged; None where that was the built-in section."""
    described = record["input"]
    if "example" in described:
        return None
    path = Path(described["path"])
    if not path.exists():
        raise MtlError(f"The input {path} of {folder} does not exist any more: name its new place with --input.")
    if described.get("sha256") and content_hash(path) != described["sha256"]:
        raise MtlError(f"The input {path} has changed since {folder} was computed from it: run --stage mti again.")
    return path


def same_image(described: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether two inputs, as run.json describes them, are one file's contents (or both the built-in section)."""
    if "example" in described or "example" in before:
        return "example" in described and "example" in before
    return not before.get("sha256") or described["sha256"] == before["sha256"]
