"""Horizons and faults that other commands left in a result's folder, from the JSON files that they write."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mtl_seismic.report.markup import Html, code, element, facts, figure, join, paragraph, table
from mtl_seismic.report.sections import embed

ROWS = 40
"""Rows of a table at most."""
COLUMNS = 12
LARGEST = 64 * 2**20
"""Bytes of a JSON file that is read; larger ones hold points, not summaries."""
PICTURES = 3
PICTURE_LARGEST = 8 * 2**20


def summaries(folder: Path) -> Html | None:
    """What a folder's JSON files say, lists as tables, and its pictures; None where it does not exist or is empty."""
    if not folder.is_dir():
        return None
    parts = [part for file in sorted(folder.glob("*.json")) for part in _summary(file)]
    files = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        return None
    listed = paragraph("Files: ", join([*_listed(files)]), class_="small")
    return join([*_pictures(folder), *parts, listed])


def _pictures(folder: Path) -> Iterator[Html]:
    fitting = [file for file in sorted(folder.glob("*.png")) if file.stat().st_size <= PICTURE_LARGEST]
    for file in fitting[:PICTURES]:
        yield figure(embed(file.read_bytes(), _title(file.stem)))


def _listed(files: list[str]) -> Iterator[Html]:
    for name in files[:ROWS]:
        yield code(name)
    if len(files) > ROWS:
        yield element("span", f"and {len(files) - ROWS} more")


def _summary(file: Path) -> Iterator[Html]:
    content = _read(file)
    if isinstance(content, list):
        content = {file.stem: content}
    if not isinstance(content, dict) or {"shape", "axes"} <= set(content):  # the geometry beside an array
        return
    plain = [(_title(name), _short(value)) for name, value in content.items() if _is_plain(value)]
    if plain:
        yield facts(plain[:ROWS])
    for name, rows in content.items():
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            yield _rows(name, rows)


def _rows(name: str, rows: list[dict[str, Any]]) -> Html:
    # Positions are for programs.
    plain = (key for row in rows for key, value in row.items() if value is not None and _is_plain(value, short=False))
    columns = list(dict.fromkeys(plain))[:COLUMNS]
    body = [[_short(row.get(column)) for column in columns] for row in rows[:ROWS]]
    more = f" (the first {ROWS} of {len(rows)})" if len(rows) > ROWS else ""
    return table([_title(column) for column in columns], body, _title(name) + more) if columns else Html("")


def _read(file: Path) -> Any:
    try:
        if file.stat().st_size > LARGEST:
            return None
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _is_plain(value: Any, short: bool = True) -> bool:
    """Whether a value fits a cell; ``short``: a few numbers do too."""
    if isinstance(value, list):
        return short and 0 < len(value) <= 4 and all(isinstance(item, int | float) for item in value)
    return not isinstance(value, Mapping)


def _short(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(f"{item:.6g}" for item in value)
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.5g}")
    return value


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
