"""What was taken out of an image, and whether reflectors went with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

BOX = (21, 11)
"""Samples along depth and across of the box in which similarity is judged."""


@dataclass
class Residual:
    """Sums over live samples of image i, output o and residual r = i - o."""

    count: int = 0
    image: float = 0.0
    output: float = 0.0
    square: float = 0.0
    total: float = 0.0
    with_image: float = 0.0
    with_output: float = 0.0
    largest: float = 0.0

    def add(self, image: Array, output: Array) -> None:
        """Arrays of one shape."""
        first, second = image.astype(np.float64), output.astype(np.float64)
        residual = first - second
        self.count += residual.size
        self.image += float((first**2).sum())
        self.output += float((second**2).sum())
        self.square += float((residual**2).sum())
        self.total += float(residual.sum())
        self.with_image += float((residual * first).sum())
        self.with_output += float((residual * second).sum())
        self.largest = max(self.largest, float(np.abs(residual).max(initial=0.0)))

    @property
    def root_mean_square(self) -> float:
        return float(np.sqrt(self.square / self.count)) if self.count else float("nan")

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else float("nan")

    @property
    def share(self) -> float:
        """Root mean square over that of the image."""
        return float(np.sqrt(self.square / self.image)) if self.image > 0 else float("nan")

    @property
    def correlation_with_image(self) -> float:
        """Noise alone gives ``share`` here: it is a part of the image too."""
        return _correlation(self.with_image, self.square, self.image)

    @property
    def correlation_with_output(self) -> float:
        """0 where nothing of the reflectors is left in the residual, and none was made stronger."""
        return _correlation(self.with_output, self.square, self.output)

    @property
    def signal_to_noise(self) -> float:
        """Power of the output over that of the residual, in decibels."""
        if not self.square or not self.output:
            return float("nan")
        return float(10 * np.log10(self.output / self.square))


def local_similarity(first: Array, second: Array, box: tuple[int, int] = BOX) -> Array:
    """Correlation, -1..1, of two sections (rows, columns) in a box about every sample; 0 where either is 0.

    The simplest form of the local orthogonality check of Chen and Fomel (2015, doi 10.1190/geo2014-0227.1).
    """
    one, other = first.astype(np.float64), second.astype(np.float64)
    product, left, right = (_box_sums(values, box) for values in (one * other, one**2, other**2))
    # Running sums leave rounding errors where there is nothing.
    left, right = (np.where(values > 1e-9 * values.max(initial=0.0), values, 0.0) for values in (left, right))
    size = np.sqrt(left * right)
    return np.divide(product, size, out=np.zeros_like(size), where=size > 0).clip(-1, 1).astype(np.float32)


def _box_sums(values: NDArray[np.float64], box: tuple[int, int]) -> NDArray[np.float64]:
    """Sums over a box about every sample, cut off at the edges."""
    for axis, width in enumerate(box):
        size = values.shape[axis]
        sums = np.concatenate([np.zeros_like(values.take([0], axis)), np.cumsum(values, axis)], axis)
        positions = np.arange(size)
        low, high = np.maximum(positions - width // 2, 0), np.minimum(positions + width // 2 + 1, size)
        values = sums.take(high, axis) - sums.take(low, axis)
    return values


def _correlation(product: float, first: float, second: float) -> float:
    return product / float(np.sqrt(first * second)) if first > 0 and second > 0 else float("nan")
