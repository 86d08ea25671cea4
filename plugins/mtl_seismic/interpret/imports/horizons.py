"""Horizons from Charisma, IESX and XYZ text files; what each format's columns are stands with its writer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mtl_seismic.interpret.imports.model import HorizonPoints, Points, number, read_text
from mtlcore.errors import MtlError, OptionError, suggestion

COLUMNS = ("x", "y", "inline", "crossline", "trace", "z")
SKIPPED = "-"
"""A column that is not read."""
BY_COUNT = {3: ("x", "y", "z")}
"""What columns without a header are taken for."""


def read_horizon(
    path: Path, format: str | None = None, columns: Sequence[str] = (), undefined: float | None = None
) -> HorizonPoints:
    """The one horizon of a file; MtlError where it has several (see ``read_horizons``)."""
    found = read_horizons(path, format, columns, undefined)
    if len(found) != 1:
        raise MtlError(f"{path} has {len(found)} horizons ({', '.join(h.name for h in found)}): expected one.")
    return found[0]


def read_horizons(
    path: Path, format: str | None = None, columns: Sequence[str] = (), undefined: float | None = None
) -> list[HorizonPoints]:
    """The horizons of a text file, in the file's coordinates and units.

    ``format``: charisma, iesx or xyz; None: told by the content. ``columns``: of xyz files without a header, of
    x, y, inline, crossline, trace and z, with '-' for one that is skipped; without them three columns are X, Y and
    Z. ``undefined``: a null of the file's own; 1e30 and the like are nulls in any case. Formats without a name take
    the file's. MtlError names the line that does not fit.
    """
    lines = read_text(path)
    format = format or told_format(lines)
    if format not in READERS:
        raise OptionError(f"Unknown format '{format}'. {suggestion(format, READERS)}Formats: {', '.join(READERS)}.")
    if columns and format != "xyz":
        raise OptionError(f"Columns are of xyz files, and {path} is read as {format}.")
    found = [
        HorizonPoints(horizon.name, horizon.points.defined(undefined))
        for horizon in (_xyz(path, lines, columns) if format == "xyz" else READERS[format](path, lines))
    ]
    if not any(len(horizon.points) for horizon in found):
        raise MtlError(f"{path} has no picks that are defined (read as {format}).")
    return [horizon for horizon in found if len(horizon.points)]


def told_format(lines: Sequence[str]) -> str:
    """The format of a horizon file, by its first line that says something."""
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("PROFILE"):
        return "iesx"
    return "charisma" if first.upper().startswith("INLINE") else "xyz"


def _charisma(path: Path, lines: Sequence[str]) -> list[HorizonPoints]:
    """INLINE : IL XLINE : XL X Y Z; more columns are not read."""
    rows = []
    for count, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) < 9 or not words[0].upper().startswith("INLINE"):
            raise MtlError(f"{path} line {count} is '{line.strip()[:60]}': expected INLINE : IL XLINE : XL X Y Z.")
        rows.append([number(words[at], path, count, "column") for at in (2, 5, 6, 7, 8)])
    table = np.array(rows, np.float64).reshape(-1, 5)
    return [HorizonPoints(path.stem, Points(table[:, 2:4], table[:, :2], table[:, 4]))]


def _iesx(path: Path, lines: Sequence[str]) -> list[HorizonPoints]:
    """Cards of fixed columns; each PROFILE line begins another horizon. EOD may be missing."""
    found: list[HorizonPoints] = []
    name, is_line = path.stem, False
    rows: list[list[float]] = []

    def finish() -> None:
        if rows:
            table = np.array(rows, np.float64)
            numbers = table[:, 3:4] if is_line else table[:, 3:5]
            known = None if np.isnan(numbers).any() else numbers
            found.append(HorizonPoints(name, Points(table[:, :2], known, table[:, 2])))

    for count, line in enumerate(lines, 1):
        if line.startswith("PROFILE"):
            finish()
            heading = iesx_heading(path, count, line)
            name, is_line, rows = heading[0], heading[2], []
        elif not line.startswith(("SNAPPING", "EOD")) and line.strip():
            rows.append(_card(path, count, line, is_line))
    finish()
    return found


def iesx_heading(path: Path, count: int, line: str) -> tuple[str, int, bool]:
    """Name, type (1: horizon, 2: fault) and whether it is of a 2D line."""
    heading = re.match(r"PROFILE\s+(.*?)\s*TYPE\s*(\d+)\s+(\d)", line)
    if not heading:
        raise MtlError(f"{path} line {count} is '{line.strip()[:60]}': expected PROFILE name TYPE number.")
    return heading[1] or path.stem, int(heading[2]), heading[3] == "5"


def _card(path: Path, count: int, line: str, is_line: bool) -> list[float]:
    """X, Y, Z, then inline and crossline or, on a 2D line, the position along it."""
    if len(line) < 47:
        raise MtlError(f"{path} line {count} has {len(line)} characters: expected a card of at least 47.")
    x, y = number(line[:16], path, count, "X"), number(line[16:32], path, count, "Y")
    z = _loose(line[38:47])
    if is_line:
        return [x, y, z, _loose(line[47:57]), 0.0]
    return [x, y, z, _loose(line[88:95]), _loose(line[47:57])]


def _loose(text: str) -> float:
    """NaN for what does not fit: a null that overflows its columns."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _xyz(path: Path, lines: Sequence[str], columns: Sequence[str]) -> list[HorizonPoints]:
    """Columns separated by blanks, tabs or commas, with OpendTect's header or none."""
    known = [name.lower() for name in columns] or _headed(lines)
    rows = []
    for count, line in enumerate(lines, 1):
        # Undefined values may be empty between two tabs.
        words = line.split("\t") if "\t" in line.strip() else re.split(r"[\s,;]+", line.strip())
        if not line.strip() or line.lstrip().startswith(("#", "!")):
            continue
        known = known or list(BY_COUNT.get(len(words), ()))
        if not known:
            raise MtlError(f"{path} has {len(words)} columns and no header: name them, as x,y,inline,crossline,z.")
        if len(words) < len(known):
            raise MtlError(f"{path} line {count} has {len(words)} columns: expected {', '.join(known)}.")
        rows.append(
            [number(word, path, count, name) for name, word in zip(known, words, strict=False) if name in COLUMNS]
        )
    if not rows:
        return []
    named = [name for name in known if name in COLUMNS]
    table = np.array(rows, np.float64).reshape(-1, max(len(named), 1))
    return [HorizonPoints(path.stem, _points(path, dict(zip(named, table.T, strict=True)), known))]


def _headed(lines: Sequence[str]) -> list[str]:
    """The columns that OpendTect's header names: one line of quoted names, or a line '# n: name' for each."""
    comments = [line.strip() for line in lines if line.lstrip().startswith("#")]
    quoted = next((re.findall(r'"([^"]*)"', line) for line in comments if '"' in line), [])
    numbered = [found[1] for line in comments if (found := re.match(r"#\s*\d+:\s*(.+)", line))]
    return [name.strip().lower() for name in quoted or numbered]


def _points(path: Path, table: dict[str, np.ndarray], known: Sequence[str]) -> Points:
    for name in known:
        if name not in COLUMNS and name not in (SKIPPED, "quality", "rgt", "sample"):
            raise OptionError(f"Unknown column '{name}'. {suggestion(name, COLUMNS)}Known: {', '.join(COLUMNS)}, -.")

    def of(*names: str) -> np.ndarray | None:
        return np.stack([table[name] for name in names], axis=1) if set(names) <= set(table) else None

    numbers = of("inline", "crossline")
    numbers = of("trace") if numbers is None else numbers
    if "z" not in table or (numbers is None and of("x", "y") is None):
        raise MtlError(f"{path} has the columns {', '.join(known)}: expected z, and x and y or line numbers.")
    return Points(of("x", "y"), numbers, table["z"])


READERS: dict[str, Callable[[Path, Sequence[str]], list[HorizonPoints]]] = {
    "charisma": _charisma,
    "iesx": _iesx,
    "xyz": lambda path, lines: _xyz(path, lines, ()),
}
