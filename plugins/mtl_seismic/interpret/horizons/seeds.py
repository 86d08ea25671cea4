"""Times to draw horizons at: those of seed points, and a number of them spread over the section."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.horizons.crossing import Floats, as_traces, sample, without_dead
from mtlcore.errors import MtlError
from mtlcore.io.volume import Axis, Geometry, Volume

NEAR = 0.01
"""Steps of an axis by which a line number may miss a line."""


@dataclass(frozen=True)
class Seed:
    """A point as users give it: IL,XL,Z in 3D, X,Z in 2D; and its horizon's name, if it has one."""

    numbers: tuple[float, ...]
    name: str | None = None

    def __str__(self) -> str:
        return ",".join(f"{number:g}" for number in self.numbers)


def read_seeds(path: Path) -> list[Seed]:
    """A text file of seeds: a line for each, numbers apart by blanks or commas, then a name or none; # comments."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MtlError(f"{path} cannot be read as text: {error}.") from None
    seeds = []
    for number, line in enumerate(lines, 1):
        words = re.split(r"[\s,;]+", line.partition("#")[0].strip())
        if words == [""]:
            continue
        figures = [word for word in words if _is_number(word)]
        if figures != words[: len(figures)] or len(words) - len(figures) > 1 or len(figures) not in (2, 3):
            raise MtlError(
                f"{path} line {number} is '{line.strip()}': expected IL XL Z (2D: X Z), and a name if you like."
            )
        seeds.append(Seed(tuple(map(float, figures)), words[-1] if len(words) > len(figures) else None))
    if not seeds:
        raise MtlError(f"{path} contains no seeds: expected lines like 'IL XL Z' (2D: X Z).")
    return seeds


def locate(seed: Seed, geometry: Geometry, in_samples: bool = False) -> tuple[float, ...]:
    """The seed's position in samples, depth first; MtlError where the volume does not hold it.

    In 3D its lines must exist; on a 2D line the nearest trace is taken.
    """
    axes = (*geometry.axes[1:], geometry.axes[0])
    if len(seed.numbers) != len(axes):
        form = "IL,XL,Z" if len(axes) == 3 else "X,Z"
        raise MtlError(f"Seed {seed} has {len(seed.numbers)} numbers: expected {form} in this {len(axes)}D result.")
    if not np.isfinite(seed.numbers).all():
        raise MtlError(f"Seed {seed} is not finite.")
    if in_samples:
        axes = tuple(Axis(axis.name, axis.size) for axis in axes)
    *lateral, depth = (_position(seed, number, axis) for number, axis in zip(seed.numbers, axes, strict=True))
    exact = NEAR if len(axes) == 3 else 0.5
    for position, axis in zip(lateral, axes, strict=False):
        if abs(position - round(position)) > exact:
            raise MtlError(f"Seed {seed}: there is no {axis.name} in between; {_described(axis)}.")
    return (depth, *(float(round(position)) for position in lateral))


def value_at(time: Volume, position: tuple[float, ...]) -> float:
    """Time at a position in samples, depth first, linear along the trace; MtlError where it has none."""
    inside = len(position) == time.ndim and all(
        0 <= place <= size - 1 for place, size in zip(position, time.shape, strict=True)
    )
    if not inside:
        raise MtlError(f"The seed {position} in samples, depth first, lies outside the volume of shape {time.shape}.")
    trace = tuple(round(place) for place in position[1:])
    value = sample(read_trace(time, trace), np.array([[position[0]]]))[0, 0]
    if np.isnan(value):
        raise MtlError(f"The seed at depth sample {position[0]:g} of trace {trace} lies on a dead trace or sample.")
    return float(value)


def read_trace(time: Volume, trace: tuple[int, ...]) -> NDArray[np.float32]:
    """One trace as (1, depth), NaN where it is dead."""
    window = (slice(0, time.shape[0]), *(slice(index, index + 1) for index in trace))
    live = time.geometry.live
    return without_dead(as_traces(time.read(window)), None if live is None else np.array([live[trace]]))


def reference_trace(time: Volume) -> tuple[int, ...]:
    """The live trace nearest to the middle."""
    lateral = time.shape[1:]
    live = time.geometry.live
    candidates = np.argwhere(np.ones(lateral, bool) if live is None else live)
    distance = ((candidates - (np.array(lateral) - 1) / 2) ** 2).sum(axis=1)
    for trace in candidates[np.argsort(distance, kind="stable")]:
        found = tuple(int(index) for index in trace)
        if not np.isnan(read_trace(time, found)).all():
            return found
    raise MtlError("All traces of the relative geological time are dead.")


def reference_curve(time: Volume, trace: tuple[int, ...] | None = None) -> Floats:
    """Time against depth on a reference trace, never decreasing."""
    curve = read_trace(time, trace or reference_trace(time))[0].astype(np.float64)
    if np.isnan(curve).all():
        raise MtlError(f"The reference trace {trace} is dead: choose another one.")
    curve = np.maximum.accumulate(np.where(np.isnan(curve), -np.inf, curve))
    return np.where(np.isinf(curve), curve[np.isfinite(curve)][0], curve)


def spread(curve: Floats, count: int) -> Floats:
    """So many times, equally spaced in depth on the reference trace and away from its ends."""
    depth = (np.arange(count) + 1) / (count + 1) * (len(curve) - 1)
    return np.interp(depth, np.arange(len(curve)), curve)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _position(seed: Seed, number: float, axis: Axis) -> float:
    """Samples along the axis, MtlError outside of it."""
    position = (number - axis.origin) / axis.step
    reach = NEAR if axis.size > 1 else 0.5
    if not -reach <= position <= axis.size - 1 + reach:
        raise MtlError(f"Seed {seed}: {axis.name} {number:g} is not in the volume; {_described(axis)}.")
    return min(max(position, 0.0), axis.size - 1.0)


def _described(axis: Axis) -> str:
    last = axis.origin + (axis.size - 1) * axis.step
    return f"{axis.name} goes from {axis.origin:g} to {last:g} by {axis.step:g} ({axis.unit})"
