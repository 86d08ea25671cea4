"""Tables of plain text, and JSON without NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click


def text_table(rows: Iterable[Sequence[str]]) -> str:
    """Rows as aligned columns, two spaces between them."""
    table = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in lines)


def echo_json(value: Any) -> None:
    """Print a value as JSON; JSON knows no NaN and infinity, so they become null."""
    click.echo(json.dumps(plain(value), indent=2, default=str))


def plain(value: Any) -> Any:
    """The value with None for every float that JSON cannot write."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def number(value: float) -> str:
    """A figure with four digits; a dash where it is undefined."""
    return "-" if math.isnan(value) else f"{value:.4g}"


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
