"""Logs of a run, one row for each finished step: run listeners for JSON Lines, CSV and TensorBoard.

An existing log is continued. A resumed run repeats the steps after its last saved state, so a step may have
two rows: the later one counts. Every row is written out at once, so that an interrupted run keeps its log.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mtlcore.errors import MtlError
from mtlcore.plugin.hookspecs import hookimpl

LOG, TABLE = "log.jsonl", "epochs.csv"
"""Names of a training run's logs."""
FIXED = ("time", "stage", "step", "total")
"""The columns of every row, before the step's own figures."""


class JsonLinesLog:
    """One JSON object a line. JSON knows no NaN and infinities: they are "nan", "inf" and "-inf"."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _named(path):
            _cut_torn_row(path)

    @hookimpl
    def step_finished(self, stage: str, step: int, total: int, values: Mapping[str, object]) -> None:
        line = json.dumps(_row(stage, step, total, values), allow_nan=False)
        with _named(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class CsvLog:
    """A table with a header. A figure that first comes later adds a column: earlier rows are empty there.

    ``stages``: rows of these alone; None: of all.
    """

    def __init__(self, path: Path, stages: tuple[str, ...] | None = None) -> None:
        self.path = path
        self._stages = stages
        with _named(path):
            _cut_torn_row(path)
            self._columns = next(iter(self._read()), [])

    @hookimpl
    def step_finished(self, stage: str, step: int, total: int, values: Mapping[str, object]) -> None:
        if self._stages is not None and stage not in self._stages:
            return
        row = {key: _csv_text(value) for key, value in _row(stage, step, total, values).items()}
        with _named(self.path):
            if new := [key for key in row if key not in self._columns]:
                self._add_columns(new)
            with self.path.open("a", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow([row.get(key, "") for key in self._columns])

    def _read(self) -> list[list[str]]:
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def _add_columns(self, new: list[str]) -> None:
        """Rewrite the file under a longer header; whenever this is interrupted, the file is whole."""
        rows = self._read()[1:]
        columns = self._columns + new
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(row + [""] * (len(columns) - len(row)) for row in rows)
        temporary.replace(self.path)
        self._columns = columns


class TensorBoardLog:
    """The numbers of each step as TensorBoard scalars named stage/figure, in the run folder's ``tensorboard``."""

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MtlError('TensorBoard is not installed. Install it: pip install "mtlcore[tensorboard]"') from error
        self._make: Any = SummaryWriter  # untyped
        self._writer: Any = None

    @hookimpl
    def stage_started(self, folder: Path | None) -> None:
        """Logs go beside the run's other files."""
        if folder is not None and self._writer is None:
            with _named(folder):
                self._writer = self._make(str(folder / "tensorboard"))

    @hookimpl
    def step_finished(self, stage: str, step: int, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            plain = _plain_number(value)
            if isinstance(plain, int | float) and self._writer is not None:
                self._writer.add_scalar(f"{stage}/{name}", plain, step)

    @hookimpl
    def picture_drawn(self, stage: str, step: int, path: Path) -> None:
        """Pictures of what a model makes of validation items."""
        from matplotlib.image import imread  # whoever has drawn it has matplotlib

        if self._writer is not None:
            name = path.stem.partition("_item_")[2] or path.stem
            self._writer.add_image(f"{stage}/item {name}", imread(path)[..., :3], step, dataformats="HWC")

    def close(self) -> None:
        """Write out what is still in memory."""
        if self._writer is not None:
            self._writer.close()


def _row(stage: str, step: int, total: int, values: Mapping[str, object]) -> dict[str, object]:
    """The cells of a row."""
    if taken := [name for name in values if name in FIXED]:
        raise ValueError(f"a figure of stage '{stage}' may not be named '{taken[0]}': every row has that column")
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"time": time, "stage": stage, "step": step, "total": total} | {
        name: _cell(value) for name, value in values.items()
    }


def _cell(value: object) -> object:
    """A value as JSON and CSV can hold it."""
    plain = _plain_number(value)
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)
    return plain if plain is None or isinstance(plain, str | int | float) else str(plain)


def _csv_text(value: object) -> str:
    """A cell in one line, so that every row is one line of the file; nothing for None."""
    return "" if value is None else " ".join(str(value).splitlines())


def _plain_number(value: object) -> object:
    """Python's own number for one of numpy or torch."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", 0) == 0 else value


def _cut_torn_row(path: Path) -> None:
    """Make the folder; from an existing log cut a last row that was being written when the power went."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """A full disk or a missing permission as an error that names the log."""
    try:
        yield
    except OSError as error:
        raise MtlError(f"The log {path} cannot be written: {error.strerror or error}.") from error
