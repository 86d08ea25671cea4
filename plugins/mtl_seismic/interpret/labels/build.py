"""From an image and its interpretation to a data set in the reference's layout: what ``mtl labels`` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.datasets.reference import Split, write_item
from mtl_seismic.interpret.labels.faults import FaultPoints, fault_labels, points_on
from mtl_seismic.interpret.labels.horizons import ordered, time_labels
from mtl_seismic.interpret.labels.sections import interpreted, split, thinned
from mtlcore.errors import MtlError
from mtlcore.io import folders
from mtlcore.io.atomic import atomic_write_text
from mtlcore.io.volume import Volume, Window
from mtlcore.plugin.plugins import Plugins

Floats = NDArray[np.float64]
Array = NDArray[np.float32]
SLAB = 2**22
"""Samples whose distances from faults are computed at once."""


@dataclass(frozen=True, eq=False)
class Interpretation:
    """``faults``: by name, the sticks of each (N x d, in samples). ``horizons``: by name, depths in samples over the
    horizontal axes, NaN where nobody picked."""

    faults: dict[str, list[Floats]] = field(default_factory=dict)
    horizons: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelOptions:
    """``corridor``: samples around what was interpreted that are labelled. ``thickness``: of a fault, in samples.
    ``complete``: no fault was left out on the sections. ``direction``: of the sections of a volume, or ``volume``
    for the whole as one item. ``most``: sections at most. ``valid``: share of them that is kept for validation."""

    corridor: float = 12.0
    thickness: float = 3.0
    complete: bool = False
    direction: Literal["auto", "inline", "crossline", "volume"] = "auto"
    most: int = 64
    valid: float = 0.2


def write_labels(
    image: Volume,
    found: Interpretation,
    folder: Path,
    options: LabelOptions,
    plugins: Plugins,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Write the data set; what dataset.json says of it.

    Items are the interpreted sections of a volume, a whole volume, or a 2D line. Labels are NaN where nobody
    looked. MtlError where there is nothing to learn from.
    """
    if not found.faults and not found.horizons:
        raise MtlError("There is nothing to make labels of: expected horizons, fault sticks, or picks of mtl view.")
    order = ordered(list(found.horizons.values()), list(found.horizons))
    grids = [list(found.horizons.values())[number] for number in order]
    points = points_on(list(found.faults.values())) if found.faults else None
    items, direction = _items(image, found, grids, options)
    folder = folders.claim(folder)
    shares: dict[str, list[float]] = {}
    for split_name, sections in items.items():
        for number, section in enumerate(sections):
            item = _item(image, points, grids, section, direction, options)
            write_item(folder, split_name, number, item, plugins.outputs)
            for name, values in item.items():
                shares.setdefault(name, []).append(float(np.isfinite(values).mean()))
    axis = {"inline": 1, "crossline": 2}.get(direction)
    shape = tuple(size for number, size in enumerate(image.shape) if number != axis)
    if items["train"] == items["valid"]:
        say("There is one item alone: it is validated on what it is trained on, and the figures say little.")
    content = {
        "layout": "reference",
        "shape": list(shape),
        "items": {name: len(sections) for name, sections in items.items()},
        "direction": direction,
        "sections": {name: _lines(image, axis, sections) for name, sections in items.items()} if axis else {},
        "faults": list(found.faults),
        "horizons": [list(found.horizons)[number] for number in order],
        "labelled": {name: round(float(np.mean(each)), 4) for name, each in shares.items() if name != "image"},
        "options": vars(options),
    }
    atomic_write_text(folder / "dataset.json", json.dumps(content, indent=1) + "\n")
    return content


def _lines(image: Volume, axis: int, sections: Sequence[int | None]) -> list[float]:
    """Sections in the file's own numbers."""
    along = image.geometry.axes[axis]
    return [along.origin + section * along.step for section in sections if section is not None]


def _items(
    image: Volume, found: Interpretation, grids: Sequence[Floats], options: LabelOptions
) -> tuple[dict[Split, list[int | None]], str]:
    """The sections of both splits, and their direction; None stands for the whole image."""
    if image.ndim == 2 or options.direction == "volume":
        return {"train": [None], "valid": [None]}, "volume" if image.ndim == 3 else "line"
    sticks = [stick for each in found.faults.values() for stick in each]
    wanted = ("inline", "crossline") if options.direction == "auto" else (options.direction,)
    by_axis = {name: interpreted(image.shape, sticks, grids, 1 + (name == "crossline")) for name in wanted}
    drawn = {name: len(interpreted(image.shape, sticks, (), 1 + (name == "crossline"))) for name in wanted}
    # Sticks were drawn on their sections; a horizon may have been tracked over all of them.
    direction = max(by_axis, key=lambda name: (drawn[name], len(by_axis[name])))
    sections = by_axis[direction]
    if not sections:
        raise MtlError(
            f"No {' or '.join(wanted)} has a stick on it or horizon picks on half of its traces: "
            "add --as volume for labels of the whole volume."
        )
    train, valid = split(thinned(sections, options.most), options.valid)
    return {"train": list(train), "valid": list(valid)}, direction


def _item(
    image: Volume,
    points: FaultPoints | None,
    grids: Sequence[Floats],
    section: int | None,
    direction: str,
    options: LabelOptions,
) -> dict[str, Array]:
    """Image and labels of a section, or of the whole."""
    window: Window = tuple(slice(0, size) for size in image.shape)
    axis = {"inline": 1, "crossline": 2}.get(direction)
    kept = tuple(number for number in range(image.ndim) if number != axis)
    if axis is not None and section is not None:
        window = tuple(slice(section, section + 1) if number == axis else part for number, part in enumerate(window))
    shape = tuple(image.shape[number] for number in kept)
    values = image.read(window).reshape(shape)
    item = {"image": np.where(np.isfinite(values), values, 0).astype(np.float32)}
    if points is not None:
        item |= _fault_item(points, window, shape, kept, options)
    if grids:
        cut = [grid[window[1:]].reshape(shape[1:]) for grid in grids]
        present = [grid for grid in cut if np.isfinite(grid).any()]
        item["rgt"] = (
            time_labels(present, shape[0], options.corridor) if present else np.full(shape, np.nan, np.float32)
        )
    return _without_dead(item, image, window, shape)


def _without_dead(item: dict[str, Array], image: Volume, window: Window, shape: tuple[int, ...]) -> dict[str, Array]:
    """Nothing is known of dead traces."""
    if image.geometry.live is not None:
        dead = ~image.geometry.live[window[1:]].reshape(shape[1:])
        for name, values in item.items():
            values[:, dead] = 0 if name == "image" else np.nan
    return item


def _fault_item(
    points: FaultPoints, window: Window, shape: tuple[int, ...], kept: tuple[int, ...], options: LabelOptions
) -> dict[str, Array]:
    """Slab by slab of depth: positions and distances of a whole volume would be many times its size."""
    found: dict[str, list[Array]] = {}
    for rows in _slabs(window):
        part = (slice(*rows), *window[1:])
        mesh = np.meshgrid(*(np.arange(s.start, s.stop, dtype=np.float64) for s in part), indexing="ij")
        positions = np.stack([axis.ravel() for axis in mesh], axis=1)
        labels = fault_labels(points, positions, options.thickness, options.corridor, options.complete, kept)
        for name, values in labels.items():
            found.setdefault(name, []).append(values.reshape(rows[1] - rows[0], *shape[1:]))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _slabs(window: Window) -> Iterator[tuple[int, int]]:
    per_row = int(np.prod([part.stop - part.start for part in window[1:]]))
    step = max(1, SLAB // per_row)
    for start in range(window[0].start, window[0].stop, step):
        yield start, min(start + step, window[0].stop)
