"""Who runs the steps over columns: this process, or any executor of ``concurrent.futures``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from typing import Any, Protocol

from mtlcore.inference.work import Work


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
    """By the processes of an executor, here or on other machines. A step that failed is not tried again here: what is
    done is kept, and the run can be resumed."""

    def __init__(self, executor: Executor, recipe: Recipe) -> None:
        self._executor, self._recipe = executor, recipe

    def each(
        self, method: str, columns: Sequence[int], *arguments: Any, tile_done: Callable[[], None] | None = None
    ) -> Iterator[tuple[int, Any]]:
        futures = {
            self._executor.submit(run_elsewhere, self._recipe, method, column, arguments): column for column in columns
        }
        for future in as_completed(list(futures)):
            yield futures.pop(future), future.result()


_works: dict[str, Work] = {}
"""What this process has opened for others: one work at a time, for all its columns."""


def run_elsewhere(recipe: Recipe, method: str, column: int, arguments: tuple[Any, ...]) -> Any:
    """A step of one column in a worker process."""
    if recipe.key not in _works:
        _works.clear()
        _works[recipe.key] = recipe.build()
    return getattr(_works[recipe.key], method)(column, *arguments)
