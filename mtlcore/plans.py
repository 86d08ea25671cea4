"""Several processes that write one volume: who writes what, and formats that can take it.

A file that several processes write is made of blocks, and each block must have one writer: two processes that
write parts of one block overwrite each other's, and most of the data is lost without an error. In each of so
many processes::

    grain = format.grain(geometry)
    plan = share_out(geometry.shape, grain, count)     # or any other plan, then checked:
    check_plan(plan, geometry.shape, grain)
    started = format.begin(path, geometry, output)     # in one process, which tells the others the path
    with format.join(started, f"rank {rank}") as writer:
        for window in plan[rank]:
            writer.write(window, ...)
    format.commit(started, path)                       # in one process, when all have left the block above
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from mtlcore.errors import MtlError
from mtlcore.files import shape_text
from mtlcore.interfaces import Format, Output
from mtlcore.volume import Geometry, Window, Writer

Block = tuple[int, ...]
"""A block's number along each axis."""
Plan = Sequence[Sequence[Window]]
"""The windows that each process writes."""


@dataclass(frozen=True)
class SharedFormat(Format):
    """A format whose new files several processes may write together."""

    @abstractmethod
    def grain(self, geometry: Geometry) -> tuple[int, ...]:
        """The shape of the blocks of a new file that must have one writer each."""

    @abstractmethod
    def begin(self, path: Path, geometry: Geometry, output: Output) -> Path:
        """Start a new file; the temporary path beside ``path`` that others join."""

    @abstractmethod
    def join(self, started: Path, owner: str) -> AbstractContextManager[Writer]:
        """A writer of one part. ``owner`` tells the processes apart; after a failure it may join again.

        MtlError where it writes to a block that another owner has written to.
        """

    @abstractmethod
    def commit(self, started: Path, path: Path) -> None:
        """Give the file its final name; MtlError where a part was joined and not left as it should be."""

    @abstractmethod
    def abandon(self, started: Path) -> None:
        """Remove what was started."""


def check_plan(plan: Plan, shape: tuple[int, ...], grain: tuple[int, ...] | None) -> None:
    """MtlError where two processes would write to one block, or a window is not one of the volume.

    ``grain``: the blocks' shape; None: the format takes one process only.
    """
    for window in (window for windows in plan for window in windows):
        _check_window(window, shape)
    busy = [process for process, windows in enumerate(plan) if windows]
    if grain is None:
        if len(busy) > 1:
            raise MtlError(
                f"{len(busy)} processes cannot write one file of this format: use one, or a format made for several."
            )
        return
    owners: dict[Block, int] = {}
    for process in busy:
        for block in (block for window in plan[process] for block in blocks(window, grain)):
            other = owners.setdefault(block, process)
            if other != process:
                raise MtlError(
                    f"Processes {other} and {process} would both write to the block {block_text(block, shape, grain)} "
                    f"of the volume {shape_text(shape)}, and one would undo what the other wrote: "
                    f"align their windows to multiples of {shape_text(grain)}."
                )


def share_out(shape: tuple[int, ...], grain: tuple[int, ...], processes: int) -> list[list[Window]]:
    """A plan that gives each process the same number of blocks, to within one, side by side where possible."""
    every = list(blocks(tuple(slice(0, size) for size in shape), grain))
    cuts = [len(every) * process // processes for process in range(processes + 1)]
    return [
        [block_window(block, shape, grain) for block in every[cuts[process] : cuts[process + 1]]]
        for process in range(processes)
    ]


def blocks(window: Window, grain: tuple[int, ...]) -> Iterator[Block]:
    """The blocks that a window touches."""
    return product(
        *(range(part.start // edge, -(-part.stop // edge)) for part, edge in zip(window, grain, strict=True))
    )


def block_window(block: Block, shape: tuple[int, ...], grain: tuple[int, ...]) -> Window:
    """The samples of a block; at the volume's end it is cut."""
    sizes = zip(block, shape, grain, strict=True)
    return tuple(slice(number * edge, min((number + 1) * edge, size)) for number, size, edge in sizes)


def block_text(block: Block, shape: tuple[int, ...], grain: tuple[int, ...]) -> str:
    """A block's samples for people: 0:128 x 128:200."""
    return " x ".join(f"{part.start}:{part.stop}" for part in block_window(block, shape, grain))


def _check_window(window: Window, shape: tuple[int, ...]) -> None:
    fits = len(window) == len(shape) and all(
        0 <= part.start < part.stop <= size for part, size in zip(window, shape, strict=True)
    )
    if not fits:
        text = " x ".join(f"{part.start}:{part.stop}" for part in window)
        raise MtlError(f"The plan has a window {text}, which is none of the volume {shape_text(shape)}.")
