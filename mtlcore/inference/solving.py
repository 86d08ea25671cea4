"""What a task's last step works with: its decoded arrays and what it gives, column by column or whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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
    step: Callable[[float, float], None] = lambda done, total: None
    """Hears of progress: how much of how much is done."""
    scratch: str = "solving"
    """Where the step's own arrays are kept."""
    _own: dict[str, FieldSpec] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.keys)

    def cells(self, name: str) -> tuple[int, ...]:
        """The shape of an array that can be read, without its channels; it may be coarser than the image."""
        return self._own[name].coarse_shape if name in self._own else self.store.spec(self.keys[name]).coarse_shape

    def read(self, name: str, window: Window) -> Array:
        """A window, in the array's own cells: (depth, ...) of one channel, (channel, depth, ...) of several."""
        key = f"{self.scratch}/{name}" if name in self._own else self.keys[name]
        values = self.store.read(key, window)
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
        self.store.write(self.outputs[name], FieldSpec(self.shape), window, values[None])

    def write_whole(self, name: str, values: Array) -> None:
        """One output's values over the whole image."""
        for column, window in enumerate(self.columns):
            self.write(name, column, values[window])

    def create(self, name: str, ratios: tuple[int, ...], half: bool = False) -> None:
        """Begin an array of the step's own, of one channel and coarser than the image by ``ratios``."""
        self._own[name] = FieldSpec(self.shape, 1, ratios, half)

    def write_state(self, name: str, column: int, values: NDArray[np.floating]) -> None:
        """Such an array's values over a column."""
        spec = self._own[name]
        window = spec.coarse(self.columns[column])
        self.store.write(f"{self.scratch}/{name}", spec, window, np.asarray(values)[None])

    def drop(self, name: str) -> None:
        """Such an array is not needed any more."""
        self._own.pop(name)
        self.store.drop(f"{self.scratch}/{name}")

    @property
    def bytes_needed(self) -> int:
        """What a last step on whole arrays takes, at least."""
        specs = [self.store.spec(key) for key in self.keys.values()]
        return 4 * (sum(spec.channels * math.prod(spec.coarse_shape) for spec in specs) + 3 * math.prod(self.shape))

    @property
    def fits(self) -> bool:
        """Whether that is within the memory."""
        return 4 * self.bytes_needed <= self.memory

    def solve_whole(self) -> None:
        """By the task's ``solve``, from whole arrays; MtlError where these do not fit into memory."""
        if self.bytes_needed > self.memory:
            raise MtlError(
                f"Task '{self.task.name}' must see the whole volume for its last step: {self.bytes_needed / 1e9:.1f} "
                f"GB of arrays, more than the {self.memory / 1e9:.1f} GB allowed. Raise --memory, leave the task out "
                "of --tasks, or take a part of the volume."
            )
        solved = self.task.solve({name: self.load(name) for name in self.keys}, self.image(_whole(self.shape)[1:]))
        found = checked_outputs([self.task], {self.task.name: solved}, self.shape)
        for name, values in found.items():
            self.write_whole(name, values)


def _whole(shape: tuple[int, ...]) -> Window:
    return tuple(slice(0, size) for size in shape)
