"""Several processes that write one volume: who writes what.

A file of a ``ParallelFormat`` consists of blocks, and each block must have one writer: two processes that write
parts of one block may overwrite each other's samples without an error. In each of ``count`` processes::

    block_shape = format.block_shape(geometry)
    plan = share_out(geometry.shape, block_shape, count)     # or any other plan, then checked:
    check_plan(plan, geometry.shape, block_shape)
    started = format.begin(path, geometry, output)     # in one process, which tells the others the path
    with format.join(started, f"rank {rank}") as writer:
        for window in plan[rank]:
            writer.write(window, ...)
    format.commit(started, path)                       # in one process, when all have left the block above
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from mtlcore.errors import MtlError
from mtlcore.io.files import shape_text
from mtlcore.io.volume import Window

Block = tuple[int, ...]
"""A block's number along each axis."""
Plan = Sequence[Sequence[Window]]
"""The windows that each process writes."""


def check_plan(plan: Plan, shape: tuple[int, ...], block_shape: tuple[int, ...] | None) -> None:
    """MtlError where two processes would write to one block, or a window is not one of the volume.

    ``block_shape``: the blocks' shape; None: the format takes one process only.
    """
    for window in (window for windows in plan for window in windows):
        _check_window(window, shape)
    busy = [process for process, windows in enumerate(plan) if windows]
    if block_shape is None:
        if len(busy) > 1:
            raise MtlError(
                f"{len(busy)} processes cannot write one file of this format: use one, or a format made for several."
            )
        return
    owners: dict[Block, int] = {}
    for process in busy:
        for block in (block for window in plan[process] for block in blocks(window, block_shape)):
            other = owners.setdefault(block, process)
            if other != process:
                raise MtlError(
                    f"Processes {other} and {process} would both write to the block "
                    f"{block_text(block, shape, block_shape)} of the volume {shape_text(shape)}, "
                    "and one would undo what the other wrote: "
                    f"align their windows to multiples of {shape_text(block_shape)}."
                )


def share_out(shape: tuple[int, ...], block_shape: tuple[int, ...], processes: int) -> list[list[Window]]:
    """A plan that gives each process the same number of blocks, to within one, side by side where possible."""
    every = list(blocks(tuple(slice(0, size) for size in shape), block_shape))
    cuts = [len(every) * process // processes for process in range(processes + 1)]
    return [
        [block_window(block, shape, block_shape) for block in every[cuts[process] : cuts[process + 1]]]
        for process in range(processes)
    ]


def blocks(window: Window, block_shape: tuple[int, ...]) -> Iterator[Block]:
    """The blocks that a window touches."""
    return product(
        *(range(part.start // edge, -(-part.stop // edge)) for part, edge in zip(window, block_shape, strict=True))
    )


def block_window(block: Block, shape: tuple[int, ...], block_shape: tuple[int, ...]) -> Window:
    """The samples of a block; at the volume's end it is cut."""
    sizes = zip(block, shape, block_shape, strict=True)
    return tuple(slice(number * edge, min((number + 1) * edge, size)) for number, size, edge in sizes)


def block_text(block: Block, shape: tuple[int, ...], block_shape: tuple[int, ...]) -> str:
    """A block's samples for people: 0:128 x 128:200."""
    return " x ".join(f"{part.start}:{part.stop}" for part in block_window(block, shape, block_shape))


def _check_window(window: Window, shape: tuple[int, ...]) -> None:
    fits = len(window) == len(shape) and all(
        0 <= part.start < part.stop <= size for part, size in zip(window, shape, strict=True)
    )
    if not fits:
        text = " x ".join(f"{part.start}:{part.stop}" for part in window)
        raise MtlError(f"The plan has a window {text}, which is none of the volume {shape_text(shape)}.")
