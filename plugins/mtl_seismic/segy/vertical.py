"""The vertical axis of a file: its interval, unit and first sample, as header words and text say or make plausible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.formats import coordinates
from mtl_seismic.segy import text, words
from mtl_seismic.segy.depth import LARGEST
from mtl_seismic.segy.domain import Statement, stated
from mtl_seismic.segy.layout import Layout
from mtl_seismic.segy.lines import chunks
from mtl_seismic.segy.options import Options
from mtl_seismic.segy.words import Word
from mtlcore.errors import MtlError
from mtlcore.io.volume import Axis

MAX_MILLISECONDS = 12
"""An interval word of up to so much is taken for ms (or m, ft): as microseconds it would be ultrasound."""
MAX_SECONDS = 0.1
"""A real-valued interval of up to so much is taken for seconds."""
LONG_RECORD, COARSE = 10_000.0, 10.0
"""In ms: a record as long and sampled as coarsely may be depth."""

Columns = Mapping[int, NDArray[Any]]


@dataclass(frozen=True)
class Vertical:
    """``evidence``: what the axis was told by, for ``mtl inspect``."""

    axis: Axis
    notes: tuple[str, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)


def vertical_axis(layout: Layout, columns: Columns, options: Options) -> Vertical:
    """The axis of all traces; MtlError where they start at different times."""
    notes: list[str] = []
    said = stated(text.decode(layout.text))
    step, step_by = _interval(layout, columns, options, said.unit in ("m", "ft", "depth"), notes)
    if not step:
        return Vertical(Axis("depth", layout.samples), tuple(notes), {"interval": step_by})
    unit, unit_by = _unit(layout, options, said, step, notes)
    origin = _first_sample(layout, columns, options)
    axis = Axis("time" if unit == "ms" else "depth", layout.samples, origin, step, unit)
    return Vertical(axis, tuple(notes), {"interval": step_by, "unit": unit_by})


def _unit(layout: Layout, options: Options, said: Statement, step: float, notes: list[str]) -> tuple[str, str]:
    """ms, m or ft, and what says so."""
    if options.unit:
        return options.unit, "format.unit"
    doubt = said.note
    if said.unit is None and not doubt and step >= COARSE and step * layout.samples >= LONG_RECORD:
        doubt = f"traces of {layout.samples} samples would be {step * layout.samples / 1000:g} s long"
    feet = words.MEASUREMENT_SYSTEM.get(layout.binary, layout.order) == 2
    unit = said.unit or "ms"
    by = f"text header: {said.card}" if said.unit else "no statement of depth: time"
    if unit == "depth":
        unit = "ft" if feet else "m"
        by += f"; {words.MEASUREMENT_SYSTEM}" if feet else ""
    if doubt:
        notes.append(
            f"{layout.path}: {doubt}; the vertical axis is read in {unit}. Set format.unit=ms|m|ft to be sure."
        )
    return unit, by


def _interval(layout: Layout, columns: Columns, options: Options, depth: bool, notes: list[str]) -> tuple[float, str]:
    """The sample interval in ms (or m, ft), 0 where the headers do not say, and the word that says it."""
    if options.interval:
        return options.interval, "format.interval"
    claims = _claims(layout, columns, notes)
    if not claims:
        notes.append(
            f"{layout.path}: {words.INTERVAL} are 0 and so are {words.TRACE_INTERVAL}: the vertical axis counts "
            "samples. Set format.interval=MS."
        )
        return 0.0, "none"
    said = [(word, *_in_thousandths(value, word, depth)) for word, value in claims]
    word, step, correction = said[0]
    if correction:
        notes.append(
            f"{layout.path}: {word} say {claims[0][1]:g}: {correction}. Set format.interval=MS if that is wrong."
        )
    # A 2-byte word at its largest stands for an interval that it cannot hold.
    for other, value, _ in (claim for claim in said[1:] if claim[1] != LARGEST):
        if abs(value - step) > 1 and abs(value - step) > 0.001 * step:
            notes.append(
                f"{layout.path}: {other} say {dict(claims)[other]:g}, but {word} say {claims[0][1]:g}, which is used. "
                "Set format.interval=MS if that is wrong."
            )
            break
    return step / 1000, str(word)


def _claims(layout: Layout, columns: Columns, notes: list[str]) -> list[tuple[Word, float]]:
    """The words that hold an interval, the one to trust first."""
    claims: list[tuple[Word, float]] = []
    if layout.revision >= 2:
        exact = float(words.LONG_INTERVAL.get(layout.binary, layout.order))
        if np.isfinite(exact) and 1e-6 < abs(exact) < 1e9:
            claims.append((words.LONG_INTERVAL, exact))
        elif exact != 0:
            notes.append(f"{layout.path}: {words.LONG_INTERVAL} hold {exact:g}, which is not an interval: not used.")
    steps = _once(columns[words.TRACE_INTERVAL.start])
    counts = np.zeros(LARGEST + 1, np.int64)
    for part in chunks(len(steps)):
        counts += np.bincount(steps[part], minlength=LARGEST + 1)
    counts[0] = 0
    if usual := int(counts.argmax()) if counts.any() else 0:
        claims.append((words.TRACE_INTERVAL, float(usual)))
    if (different := int(counts.sum() - counts[usual])) and usual:
        trace = int(np.flatnonzero((steps != usual) & (steps != 0))[0])
        notes.append(
            f"{layout.path}: trace {trace + 1} has {steps[trace]} in {words.TRACE_INTERVAL}, and {different} traces "
            f"do not have the {usual} of the others, which is used for all."
        )
    if general := words.INTERVAL.get(layout.binary, layout.order):
        claims.append((words.INTERVAL, float(general)))
    return claims


def _in_thousandths(value: float, word: Word, depth: bool) -> tuple[float, str]:
    """An interval in microseconds (or thousandths of m, ft), and what was corrected: a sign, or another unit."""
    correction = ""
    turned = 65536 - value
    if value < 0 or (
        word.size == 2 and value >= 32768 and value % 125 and (turned % 125 == 0 or 1 < turned <= MAX_MILLISECONDS)
    ):
        value, correction = (-value if value < 0 else 65536 - value), "negative, its sign is dropped"
    if value <= MAX_SECONDS and not depth:
        return value * 1e6, f"{correction}{', and ' if correction else ''}read as {value:g} s"
    if value <= MAX_MILLISECONDS or (depth and value <= 100):
        unit = "of a unit" if depth else "ms"
        correction = f"{correction}{', and ' if correction else ''}read as {value:g} {unit}"
        value *= 1000
    return value, correction


def _once(values: NDArray[Any]) -> NDArray[Any]:
    """A column, or its first value where that is the only one."""
    return values[:1] if values.strides == (0,) else values


def _first_sample(layout: Layout, columns: Columns, options: Options) -> float:
    """The time of the first sample; MtlError where traces start at different times."""
    if options.delay is not None:
        return options.delay
    delays = _once(columns[words.DELAY.start])
    scalars = _once(columns[words.TIME_SCALAR.start])
    # Before revision 1 these bytes meant nothing.
    scale = coordinates.factors(scalars) if layout.revision >= 1 else np.ones(1)
    scaled = delays * scale
    # The same number can be written in several ways.
    other = np.flatnonzero(np.abs(scaled - scaled[0]) > 1e-6)
    if other.size:
        raise MtlError(
            f"{layout.path}: {words.DELAY} are {scaled[0]:g} at trace 1 and {scaled[other[0]]:g} at trace "
            f"{other[0] + 1}: traces that start at different times are not read. Shift them, or set format.delay=MS."
        )
    return round(float(scaled[0]), 6)
