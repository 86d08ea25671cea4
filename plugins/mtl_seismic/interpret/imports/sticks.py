"""Fault sticks from Charisma, IESX and OpendTect text files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from mtl_seismic.interpret.imports.horizons import iesx_heading
from mtl_seismic.interpret.imports.model import Points, Sticks, number, read_text
from mtlcore.errors import MtlError, OptionError, suggestion

Row = tuple[str, str, list[float], list[float]]
"""Fault, stick, X Y Z, line numbers (or none)."""


def read_sticks(path: Path, format: str | None = None, undefined: float | None = None) -> list[Sticks]:
    """The faults of a text file with their sticks, in the file's coordinates and units.

    ``format``: charisma, iesx or opendtect; None: told by the content. Formats without a name take the file's.
    Sticks of one point are left out. MtlError names the line that does not fit.
    """
    lines = read_text(path)
    format = format or told_format(lines)
    if format not in READERS:
        raise OptionError(f"Unknown format '{format}'. {suggestion(format, READERS)}Formats: {', '.join(READERS)}.")
    found = _gathered(READERS[format](path, lines), undefined)
    if not found:
        raise MtlError(f"{path} has no fault sticks of two points or more (read as {format}).")
    return found


def told_format(lines: Sequence[str]) -> str:
    """The format of a file of sticks, by its first line that says something."""
    first = next((line.strip() for line in lines if line.strip() and not line.startswith("#")), "")
    if first.startswith("PROFILE"):
        return "iesx"
    return "charisma" if re.match(r"(INLINE|XLINE|CROSSLINE)", first.upper()) else "opendtect"


def _gathered(rows: Iterable[Row], undefined: float | None) -> list[Sticks]:
    """Rows with the same fault and stick in a row belong together."""
    faults: dict[str, list[list[Row]]] = {}
    before: tuple[str, str] | None = None
    for row in rows:
        lines = faults.setdefault(row[0], [])
        if before != row[:2]:
            lines.append([])
        lines[-1].append(row)
        before = row[:2]
    found = []
    for name, sticks in faults.items():
        points = [_points(stick).defined(undefined) for stick in sticks]
        kept = tuple(stick for stick in points if len(stick) > 1)
        found += [Sticks(name, kept)] if kept else []
    return found


def _points(rows: Sequence[Row]) -> Points:
    xyz = np.array([row[2] for row in rows], np.float64)
    numbers = np.array([row[3] for row in rows], np.float64)
    return Points(xyz[:, :2], numbers if numbers.size else None, xyz[:, 2])


def _charisma(path: Path, lines: Sequence[str]) -> Iterable[Row]:
    """Keyword, inline, crossline, X, Y, Z, name, stick; without a stick number sticks are those of equal inlines."""
    for count, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) < 7:
            raise MtlError(f"{path} line {count} has {len(words)} columns: expected INLINE- IL XL X Y Z NAME STICK.")
        values = [number(word, path, count, "column") for word in words[1:6]]
        yield words[6], words[7] if len(words) > 7 else words[1], values[2:], values[:2]


def _iesx(path: Path, lines: Sequence[str]) -> Iterable[Row]:
    """Cards of fixed columns: X, Y, stick, constant, Z."""
    name = path.stem
    for count, line in enumerate(lines, 1):
        if line.startswith("PROFILE"):
            name = iesx_heading(path, count, line)[0]
        elif not line.startswith(("SNAPPING", "EOD")) and line.strip():
            if len(line) < 47:
                raise MtlError(f"{path} line {count} has {len(line)} characters: expected a card of at least 47.")
            parts = ((line[:16], "X"), (line[16:32], "Y"), (line[38:47], "Z"))
            yield name, line[32:35].strip(), [number(text, path, count, what) for text, what in parts], []


def _opendtect(path: Path, lines: Sequence[str]) -> Iterable[Row]:
    """Name in quotes or none, X, Y, Z, stick number and node number or none, a line's name or none."""
    for count, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise MtlError(f"{path} line {count}: {error}.") from None
        name = words.pop(0) if line.lstrip().startswith('"') else path.stem
        if len(words) < 4:
            raise MtlError(f'{path} line {count} has {len(words)} numbers: expected "NAME" X Y Z STICK NODE.')
        yield name, words[3], [number(word, path, count, "column") for word in words[:3]], []


READERS: dict[str, Callable[[Path, Sequence[str]], Iterable[Row]]] = {
    "charisma": _charisma,
    "iesx": _iesx,
    "opendtect": _opendtect,
}
