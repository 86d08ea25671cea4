"""Who runs the steps over columns: this process, or any executor of ``concurrent.futures``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from itertools import islice
from typing import Any, Protocol

from mtlcore.errors import MtlError
from mtlcore.inference.work import Work

MAX_DEATHS = 3
"""Worker processes that may die in one step before the run is given up."""


class Recipe(Protocol):
    """How another process comes by the same work; small, and sent with every step."""

    @property
    def key(self) -> str:
        """The same for the same work."""

    def build(self) -> Work:
        """Open the image, the models and the store."""


class Runner(ABC):
    """Runs a method of Work for several columns."""

    @abstractmethod
    def each(
        self, method: str, columns: Sequence[int], *arguments: Any, tile_done: Callable[[], None] | None = None
    ) -> Iterator[tuple[int, Any]]:
        """Columns and results in the order in which they are done. ``tile_done`` hears of parts where it can."""

    by_tile = False
    """Whether ``tile_done`` is called."""


class InProcess(Runner):
    """One column after another, here."""

    by_tile = True

    def __init__(self, work: Work) -> None:
        self._work = work

    def each(
        self, method: str, columns: Sequence[int], *arguments: Any, tile_done: Callable[[], None] | None = None
    ) -> Iterator[tuple[int, Any]]:
        told = {"tile_done": tile_done} if tile_done else {}
        for column in columns:
            yield column, getattr(self._work, method)(column, *arguments, **told)


class InProcesses(Runner):
    """By the processes of an executor, here or on other machines. A process that dies costs the step that it was at,
    which another one takes; what is done is kept, so that a run can also be resumed.

    ``start``: a new executor, and again when one of its processes has died. ``count``: of processes.
    """

    def __init__(self, start: Callable[[], Executor], recipe: Recipe, count: int) -> None:
        self._start, self._recipe, self._count = start, recipe, count
        self._executor = start()
        self._running: dict[Future[Any], int] = {}

    def each(
        self, method: str, columns: Sequence[int], *arguments: Any, tile_done: Callable[[], None] | None = None
    ) -> Iterator[tuple[int, Any]]:
        left, deaths = list(columns), 0
        while left:
            try:
                for column, result in self._submitted(method, left, arguments):
                    left.remove(column)
                    yield column, result
            except BrokenExecutor:
                deaths += 1
                if deaths > MAX_DEATHS:
                    raise MtlError(
                        f"Worker processes have died {deaths} times, perhaps for want of memory: lower --memory or "
                        "--workers, then resume the run."
                    ) from None
                self._executor = self._start()

    def _submitted(self, method: str, columns: Sequence[int], arguments: tuple[Any, ...]) -> Iterator[tuple[int, Any]]:
        """Steps that are under way, never many more than there are processes: results are small, and nothing waits."""
        ahead = iter(list(columns))
        running = self._running
        running.clear()
        while True:
            for column in islice(ahead, 2 * self._count - len(running)):
                running[self._executor.submit(run_elsewhere, self._recipe, method, column, arguments)] = column
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()

    def close(self) -> None:
        """End the processes, and what they have not begun."""
        for future in self._running:
            future.cancel()
        self._executor.shutdown(wait=False)


_works: dict[str, Work] = {}
"""What this process has opened for others: one work at a time, for all its columns."""


def run_elsewhere(recipe: Recipe, method: str, column: int, arguments: tuple[Any, ...]) -> Any:
    """A step of one column in a worker process."""
    if recipe.key not in _works:
        _works.clear()
        _works[recipe.key] = recipe.build()
    return getattr(_works[recipe.key], method)(column, *arguments)
