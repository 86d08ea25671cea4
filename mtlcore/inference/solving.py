"""What a task's last step works with: its decoded arrays and what it gives, column by column or whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.inference.infer import checked_outputs
from mtlcore.inference.store import FieldSpec, FieldStore
from mtlcore.io.volume import Window
from mtlcore.plugin.interfaces import Task

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SolveWork:
    """The arrays of one task over a volume (see Task.solve_columns).

    ``shape``: of the image; ``columns``: windows of whole traces that partition it, the unit of reading and writing;
    ``names``: decoded arrays, and outputs of other tasks, that can be read; ``memory``: bytes that may be used.
    """

    task: Task
    shape: tuple[int, ...]
    columns: Sequence[Window]
    memory: int
    store: FieldStore
    keys: Mapping[str, str]
    outputs: Mapping[str, str]
    read_image: Callable[[Window], Array]
    step: Callable[[int, int], None] = lambda done, total: None
    """Hears of progress: how many steps of how many are done."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.keys)

    def cells(self, name: str) -> tuple[int, ...]:
        """The shape of an array that can be read, without its channels; it may be coarser than the image."""
        return self.store.spec(self.keys[name]).coarse_shape

    def read(self, name: str, window: Window) -> Array:
        """A window, in the array's own cells: (depth, ...) of one channel, (channel, depth, ...) of several."""
        values = self.store.read(self.keys[name], window)
        return values[0] if values.shape[0] == 1 else values

    def load(self, name: str) -> Array:
        """A whole array."""
        return self.read(name, tuple(slice(0, size) for size in self.cells(name)))

    def image(self, lateral: Window) -> Array:
        """The image as the network sees it, whole traces over a window of the horizontal axes."""
        return self.read_image(lateral)

    def write(self, name: str, column: int, values: Array) -> None:
        """One output's values over a column of the image."""
        window = self.columns[column]
        self.store.write(self.outputs[name], FieldSpec(self.shape), column, window, values[None])

    def solve_whole(self) -> None:
        """By the task's ``solve``, from whole arrays; MtlError where these do not fit into memory."""
        specs = [self.store.spec(key) for key in self.keys.values()]
        needed = 4 * (sum(spec.channels * math.prod(spec.coarse_shape) for spec in specs) + 3 * math.prod(self.shape))
        if needed > self.memory:
            raise MtlError(
                f"Task '{self.task.name}' must see the whole volume for its last step: {needed / 1e9:.1f} GB of "
                f"arrays, more than the {self.memory / 1e9:.1f} GB allowed. Raise --memory, leave the task out of "
                "--tasks, or take a part of the volume."
            )
        solved = self.task.solve({name: self.load(name) for name in self.keys}, self.image(_whole(self.shape)[1:]))
        found = checked_outputs([self.task], {self.task.name: solved}, self.shape)
        for name, values in found.items():
            for column, window in enumerate(self.columns):
                self.write(name, column, values[window])


def _whole(shape: tuple[int, ...]) -> Window:
    return tuple(slice(0, size) for size in shape)
