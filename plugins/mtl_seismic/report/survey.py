"""One pass through a result, window by window: figures of every field, spectra, residuals and orientations."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.report.opened import OpenResult
from mtl_seismic.report.orientations import THRESHOLD, Orientations, azimuths
from mtl_seismic.report.residual import Residual
from mtl_seismic.report.spectra import Spectrum
from mtlcore.io.volume import Volume, Window
from mtlcore.plugin.outputs import IMAGE

Array = NDArray[np.float32]

BUDGET = 2**25
"""Samples of each field that are looked at; of larger volumes, evenly spaced windows."""
BLOCK = 2**22
"""Samples of a window of a section."""
KEPT = 2**18
"""Samples of each field that percentiles are taken from."""


@dataclass
class Figures:
    """Of one field's live samples."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    lowest: float = np.inf
    highest: float = -np.inf
    kept: list[Array] = field(default_factory=list)

    def add(self, values: Array, windows: int) -> None:
        """``values``: one window's; ``windows``: how many there will be."""
        if not values.size:
            return
        double = values.astype(np.float64)
        self.count += values.size
        self.total += float(double.sum())
        self.squares += float((double**2).sum())
        self.lowest, self.highest = min(self.lowest, float(values.min())), max(self.highest, float(values.max()))
        self.kept.append(values[:: max(1, values.size * windows // KEPT)])

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else float("nan")

    @property
    def root_mean_square(self) -> float:
        return float(np.sqrt(self.squares / self.count)) if self.count else float("nan")

    def percentiles(self, *shares: float) -> list[float]:
        if not self.kept:
            return [float("nan")] * len(shares)
        return [float(value) for value in np.percentile(np.concatenate(self.kept), shares)]


@dataclass
class Survey:
    """What one pass found. Dictionaries by output name; ``part`` says in words how much was looked at."""

    part: str
    complete: bool
    figures: dict[str, Figures]
    spectra: dict[str, Spectrum]
    residuals: dict[str, Residual]
    orientations: dict[str, Orientations]


def survey(result: OpenResult, budget: int = BUDGET) -> Survey:
    """Look at a result, or at evenly spaced windows of it where it has more than ``budget`` samples."""
    geometry = result.geometry
    windows, part, complete = plan(result.image.shape, budget)
    amplitudes = [name for name, output in result.outputs.items() if output.amplitude]
    residuals = [residual_name(name) for name in amplitudes]
    axial = [name for name, output in result.outputs.items() if output.merge == "axial"]
    step = geometry.axes[0].step
    found = Survey(
        part,
        complete,
        {name: Figures() for name in result.volumes},
        {name: Spectrum(geometry.shape[0], step) for name in (IMAGE.name, *amplitudes, *residuals)},
        {name: Residual() for name in amplitudes},
        {name: Orientations(masked=result.outputs[name].display.mask in result.fields) for name in axial},
    )
    for window in windows:
        live = live_traces(result.image, window)
        values = {name: _traces(volume, window, live) for name, volume in result.volumes.items()}
        _add(found, result, values, len(windows))
    return found


def plan(shape: tuple[int, ...], budget: int = BUDGET) -> tuple[list[Window], str, bool]:
    """Windows over all of the depth axis: blocks of traces in 2D, inlines in 3D; what they are, and whether all."""
    size = max(1, BLOCK // shape[0]) if len(shape) == 2 else 1
    starts = np.arange(0, shape[1], size)
    samples = int(np.prod(shape)) // shape[1] * size
    count = min(len(starts), max(3, budget // samples))
    chosen = starts if count == len(starts) else starts[np.linspace(0, len(starts) - 1, count).round().astype(int)]
    others = tuple(slice(0, length) for length in shape[2:])
    windows = [
        (slice(0, shape[0]), slice(int(start), min(int(start) + size, shape[1])), *others)
        for start in np.unique(chosen)
    ]
    if count == len(starts):
        return windows, "all traces", True
    what = f"{count} of {shape[1]} inlines" if len(shape) == 3 else f"{count} blocks of {size} traces"
    return windows, f"{what}, evenly spaced", False


def live_traces(image: Volume, window: Window) -> NDArray[np.bool_]:
    """The traces of a window that exist, are finite and not constant, over its horizontal axes."""
    values = image.read(window)
    live = np.isfinite(values).all(axis=0) & (values.min(axis=0) < values.max(axis=0))
    if image.geometry.live is not None:
        live &= image.geometry.live[window[1:]]
    return np.asarray(live)


def _traces(volume: Volume, window: Window, live: NDArray[np.bool_]) -> Array:
    """Depth x live traces."""
    return np.asarray(np.nan_to_num(volume.read(window)[:, live], posinf=0.0, neginf=0.0))


def _add(found: Survey, result: OpenResult, values: dict[str, Array], windows: int) -> None:
    image = values[IMAGE.name]
    for name, traces in values.items():
        # An angle means something only where there is a fault.
        mask = result.outputs[name].display.mask if name in result.outputs else None
        samples = traces[values[mask] > THRESHOLD] if mask in values else traces.reshape(-1)
        found.figures[name].add(samples, windows)
    found.spectra[IMAGE.name].add(image)
    for name, residual in found.residuals.items():
        difference = image - values[name]
        found.spectra[name].add(values[name])
        found.spectra[residual_name(name)].add(difference)
        residual.add(image, values[name])
    for name, orientations in found.orientations.items():
        weights = values.get(result.outputs[name].display.mask or "")
        angles = azimuths(values[name], result.geometry) if is_strike(name) else values[name]
        orientations.add(angles, weights if weights is not None else np.ones_like(angles))


def residual_name(name: str) -> str:
    """What the image less this output is called among the spectra."""
    return f"{IMAGE.name} - {name}"


def is_strike(name: str) -> bool:
    """Whether an output is the strike of faults, which turns with the survey's axes."""
    from mtl_seismic.heads.fault import STRIKE

    return name == STRIKE
