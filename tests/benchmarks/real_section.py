"""Figures without labels of a result: do its fields agree with the image and with each other?

    python tests/benchmarks/real_section.py RESULT...

RESULT: folders of mtl run on 2D sections. Printed for each: the angle between the gradient of geological time and the
normal of the image's reflectors (structure tensor; median, in degrees of samples), the share of samples where time does
not increase, the highest frequency at which DHR and image are within 10 dB of their peaks (of the Nyquist frequency),
the correlation of image - DHR with the image, and how much more often horizons jump on faults than off them.
Last figures, a real marine section of 256x1024, packaged models of both stages: 3.3 degrees, time never decreases, DHR
0.69 and image 0.61 of Nyquist, correlation 0.49, horizons jump on 7.9 % of fault samples and on 0.7 % of others.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mtlcore.plugin.plugins import current
from mtlcore.run.results import open_fields, open_image

Array = NDArray[np.float64]


def reflector_angles(image: Array, sigma: float = 2.0) -> tuple[Array, Array]:
    """Direction of the image's normals, radians from the depth axis, and how clear it is (0..1)."""
    down, along = np.gradient(gaussian_filter(image, 1.0))
    zz, xx, zx = (gaussian_filter(product, sigma) for product in (down * down, along * along, down * along))
    anisotropy = np.hypot(zz - xx, 2 * zx) / np.maximum(zz + xx, 1e-30)
    return np.asarray(0.5 * np.arctan2(2 * zx, zz - xx)), np.asarray(anisotropy)


def time_angles(time: Array) -> Array:
    """Direction of the gradient of time, radians from the depth axis."""
    down, along = np.gradient(gaussian_filter(time, 1.0))
    return np.asarray(np.arctan2(along, np.maximum(down, 1e-12)))


def bandwidth(image: Array) -> float:
    """The highest frequency, of the Nyquist frequency, within 10 dB of the spectrum's peak."""
    spectrum = np.abs(np.fft.rfft(image * np.hanning(len(image))[:, None], axis=0)).mean(1)
    return float(np.flatnonzero(spectrum >= spectrum.max() * 10**-0.5)[-1] / (len(spectrum) - 1))


def jumps(time: Array) -> Array:
    """How far a horizon jumps to the next trace, in samples, beyond its slope nearby."""
    rate = np.maximum(np.gradient(gaussian_filter(time, (3, 0)), axis=0), 0.2 / len(time))
    step = np.gradient(time, axis=1) / rate
    return np.asarray(np.abs(step - np.median(step)))


def describe(folder: Path) -> dict[str, float]:
    """All figures of one result."""
    plugins = current()
    image = open_image(folder, plugins).load().astype(np.float64)
    fields = {name: volume.load().astype(np.float64) for name, volume in open_fields(folder, plugins).items()}
    found = {"image bandwidth": bandwidth(image)} | agreement(fields, image)
    if "rgt" in fields:
        found["time not increasing"] = float((np.diff(fields["rgt"], axis=0) <= 0).mean())
    if "dhr" in fields:
        residual = image - fields["dhr"]
        found["DHR bandwidth"] = bandwidth(fields["dhr"])
        found["residual's correlation"] = float(np.corrcoef(residual.ravel(), image.ravel())[0, 1])
    return found


def agreement(fields: Mapping[str, Array], image: Array) -> dict[str, float]:
    """Whether time follows the reflectors of an image, and where horizons jump."""
    found = {}
    if "rgt" in fields:
        normals, clear = reflector_angles(image)
        apart = np.abs(np.rad2deg(time_angles(fields["rgt"]) - normals)) % 180
        apart = np.minimum(apart, 180 - apart)
        found["angle of time and reflectors"] = float(np.median(apart[clear > 0.7]))
    if {"rgt", "fault_probability"} <= fields.keys():
        jump, fault = jumps(fields["rgt"]) > 2, fields["fault_probability"] > 0.5
        found["jumps on faults"] = float(jump[fault].mean()) if fault.any() else float("nan")
        found["jumps elsewhere"] = float(jump[~fault].mean())
    return found


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name)
        for figure, value in describe(Path(name)).items():
            print(f"  {figure:32}{value:8.3f}")
