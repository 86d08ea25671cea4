"""Windows in any order into shards, each of which Zarr writes best in one piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.io.parallel_write import Block, block_window, blocks
from mtlcore.io.volume import Window, Writer

if TYPE_CHECKING:
    import zarr


@dataclass
class Unfinished:
    """A shard's samples so far, and how many are still to come."""

    samples: NDArray[np.float32]
    missing: int


class ShardWriter(Writer):
    """Collects windows until a shard is complete; one process may have one writer of a shard.

    Writing a part of a shard to disk means reading, decoding and encoding all of it. Only where the unfinished
    ones take more than ``memory`` MB is the one longest untouched written as it is, to be read again later.
    ``claim`` is called once with each shard before anything is written to it.
    """

    def __init__(self, array: zarr.Array[Any], memory: int, claim: Callable[[Block], None] = lambda block: None):
        self._array = array
        self._limit = memory * 1_000_000
        self._claim = claim
        self._unfinished: dict[Block, Unfinished] = {}
        self._claimed: set[Block] = set()
        self.block_shape = tuple(array.shards or array.chunks)

    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        expected = tuple(part.stop - part.start for part in window)
        inside = all(0 <= part.start <= part.stop <= size for part, size in zip(window, self._array.shape, strict=True))
        if values.shape != expected or not inside:
            raise ValueError(f"values of shape {values.shape} do not fit the window {window}")
        touched = list(blocks(window, self._block_shape))
        for block in touched:
            self._take(block)
        for block in touched:
            self._write_part(block, window, values)
        while sum(shard.samples.nbytes for shard in self._unfinished.values()) > self._limit:
            self._store(next(iter(self._unfinished)))

    def finish(self) -> None:
        """Write what is still held."""
        for block in list(self._unfinished):
            self._store(block)

    @property
    def _block_shape(self) -> tuple[int, ...]:
        assert self.block_shape is not None
        return self.block_shape

    def _take(self, block: Block) -> None:
        if block not in self._claimed:
            self._claim(block)
            self._claimed.add(block)

    def _write_part(self, block: Block, window: Window, values: NDArray[np.float32]) -> None:
        span = block_window(block, self._array.shape, self._block_shape)
        part = tuple(
            slice(max(one.start, other.start), min(one.stop, other.stop))
            for one, other in zip(span, window, strict=True)
        )
        new = values[_within(part, window)]
        if part == span:
            self._unfinished.pop(block, None)
            self._array[span] = np.asarray(new, np.float32)
            return
        # Taken out and put in again: the last one touched stands last.
        shard = self._unfinished.pop(block, None) or self._begin(block, span)
        shard.samples[_within(part, span)] = new
        shard.missing -= new.size
        self._unfinished[block] = shard
        if shard.missing <= 0:
            self._store(block)

    def _begin(self, block: Block, span: Window) -> Unfinished:
        samples = np.asarray(self._array[span], np.float32).copy()
        return Unfinished(samples, samples.size)

    def _store(self, block: Block) -> None:
        self._array[block_window(block, self._array.shape, self._block_shape)] = self._unfinished.pop(block).samples


def _within(part: Window, whole: Window) -> Window:
    """A window in the coordinates of one that contains it."""
    return tuple(slice(p.start - w.start, p.stop - w.start) for p, w in zip(part, whole, strict=True))
