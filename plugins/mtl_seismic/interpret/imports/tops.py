"""Well tops: a text table with the columns name, X, Y, Z and, if there is one, well."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from mtl_seismic.interpret.imports.model import WellTop, number, read_text
from mtlcore.errors import MtlError

TITLES = {
    "name": "name",
    "surface": "name",
    "top": "name",
    "marker": "name",
    "x": "x",
    "y": "y",
    "z": "z",
    "well": "well",
}
DEFAULT = ["name", "x", "y", "z", "well"]


def read_tops(path: Path) -> list[WellTop]:
    """The tops of a table whose columns are separated by commas, tabs or blanks; names with blanks stand in quotes.

    A first line with titles (name or surface, x, y, z, well, in any order) tells the columns; without it they are
    name, X, Y, Z, well. MtlError names the line that does not fit.
    """
    columns = DEFAULT
    found: list[WellTop] = []
    for count, line in enumerate(read_text(path), 1):
        words = _words(line, path, count)
        if not words:
            continue
        titles = [TITLES.get(word.lower(), "") for word in words]
        if not found and {"name", "x", "y", "z"} <= set(titles):
            columns = titles
            continue
        row = dict(zip(columns, words, strict=False))
        if not {"name", "x", "y", "z"} <= set(row):
            raise MtlError(f"{path} line {count} is '{line.strip()[:60]}': expected name, X, Y, Z.")
        x, y, z = (number(row[key], path, count, key.upper()) for key in ("x", "y", "z"))
        found.append(WellTop(row["name"], x, y, z, row.get("well", "")))
    if not found:
        raise MtlError(f"{path} has no well tops: expected lines with name, X, Y, Z.")
    return found


def _words(line: str, path: Path, count: int) -> list[str]:
    """The cells of a line; none in comments."""
    text = line.strip()
    if not text or text.startswith("#"):
        return []
    for separator in ("\t", ";", ","):
        if separator in text:
            return [word.strip().strip('"') for word in text.split(separator)]
    try:
        return [re.sub(r"^\"|\"$", "", word) for word in shlex.split(text)]
    except ValueError as error:
        raise MtlError(f"{path} line {count}: {error}.") from None
