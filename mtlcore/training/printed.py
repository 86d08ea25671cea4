"""Progress as one line that is printed over and over, for notebooks and scripts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from mtlcore.plugin.hookspecs import hookimpl

SECONDS = 0.5
"""Between two versions of the line."""
FIGURES = 6


class PrintedProgress:
    """Listens to stages; an epoch's figures stay on a line of their own."""

    def __init__(self, file: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._printed = -SECONDS
        self._width = 0

    @hookimpl
    def stage_started(self, stage: str, total: int, folder: Path | None) -> None:
        if folder is not None:
            self._line(f"{stage}: in {folder}", stays=True)

    @hookimpl
    def step_finished(self, stage: str, step: int, total: int, values: Mapping[str, object]) -> None:
        stays = stage == "epoch"
        if stays or step == total or self._clock() - self._printed >= SECONDS:
            self._line(f"{stage}: {step}/{total}  {figures(values)}", stays)
            self._printed = self._clock()

    @hookimpl
    def stage_finished(self, stage: str, values: Mapping[str, object]) -> None:
        self._line(f"{stage}: done  {figures(values)}", stays=True)

    def _line(self, text: str, stays: bool) -> None:
        print(f"\r{text.rstrip():{self._width}}", end="\n" if stays else "", file=self._file or sys.stdout, flush=True)
        self._width = 0 if stays else len(text)


def figures(values: Mapping[str, object]) -> str:
    """The first figures in one line."""
    shown = list(values.items())[:FIGURES]
    return ", ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in shown)
