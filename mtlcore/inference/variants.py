"""Copies of an image that say the same: mirrored along a horizontal axis, or of opposite polarity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtlcore.io.volume import Window
from mtlcore.model.model import Model
from mtlcore.plugin.outputs import IMAGE

Array = NDArray[np.float32]


class Variant(NamedTuple):
    """One copy; its own inverse."""

    axis: int | None = None
    opposite: bool = False

    def applied(self, model: Model, name: str, values: Array) -> Array:
        """The array of an output, or of the image, in the copy."""
        if self.axis is not None:
            values = mirror(model, name, values, self.axis)
        turns = name == IMAGE.name or any(output.name == name and output.follows_polarity for output in model.outputs)
        return -values if self.opposite and turns else values

    def window(self, window: Window, shape: tuple[int, ...]) -> Window:
        """Where a window of the volume lies in the copy, or the reverse."""
        if self.axis is None:
            return window
        part, size = window[self.axis], shape[self.axis]
        return (*window[: self.axis], slice(size - part.stop, size - part.start), *window[self.axis + 1 :])


PLAIN = Variant()


def variants(ndim: int, mirrored: bool, uncertainty: bool) -> list[Variant]:
    """The volume as it is, mirrored copies where they are averaged, and more to see how much they differ."""
    axes: list[int | None] = [None, *range(1, ndim)]
    if uncertainty:
        return [Variant(axis, opposite) for opposite in (False, True) for axis in axes]
    return [Variant(axis) for axis in axes] if mirrored else [PLAIN]


def mirror(model: Model, name: str, values: Array, axis: int) -> Array:
    """An output's array of the mirrored volume."""
    flipped = np.ascontiguousarray(np.flip(values, axis))
    rule = next((output.mirror for output in model.outputs if output.name == name), None)
    return flipped if rule is None else np.asarray(rule(flipped, axis, model.ndim), dtype=np.float32)
