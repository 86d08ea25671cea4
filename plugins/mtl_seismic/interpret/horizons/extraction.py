"""Horizons of a volume of relative geological time, line by line: the volume is never held as a whole.

A horizon is undefined (NaN)

- on dead traces: those that the geometry's live mask leaves out, and those where time is constant;
- where it leaves the volume: the trace does not reach its time, or begins below it;
- where it is cut: time jumps over it between two samples that are more than ``gap`` samples of their
  surroundings apart (see crossing.py). That is what an unconformity and a fault with missing section look
  like. On the labels of 8 synthetic sections (RGM) 0.07 to 5.3 % of the steps within three samples of a
  labelled fault exceed the default gap, and 0 to 0.9 % of the others, unconformities among them. Steps of all
  sizes occur, so no gap parts the two cleanly; the default was chosen on these sections. A network's
  time may be too smooth to be cut anywhere: then only the quality tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.horizons.crossing import Floats, as_traces, cross, without_dead
from mtl_seismic.interpret.horizons.quality import REACH, assess
from mtl_seismic.interpret.horizons.seeds import value_at
from mtlcore.errors import MtlError
from mtlcore.io.files import shape_text
from mtlcore.io.volume import ArrayVolume, Volume, Window

Array = NDArray[np.float32]
Field = Volume | NDArray[Any]

GAP = 3.0
"""Samples of section that may lie between two samples before a horizon between them is cut."""
CHUNK = 1 << 23
"""Samples of one field that are read at once."""


@dataclass(frozen=True, eq=False)
class Horizon:
    """A surface of equal relative geological time.

    ``depth``: in samples from the top of the volume, over the horizontal axes, NaN where undefined.
    ``quality``: 0 (bad) to 1 (good) in the same places (see quality.py). ``value``: its time. ``seed``:
    the position in samples, depth first, that it was asked for at, if it was.
    """

    name: str
    value: float
    depth: Array
    quality: Array
    seed: tuple[float, ...] | None = None

    @property
    def coverage(self) -> float:
        """Share of all traces on which it is defined."""
        return float(np.isfinite(self.depth).mean())


def extract_horizons(
    rgt: Field,
    values: Sequence[float] | None = None,
    seeds: Sequence[tuple[float, ...]] | None = None,
    *,
    image: Field | None = None,
    fault_probability: Field | None = None,
    names: Sequence[str] | None = None,
    gap: float = GAP,
    min_quality: float = 0.0,
    chunk: int = CHUNK,
) -> list[Horizon]:
    """Horizons at times (``values``) or through points (``seeds``), in the order asked for; none cross.

    ``rgt``: depth first, increasing with depth. ``seeds``: (depth, x) or (depth, inline, crossline) in
    samples; the depth may lie between samples. ``image`` and ``fault_probability``, of the same shape,
    serve the quality alone; picks of less than ``min_quality`` become undefined. MtlError where a seed
    lies outside the volume or on a dead trace, and where shapes differ.
    """
    time = as_volume(rgt)
    others = [None if field is None else as_volume(field) for field in (image, fault_probability)]
    check_shapes(time, *others)
    positions: list[tuple[float, ...] | None]
    if seeds is not None and values is None:
        positions = [tuple(map(float, seed)) for seed in seeds]
        times = np.array([value_at(time, seed) for seed in positions if seed], dtype=np.float64)
    elif values is not None and seeds is None:
        positions = [None] * len(values)
        times = np.array(values, dtype=np.float64)
    else:
        raise ValueError("give either values or seeds")
    if not np.isfinite(times).all():
        raise MtlError(f"Horizons need finite times: got {times.tolist()}.")
    depth = np.full((len(times), *time.shape[1:]), np.nan, np.float32)
    quality = depth.copy()
    for span in line_spans(time.shape, chunk, REACH):
        lines = slice(span.start - span.read.start, span.stop - span.read.start)
        part_depth, part_quality = _extract(time, others[0], others[1], times, span.read, gap)
        depth[:, span.start : span.stop] = part_depth[:, lines]
        quality[:, span.start : span.stop] = part_quality[:, lines]
    weak = ~(quality >= min_quality)
    depth[weak], quality[weak] = np.nan, np.nan
    names = names or default_names(len(times))
    return [Horizon(*each) for each in zip(names, times.tolist(), depth, quality, positions, strict=True)]


def _extract(
    time: Volume, image: Volume | None, fault: Volume | None, values: Floats, lines: slice, gap: float
) -> tuple[Floats, Floats]:
    """Depth and quality, (value, lines, ...)."""
    shape = (len(values), lines.stop - lines.start, *time.shape[2:])
    depth, steps = cross(read_traces(time, lines), values)
    depth[steps > gap] = np.nan
    read = [None if field is None else as_traces(field.read(line_window(field, lines))) for field in (image, fault)]
    quality = assess(depth, steps, read[0], read[1], shape[1:])
    return depth.reshape(shape), quality.reshape(shape)


@dataclass(frozen=True)
class Span:
    """Lines start..stop of axis 1, and those to read for them."""

    start: int
    stop: int
    read: slice


def line_spans(shape: tuple[int, ...], samples: int = CHUNK, reach: int = 0) -> Iterator[Span]:
    """Spans that cover axis 1 once, each of at most so many samples (but a line at least)."""
    per_line = shape[0] * (shape[2] if len(shape) == 3 else 1)
    step = max(1, samples // per_line)
    for start in range(0, shape[1], step):
        stop = min(start + step, shape[1])
        yield Span(start, stop, slice(max(start - reach, 0), min(stop + reach, shape[1])))


def line_window(volume: Volume, lines: slice) -> Window:
    """All samples of some lines."""
    return (slice(0, volume.shape[0]), lines, *(slice(0, size) for size in volume.shape[2:]))


def read_traces(time: Volume, lines: slice) -> Array:
    """Time of some lines as (trace, depth), NaN where it is unknown."""
    live = time.geometry.live
    return without_dead(as_traces(time.read(line_window(time, lines))), None if live is None else live[lines])


def as_volume(field: Field) -> Volume:
    """The volume itself, or one over an array."""
    return field if isinstance(field, Volume) else ArrayVolume(field)


def check_shapes(time: Volume, *others: Volume | None) -> None:
    """MtlError unless all have the shape of time, and that is one of a section or volume."""
    if time.shape[0] < 2:
        raise MtlError(f"Relative geological time of shape {shape_text(time.shape)} has no two samples along depth.")
    for other in others:
        if other is not None and other.shape != time.shape:
            raise MtlError(
                f"A field of shape {shape_text(other.shape)} does not fit time of shape {shape_text(time.shape)}."
            )


def default_names(count: int, prefix: str = "horizon") -> list[str]:
    """horizon_01, horizon_02, ...; a single one needs no number."""
    digits = max(2, len(str(count)))
    return [prefix] if count == 1 else [f"{prefix}_{number:0{digits}d}" for number in range(1, count + 1)]
