"""What is known of a whole image before any of it is inferred: its amplitudes, and which traces are dead.

Amplitudes are measured on the whole of a volume of up to MAX_SAMPLE samples, and on lines spread evenly over a larger
one; dead traces are looked for everywhere. What is read at once does not depend on how the volume is cut into columns
afterwards, so that every cut gives the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.inference.amplitude import balanced, constant_traces, prepare, row_gains
from mtlcore.inference.undefined import Undefined, find_undefined
from mtlcore.io.volume import Volume, Window

Array = NDArray[np.float32]
MAX_SAMPLE = 2**24
"""Samples of an image on which its amplitudes are measured."""
MAX_BLOCK = 2**22
"""Samples read at once in search of dead traces, if a single line is not more."""
RUN = 256
"""Neighbouring traces of a long 2D line that are measured together."""


@dataclass(frozen=True, eq=False)
class ImageStatistics:
    """``scale``: root mean square of the image; ``offset``: what its amplitudes lie around; ``undefined``: the values
    that mean nothing was recorded; ``gain`` and ``gain_level``: evening out along depth (see amplitude.row_gains), None
    and 1 where there is none; ``dead_traces``: boolean over the horizontal axes; ``report``: counts for users."""

    scale: float
    offset: float
    undefined: Undefined
    gain: Array | None
    gain_level: float
    dead_traces: NDArray[np.bool_]
    report: dict[str, int]
    unlike: tuple[str, ...] = ()
    """A line for each number of the image that is beyond the range of a network's training (see descriptors.py)."""

    @property
    def has_undefined_samples(self) -> bool:
        """Whether there are dead samples besides dead traces."""
        return self.report["not_finite_samples"] > 0


def scan(
    volume: Volume,
    level: float,
    even_out: bool,
    live: NDArray[np.bool_] | None = None,
    quick: bool = False,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[ImageStatistics, Array]:
    """The statistics of an image, and the normalised sample of it that they were measured on, (depth, ...).

    ``level``: root mean square that networks expect; ``even_out``: find gains along depth; ``quick``: take all
    traces beyond the sample for live; ``step`` hears how many blocks of how many have been read.
    """
    windows = sample_windows(volume.shape)
    sample = np.concatenate([volume.read(window) for window in windows], axis=1)
    whole = math.prod(sample.shape) == math.prod(volume.shape)
    sample_live = None if live is None else np.concatenate([live[window[1:]] for window in windows], axis=0)
    values: NDArray[Any] = sample if np.issubdtype(sample.dtype, np.floating) else sample.astype(np.float64)
    rule = find_undefined([values])
    prepared = prepare(values, level, sample_live, rule)
    gains = row_gains(prepared) if even_out else None
    image = prepared.image if gains is None else balanced(prepared.image, *gains)
    if whole:
        dead_traces, report = prepared.dead_traces, prepared.report
    elif quick:
        dead_traces, report = np.zeros(volume.shape[1:], bool), prepared.report
    else:
        dead_traces, report = _dead_traces(volume, rule, live, step)
    gain, gain_level = gains or (None, 1.0)
    return ImageStatistics(prepared.scale, prepared.offset, rule, gain, gain_level, dead_traces, report), image


def sample_windows(shape: tuple[int, ...]) -> list[Window]:
    """The whole of a volume, or lines (in 2D runs of traces) spread evenly over it, MAX_SAMPLE samples at most."""
    if math.prod(shape) <= MAX_SAMPLE:
        return [tuple(slice(0, size) for size in shape)]
    run = RUN if len(shape) == 2 else 1
    line = math.prod(shape) // shape[1] * run
    count = max(1, min(MAX_SAMPLE // line, shape[1] // run))
    starts = (np.arange(count) * 2 + 1) * shape[1] // (2 * count) - run // 2
    rest = tuple(slice(0, size) for size in shape[2:])
    spans = [slice(max(int(start), 0), min(max(int(start), 0) + run, shape[1])) for start in starts]
    return [(slice(0, shape[0]), span, *rest) for span in spans]


def _dead_traces(
    volume: Volume, rule: Undefined, live: NDArray[np.bool_] | None, step: Callable[[int, int], None]
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """The dead traces of a whole volume, block by block, and what is reported."""
    dead = np.zeros(volume.shape[1:], dtype=bool)
    undefined, blocks = 0, list(_blocks(volume.shape))
    for number, window in enumerate(blocks, 1):
        values = volume.read(window)
        defined = ~rule.mask(values)
        dead[window[1:]] = constant_traces(values, defined)
        undefined += int(defined.size - defined.sum())
        step(number, len(blocks))
    if live is not None:
        dead |= ~live
    return dead, {"traces": dead.size, "dead_traces": int(dead.sum()), "not_finite_samples": undefined}


def _blocks(shape: tuple[int, ...]) -> Iterator[Window]:
    """Whole lines, or runs of traces of a 2D one, of about MAX_BLOCK samples each."""
    line = math.prod(shape) // shape[1]
    count = max(1, MAX_BLOCK // line)
    rest = tuple(slice(0, size) for size in shape[2:])
    for start in range(0, shape[1], count):
        yield (slice(0, shape[0]), slice(start, min(start + count, shape[1])), *rest)
