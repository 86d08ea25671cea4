"""What is picked: points on named horizons, and sticks of named faults."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mtlcore.errors import MtlError

Point = tuple[float, ...]
VERSION = 1
LONGEST_NAME = 80
MOST_NODES = 200_000
COLOUR = re.compile("#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class PickedHorizon:
    """A horizon through points, in samples on (depth, x) or (depth, inline, crossline)."""

    name: str
    points: tuple[Point, ...]
    colour: str = "#ff5d5d"


@dataclass(frozen=True)
class PickedFault:
    """A fault drawn as sticks: lines of two nodes or more, in samples as the points of horizons."""

    name: str
    sticks: tuple[tuple[Point, ...], ...]
    colour: str = "#ffe14d"


@dataclass(frozen=True)
class Picks:
    """All picks of a result. ``shape``: of the volume that they lie in."""

    shape: tuple[int, ...]
    horizons: tuple[PickedHorizon, ...] = ()
    faults: tuple[PickedFault, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "version": VERSION,
            "shape": list(self.shape),
            "positions": "samples from 0, depth first",
            "horizons": [{"name": h.name, "colour": h.colour, "points": h.points} for h in self.horizons],
            "faults": [{"name": f.name, "colour": f.colour, "sticks": f.sticks} for f in self.faults],
        }


def parse(document: Any, shape: tuple[int, ...], where: str) -> Picks:
    """Picks from JSON; MtlError, which begins with ``where``, for whatever does not belong in a volume of a shape."""
    if not isinstance(document, Mapping):
        raise MtlError(f"{where}: expected an object with horizons and faults.")
    if document.get("version", VERSION) != VERSION:
        raise MtlError(f"{where} has version {document['version']!r}: this mtl reads version {VERSION}.")
    if "shape" in document and tuple(document["shape"]) != shape:
        raise MtlError(
            f"{where} belongs to a volume of shape {document['shape']}, and this one has {list(shape)}: "
            "move it away, or give the result that it was picked in."
        )
    horizons = tuple(_horizon(entry, shape, where) for entry in _entries(document, "horizons", where))
    faults = tuple(_fault(entry, shape, where) for entry in _entries(document, "faults", where))
    if sum(map(len, (h.points for h in horizons))) + sum(len(s) for f in faults for s in f.sticks) > MOST_NODES:
        raise MtlError(f"{where} has more than {MOST_NODES} points.")
    for kind, names in (("horizons", [h.name for h in horizons]), ("faults", [f.name for f in faults])):
        for name in names:
            if names.count(name) > 1:
                raise MtlError(f"{where} has two {kind} named '{name}': rename one.")
    return Picks(shape, horizons, faults)


def _entries(document: Mapping[str, Any], key: str, where: str) -> Iterable[Mapping[str, Any]]:
    entries = document.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise MtlError(f"{where}: '{key}' is not a list of objects.")
    return entries


def _horizon(entry: Mapping[str, Any], shape: tuple[int, ...], where: str) -> PickedHorizon:
    name, colour = _named(entry, where)
    points = _points(entry.get("points"), shape, f"{where}: horizon '{name}'")
    if not points:
        raise MtlError(f"{where}: horizon '{name}' has no points.")
    return PickedHorizon(name, points, colour or PickedHorizon.colour)


def _fault(entry: Mapping[str, Any], shape: tuple[int, ...], where: str) -> PickedFault:
    name, colour = _named(entry, where)
    sticks = entry.get("sticks")
    if not isinstance(sticks, list):
        raise MtlError(f"{where}: fault '{name}' has no list of sticks.")
    lines = tuple(_points(stick, shape, f"{where}: fault '{name}'") for stick in sticks)
    if not lines or any(len(line) < 2 for line in lines):
        raise MtlError(f"{where}: fault '{name}' has a stick of less than two nodes, or none.")
    return PickedFault(name, lines, colour or PickedFault.colour)


def _named(entry: Mapping[str, Any], where: str) -> tuple[str, str | None]:
    name, colour = entry.get("name"), entry.get("colour")
    check_name(name, where)
    if colour is not None and not (isinstance(colour, str) and COLOUR.fullmatch(colour)):
        raise MtlError(f"{where}: the colour of '{name}' is {colour!r}: expected one like #ff5d5d.")
    return str(name), colour


def check_name(name: Any, where: str) -> None:
    """MtlError unless a name can stand in a list and in text files: printable, in one line, not too long."""
    fits = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.strip() == name and name.isprintable()
    if not fits or '"' in name:
        raise MtlError(
            f"{where}: the name {name!r} does not fit: expected 1 to {LONGEST_NAME} printable characters without "
            "quotation marks, and no blank at either end."
        )


def _points(values: Any, shape: tuple[int, ...], where: str) -> tuple[Point, ...]:
    if not isinstance(values, list | tuple):
        raise MtlError(f"{where}: expected a list of points.")
    return tuple(_point(value, shape, where) for value in values)


def _point(value: Any, shape: tuple[int, ...], where: str) -> Point:
    numbers = value if isinstance(value, list | tuple) else ()
    plain = len(numbers) == len(shape) and all(
        isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number) for number in numbers
    )
    if not plain or any(not -0.5 <= number <= size - 0.5 for number, size in zip(numbers, shape, strict=True)):
        raise MtlError(f"{where} has the point {value!r}, which does not lie in a volume of shape {list(shape)}.")
    return tuple(map(float, numbers))
