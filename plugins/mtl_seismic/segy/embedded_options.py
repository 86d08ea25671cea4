"""How a copied file is to be read: options that its headers need are told by its own text line.

A result of ``mtl run`` has the headers of its input, and where these mislead (swapped line numbers, a wrong
interval) so do the result's. The line that says what the file holds therefore ends in the options that the
input was read with, and whoever opens the file again need not repeat them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from mtl_seismic.segy import text
from mtl_seismic.segy.options import POSITIONS, Options
from mtlcore.config import build, parse_value
from mtlcore.errors import MtlError

START = "READ WITH"
LEFT_OUT = ("code", "cut", "stack", "offset", "undefined")
"""The new file has a format code of its own, is whole, and has what was read: stacks, or traces of one offset."""
VERTICAL = ("samples", "interval", "delay", "unit")
ROOM = text.CARD - 5
"""Behind the card's number; a blank ends the last option."""


def with_options(lines: Sequence[str], facts: Mapping[str, Any], same_axis: bool) -> str | None:
    """The first of the lines that has room for the options of the input, as far as they hold for the new file too.

    None where there are options, and room for them in no line.
    """
    given = {name: value for name, value in facts.get("options", {}).items() if name not in LEFT_OUT}
    if not same_axis:
        given = {name: value for name, value in given.items() if name not in VERTICAL}
    if not given:
        return lines[0]
    hint = f" {START} {' '.join(f'{name}={value}' for name, value in given.items())}"
    return next((line + hint for line in lines if len(line + hint) <= ROOM), None)


def told(options: Options, header: str) -> Options:
    """The options with those that the text header tells, where the user gave none."""
    lines = re.findall(rf"\b{START} ((?:[a-z_]+=[^ ]+ ?)+)", header)
    if not lines:
        return options
    found = {name: parse_value(value) for name, value in (part.split("=") for part in lines[-1].split())}
    defaults = asdict(Options())
    given = {name for name, value in asdict(options).items() if value != defaults[name]}
    if given & set(POSITIONS[:3]):
        given |= set(POSITIONS[:3])
    try:
        return replace(options, **_new(found, given))
    except (MtlError, ValueError):
        return options


def _new(found: Mapping[str, Any], given: set[str]) -> dict[str, Any]:
    """The told options that the user did not give, checked; MtlError where they are none."""
    built = build(Options, {name: value for name, value in found.items() if name not in given}, "text header")
    return {name: getattr(built, name) for name in found if name not in given}
