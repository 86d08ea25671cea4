"""What an image is like, in a few numbers: is it like those that a network was trained on?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.inference.resampling import resample
from mtlcore.plugin.interfaces import Items
from mtlcore.plugin.outputs import IMAGE

Array = NDArray[np.float32]
Numbers = NDArray[np.floating[Any]]
Ranges = dict[str, tuple[float, float]]
SECTION = (1024, 512)
"""Rows and traces at most that are looked at, of the middle of a section; of a volume two sections are."""
ITEMS = 64
"""Training items at most from which the ranges are found."""
SLACK = 0.25
"""Of a range: numbers so far beyond it are still within."""


@dataclass(frozen=True)
class Descriptor:
    """One number. ``text``: what it says, with its unit, for users."""

    name: str
    text: str


DESCRIPTORS = (
    Descriptor("centroid", "mean frequency along depth, of the Nyquist frequency"),
    Descriptor("bandwidth", "highest frequency within 10 dB of the peak, of the Nyquist frequency"),
    Descriptor("noise", "share of the energy that neighbouring traces do not have in common"),
    Descriptor("slope", "slope of reflectors that one sample in ten exceeds, in samples per trace"),
    Descriptor("correlation", "traces apart at which traces correlate by less than one half"),
    Descriptor("kurtosis", "kurtosis of amplitudes"),
)


def describe_image(image: Array, factors: Sequence[float] | None = None, whole: bool = True) -> dict[str, float]:
    """The numbers of an image (depth, ...), of any amplitude; without those that it is too small or empty for.

    ``factors``: how many times more finely each axis is to be sampled first. ``whole``: the second axis of a volume is
    as it is, and not a choice of lines.
    """
    sections = _sections(image, factors or (1.0,) * image.ndim, whole)
    parts = [_numbers(section) for section in sections if min(section.shape) >= 16 and np.ptp(section) > 0]
    found = {name: [part[name] for part in parts if np.isfinite(part[name])] for name in parts[0]} if parts else {}
    return {name: float(np.mean(values)) for name, values in found.items() if values}


def typical_ranges(items: Items) -> Ranges:
    """From and to of each number over training items, the 2nd and 98th percentile of some of them."""
    count = min(len(items), ITEMS)
    images = (items[index * len(items) // count][IMAGE.name] for index in range(count))
    numbers = [describe_image(np.nan_to_num(image, posinf=0, neginf=0)) for image in images]
    found = {}
    for descriptor in DESCRIPTORS:
        values = [one[descriptor.name] for one in numbers if descriptor.name in one]
        if values:
            found[descriptor.name] = (float(np.quantile(values, 0.02)), float(np.quantile(values, 0.98)))
    return found


def widened(ranges: Ranges, other: Ranges) -> Ranges:
    """Ranges that hold two."""
    found = {**other, **ranges}
    for name in ranges.keys() & other.keys():
        found[name] = (min(ranges[name][0], other[name][0]), max(ranges[name][1], other[name][1]))
    return found


def unlike(numbers: Mapping[str, float], ranges: Ranges) -> list[str]:
    """A line for each number of an image that is outside the training's range: what it is, and what is known."""
    lines = []
    for descriptor in DESCRIPTORS:
        value, known = numbers.get(descriptor.name), ranges.get(descriptor.name)
        if value is None or known is None:
            continue
        slack = SLACK * (known[1] - known[0])
        if not known[0] - slack <= value <= known[1] + slack:
            lines.append(f"{descriptor.text}: {value:.2g} (trained on {known[0]:.2g} to {known[1]:.2g})")
    return lines


def _sections(image: Array, factors: Sequence[float], whole: bool) -> list[Numbers]:
    """The middle of a section, or of the middle sections of a volume along its horizontal axes, sampled anew."""
    middle = [size // 2 for size in image.shape]
    if image.ndim == 2:
        chosen = [(image, tuple(factors))]
    else:
        across, along = (image[:, middle[1]], (factors[0], factors[2])), (image[:, :, middle[2]], tuple(factors[:2]))
        chosen = [across, along] if whole else [across]
    return [_sampled(_middle(section), each) for section, each in chosen]


def _sampled(section: Array, factors: tuple[float, ...]) -> Numbers:
    shape = tuple(max(round(size * factor), 2) for size, factor in zip(section.shape, factors, strict=True))
    return (resample(IMAGE, section, shape) if shape != section.shape else section).astype(np.float64)


def _middle(section: NDArray[Any]) -> NDArray[Any]:
    starts = [max(length - most, 0) // 2 for length, most in zip(section.shape, SECTION, strict=True)]
    return section[starts[0] : starts[0] + SECTION[0], starts[1] : starts[1] + SECTION[1]]


def _numbers(section: Numbers) -> dict[str, float]:
    section = section / max(float(np.sqrt(np.mean(section**2))), 1e-300)
    frequency, spectrum = _spectrum(section)
    power = spectrum**2
    return {
        "centroid": float((frequency * power).sum() / power.sum()),
        "bandwidth": float(frequency[spectrum >= spectrum.max() * 10**-0.5][-1]),
        "noise": _noise(section),
        "slope": _slope(section),
        "correlation": _correlation(section),
        "kurtosis": float(np.mean((section - section.mean()) ** 4) / max(float(section.var()) ** 2, 1e-300)),
    }


def _spectrum(section: Numbers) -> tuple[Numbers, Numbers]:
    """Frequencies, of the Nyquist frequency, and the mean amplitude spectrum."""
    window = np.hanning(len(section) + 2)[1:-1, None]
    spectrum = np.abs(np.fft.rfft((section - section.mean(0)) * window, axis=0)).mean(1)
    return 2 * np.fft.rfftfreq(len(section)), spectrum


def _noise(section: Numbers, reach: int = 3, window: int = 32) -> float:
    """What is left of a trace when its neighbour, shifted as fits best in each window, is taken away: half of it."""
    rows = min(window, len(section) - 2 * reach)
    shares = []
    for start in range(reach, len(section) - reach - rows + 1, rows):
        one = section[start : start + rows, :-1]
        best = np.full(one.shape[1], -1.0)
        for shift in range(-reach, reach + 1):
            other = section[start + shift : start + shift + rows, 1:]
            energy = np.sqrt((one**2).sum(0) * (other**2).sum(0))
            best = np.maximum(best, (one * other).sum(0) / np.maximum(energy, 1e-12))
        shares.append(np.clip(1 - best, 0, 1))
    return float(np.median(np.concatenate(shares))) if shares else float("nan")


def _slope(section: Numbers, width: int = 5) -> float:
    """From the structure tensor, where it is clear (as in van Vliet and Verbeek 1995)."""
    down, along = np.gradient(_blurred(section, 3))
    zz, xx, zx = (_blurred(part, width) for part in (down * down, along * along, down * along))
    size = np.hypot(zz - xx, 2 * zx)
    clear = (size > 0.5 * (zz + xx)) & (zz + xx > np.median(zz + xx) / 4)
    angle = 0.5 * np.arctan2(2 * zx, zz - xx)
    # Steeper reflectors than 80 degrees in samples are noise along traces.
    slope = np.abs(np.tan(angle[clear & (np.abs(angle) < 1.4)]))
    return float(np.quantile(slope, 0.9)) if slope.size else float("nan")


def _blurred(values: NDArray[Any], width: int) -> NDArray[Any]:
    """The mean over squares of ``width`` samples, twice: a triangle along each axis."""
    weights = np.convolve(np.ones(width), np.ones(width)) / width**2
    half = len(weights) // 2
    for axis in (0, 1):
        padded = np.pad(values, [(half, half) if at == axis else (0, 0) for at in (0, 1)], mode="edge")
        size = values.shape[axis]
        values = np.sum([weight * padded.take(range(k, k + size), axis) for k, weight in enumerate(weights)], axis=0)
    return values


def _correlation(section: Numbers) -> float:
    """Distance in traces, between whole ones by lines; the section's width where correlation never falls so far."""
    traces = section.shape[1]
    energy = float((section**2).mean())
    before = 1.0
    for lag in range(1, traces // 2):
        now = float((section[:, :-lag] * section[:, lag:]).mean()) / max(energy, 1e-300)
        if now < 0.5:
            return lag - 1 + (before - 0.5) / max(before - now, 1e-12)
        before = now
    return float(traces)
