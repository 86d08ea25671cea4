"""Which axis is which, by the names that programs give to dimensions, and units in the words of this package."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEPTH, INLINE, CROSSLINE = "depth", "inline", "crossline"
ROLES = {
    DEPTH: "depth time twt twtt owt tvd tvdss z t sample samples samp ns twowaytime verticaltime depthz",
    INLINE: "inline iline il inlines ilines inlineno ilineno inlinenumber",
    CROSSLINE: "crossline xline xl crosslines xlines xlineno crosslineno xlinenumber crosslinenumber",
}
"""Names in lower case without other signs: of segysak, MDIO, OpendTect, xarray's users, and this package."""
UNITS = {
    "ms": "ms msec msecs millisecond milliseconds",
    "s": "s sec secs second seconds",
    "us": "us usec microsecond microseconds",
    "ns": "ns nsec nanosecond nanoseconds",
    "m": "m meter meters metre metres",
    "ft": "ft feet foot usft ussurveyfoot",
    "km": "km kilometer kilometers kilometre kilometres",
}
IN_MS = {"us": 1e-3, "ns": 1e-6}
"""Units of time that are turned into ms."""


@dataclass(frozen=True)
class NamedArray:
    """An array of a file: its name there, its dimensions' names ("" where it has none), and how to read it."""

    name: str
    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    kind: str
    """numpy's letter of the type: f, i, u, b."""
    attributes: Mapping[str, Any]
    read: Callable[[], NDArray[Any]]

    @property
    def unit(self) -> str | None:
        """What its values are counted in; None where it does not say."""
        return unit_in(self.attributes)


def role(name: str) -> str | None:
    """DEPTH, INLINE or CROSSLINE where a dimension's name says so."""
    plain = re.sub(r"[^a-z]", "", name.rpartition("/")[2].lower())
    return next((key for key, names in ROLES.items() if plain in names.split()), None)


def depth_first(dimensions: Sequence[str], coordinates: Mapping[str, NamedArray]) -> tuple[int, ...]:
    """The array's axes in this package's order: depth, inline, crossline, as far as names or units tell them."""
    roles = [role(name) or _role_by_attributes(coordinates.get(name)) for name in dimensions]
    order = range(len(roles))
    depth = [axis for axis in order if roles[axis] == DEPTH]
    if not depth and {INLINE, CROSSLINE, None} == set(roles) and len(roles) == 3:
        depth = [roles.index(None)]
    if len(depth) != 1:
        return tuple(order)
    lateral = [axis for axis in order if axis != depth[0]]
    ranks = {INLINE: 0, CROSSLINE: 1}
    if sorted(str(roles[axis]) for axis in lateral) == sorted(ranks):
        lateral.sort(key=lambda axis: ranks[str(roles[axis])])
    return (depth[0], *lateral)


def names_by_size(shape: Sequence[int], around: Mapping[str, NamedArray]) -> tuple[str, ...]:
    """Names of axes for a dataset without any: arrays whose names are those of axes, where sizes leave no doubt."""
    named = {name: array.shape[0] for name, array in around.items() if role(name) and len(array.shape) == 1}
    fitting = [[name for name, size in named.items() if size == length] for length in shape]
    sure = len(set(shape)) == len(shape) and all(len(names) == 1 for names in fitting)
    return tuple(names[0] for names in fitting) if sure else ("",) * len(shape)


def _role_by_attributes(coordinate: NamedArray | None) -> str | None:
    """By the conventions of CF: the axis Z, or one that says which way is up; or one that counts time."""
    if coordinate is None:
        return None
    said = {key: text_of(value) for key, value in coordinate.attributes.items()}
    vertical = said.get("axis", "").upper() == "Z" or said.get("positive", "").lower() in ("up", "down")
    return DEPTH if vertical or coordinate.unit in ("ms", "s", *IN_MS) else None


def unit_in(attributes: Mapping[str, Any]) -> str | None:
    """The unit that an array's attributes name: ``units``, or MDIO's ``unitsV1`` ({"time": "ms"})."""
    said = attributes.get("units", attributes.get("unit", attributes.get("unitsV1")))
    if isinstance(said, Mapping):
        said = next(iter(said.values()), None)
    text = text_of(said)
    return known_unit(text) if text else None


def known_unit(text: str) -> str:
    """ms, s, m, ft, ... for the ways of writing them; other units as they are."""
    plain = re.sub(r"[^a-z]", "", text.lower())
    return next((unit for unit, names in UNITS.items() if plain in names.split()), text)


def text_of(value: Any) -> str:
    """A text attribute, which libraries give as text, bytes, or an array of one of them."""
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size == 1 else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip("\0 ")
    return str(value).strip() if isinstance(value, str) else ""
