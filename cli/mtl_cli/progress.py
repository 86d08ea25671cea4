"""Progress of a run on stderr: a bar on a terminal, plain lines otherwise, nothing with --quiet or --json."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from mtlcore.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def choose_progress(quiet: bool = False, as_json: bool = False) -> tuple[object, ...]:
    """The listeners that show progress, to be used as ``plugins.listening(*choose_progress(...))``."""
    if quiet or as_json:
        return ()
    # Rich itself would take FORCE_COLOR for a terminal. A dumb terminal cannot redraw a line.
    if sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        return (RichProgress(),)
    return (PlainProgress(),)


SHOWN = 8
"""Figures of a step that are shown."""


class Pace:
    """Rate and time left of one stage, from the steps it has reported."""

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self.total = total
        self._clock = clock
        self._started = clock()
        self._first: tuple[int, float] | None = None
        self._step = 0
        self._time = self._started

    def report(self, step: int) -> None:
        """A step is done."""
        self._step, self._time = step, self._clock()
        # A resumed stage begins in the middle: only what was seen to happen counts.
        self._first = self._first or (step, self._time)

    @property
    def elapsed(self) -> float:
        """Seconds since the stage began."""
        return self._clock() - self._started

    @property
    def rate(self) -> float | None:
        """Steps a second."""
        if self._first is None:
            return None
        steps, since = 1, self._started
        if self._step > self._first[0]:
            steps, since = self._step - self._first[0], self._first[1]
        # A stage whose start nobody told has no rate at its first step.
        return steps / (self._time - since) if self._time - since > 1e-3 else None

    def __str__(self) -> str:
        rate = self.rate
        if rate is None:
            return ""
        speed = f"{rate:.3g} steps/s" if rate >= 1 else f"{1 / rate:.3g} s/step"
        left = max(self.total - self._step, 0) / rate
        return f"{speed}, {duration(left)} left" if left else speed


def duration(seconds: float) -> str:
    """Seconds as 9 s, 2:05 or 1:02:05."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def describe(values: Mapping[str, object]) -> str:
    """The first figures in one line; a log has all of them."""
    first = list(values.items())[:SHOWN]
    texts = (f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in first)
    return ", ".join(" ".join(text.split()) for text in texts)


def join(*texts: str) -> str:
    """The texts that are not empty, two spaces between them."""
    return "  ".join(text for text in texts if text)


class PlainProgress:
    """Lines for logs: the first and the last step of a stage, and between them no more than one line each
    ``seconds`` and each percent."""

    def __init__(
        self,
        file: TextIO | None = None,
        seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._seconds = seconds
        self._clock = clock
        self._paces: dict[str, Pace] = {}
        self._printed: dict[str, tuple[int, float]] = {}
        self._held_back: dict[str, str] = {}

    @hookimpl
    def stage_started(self, stage: str, total: int, folder: Path | None) -> None:
        self._paces[stage] = Pace(total, self._clock)
        self._print(join(f"{stage}: {total} step{'' if total == 1 else 's'}", f"in {folder}" if folder else ""))

    @hookimpl
    def step_finished(self, stage: str, step: int, total: int, values: Mapping[str, object]) -> None:
        pace = self._paces.setdefault(stage, Pace(total, self._clock))
        pace.report(step)
        line = join(f"{stage}: {step}/{total}", str(pace), describe(values))
        if step < total and not self._due(stage, step, total):
            self._held_back[stage] = line
            return
        self._print(line)
        self._printed[stage] = (step, self._clock())
        self._held_back.pop(stage, None)

    def _due(self, stage: str, step: int, total: int) -> bool:
        if stage not in self._printed:
            return True
        last_step, last_time = self._printed[stage]
        return self._clock() - last_time >= self._seconds and (step - last_step) * 100 >= total

    @hookimpl
    def stage_finished(self, stage: str, values: Mapping[str, object]) -> None:
        # A stage may stop before its last step.
        if stage in self._held_back:
            self._print(self._held_back.pop(stage))
        self._printed.pop(stage, None)
        pace = self._paces.pop(stage, None)
        took = f" in {duration(pace.elapsed)}" if pace else ""
        self._print(join(f"{stage}: done{took}", describe(values)))

    def _print(self, line: str) -> None:
        click.echo(line, file=self._file or sys.stderr)


class RichProgress:
    """A bar for each running stage, with rate, time left and the last figures."""

    def __init__(self, file: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._progress: Progress | None = None
        self._bars: dict[str, tuple[TaskID, Pace]] = {}

    @hookimpl
    def stage_started(self, stage: str, total: int, folder: Path | None) -> None:
        if folder:
            self._console_print(f"{stage}: in {folder}")
        self._bar(stage, total)

    @hookimpl
    def step_finished(self, stage: str, step: int, total: int, values: Mapping[str, object]) -> None:
        bar, pace = self._bar(stage, total)
        pace.report(step)
        self._live().update(bar, completed=step, total=total, pace=str(pace), values=describe(values))

    @hookimpl
    def stage_finished(self, stage: str, values: Mapping[str, object]) -> None:
        bar, pace = self._bar(stage, 0)
        del self._bars[stage]
        self._live().remove_task(bar)
        self._live().refresh()  # else printing draws the old bar once more
        self._console_print(join(f"{stage}: done in {duration(pace.elapsed)}", describe(values)))
        if not self._bars:
            self.close()

    def close(self) -> None:
        """Give the terminal back, after an error too."""
        if self._progress:
            # After an error the bar stays, to show how far it came; otherwise there is nothing to keep.
            self._progress.live.transient = not self._bars
            self._progress.stop()
        self._progress = None
        self._bars.clear()

    def _console_print(self, line: str) -> None:
        self._live().console.print(line, markup=False, highlight=False)

    def _bar(self, stage: str, total: int) -> tuple[TaskID, Pace]:
        if stage not in self._bars:
            bar = self._live().add_task(stage, total=total or None, pace="", values="")
            self._bars[stage] = bar, Pace(total, self._clock)
        return self._bars[stage]

    def _live(self) -> Progress:
        """The display, started when it is first needed."""
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
            from rich.table import Column

            # Only the figures give way where the terminal is narrow: without ratio every column would shrink.
            rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
            self._progress = Progress(
                TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
                BarColumn(bar_width=20),
                MofNCompleteColumn(table_column=Column(no_wrap=True)),
                TextColumn("{task.fields[pace]}", style="cyan", markup=False, table_column=Column(no_wrap=True)),
                TextColumn("{task.fields[values]}", markup=False, table_column=rest),
                console=Console(file=self._file or sys.stderr),
                expand=True,
            )
            self._progress.start()
        return self._progress
