"""Tables of figures as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtlcore.io.atomic import atomic_write_text


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One row for each mapping, with the columns of the first one that hold text and numbers; empty where None."""
    if not rows:
        return
    columns = [name for name, value in rows[0].items() if isinstance(value, str | int | float | None)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(row.get(name)) for name in columns} for row in rows)
    atomic_write_text(path, text.getvalue())


def _plain(value: Any) -> Any:
    return f"{value:.9g}" if isinstance(value, float) else value
