"""What methods without learning reach on the items of quality.py, in the same figures.

    python tests/benchmarks/baselines.py [ITEMS [RECIPE]]

DHR: the image itself; f-x deconvolution (Canales 1984, SEG Expanded Abstracts) followed by the filter that fits
best in the mean of 30 other items. Fault: 1 - semblance along the reflectors' slopes (Marfurt et al. 1998,
Geophysics 63), the largest along each row, thresholded where 30 other items say. RGT: depth itself; the integrated
slopes of the structure tensor; warping of every trace to the central one (Hale 2013, Geophysics 78).
Last figures, 100 items of rgm2d: see the card of the packaged model.
"""

from __future__ import annotations

import sys

import numpy as np
from arguments import ONE_ROW
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter1d, uniform_filter

from mtl_seismic.heads.flattening import increasing, integrate_slopes, stretch
from mtl_seismic.heads.metrics import horizon_depth_error, precision_recall, signal_to_noise
from mtl_seismic.synth.source import Synthetic

Array = NDArray[np.float32]
SHAPE = (360, 256)
ORDER, WINDOW, STEP = 5, 64, 32
LAG = 60


def fx_deconvolution(image: Array) -> Array:
    """Every frequency predicted along traces, forwards and backwards, in overlapping windows of traces."""
    spectrum = np.fft.rfft(image, axis=0)
    total, weight = np.zeros_like(spectrum), np.zeros(image.shape[1])
    taper = np.hanning(WINDOW + 2)[1:-1]
    for start in range(0, image.shape[1] - WINDOW + 1, STEP):
        part = spectrum[:, start : start + WINDOW]
        predicted = 0.5 * (_predicted(part) + _predicted(part[:, ::-1])[:, ::-1])
        total[:, start : start + WINDOW] += predicted * taper
        weight[start : start + WINDOW] += taper
    return np.fft.irfft(total / np.maximum(weight, 1e-6), image.shape[0], axis=0).astype(np.float32)


def _predicted(part: NDArray[np.complex128]) -> NDArray[np.complex128]:
    found = part.copy()
    for row, line in enumerate(part):
        past = np.stack([line[ORDER - lag - 1 : len(line) - lag - 1] for lag in range(ORDER)], 1)
        normal = past.conj().T @ past
        normal += 0.01 * np.trace(normal).real / ORDER * np.eye(ORDER) + 1e-12 * np.eye(ORDER)
        found[row, ORDER:] = past @ np.linalg.solve(normal, past.conj().T @ line[ORDER:])
    return found


def slopes(image: Array) -> tuple[Array, Array]:
    """Samples per trace, and how clear they are, by the structure tensor (van Vliet and Verbeek 1995)."""
    down, along = np.gradient(gaussian_filter(image, 1.0))
    zz, xx, zx = (gaussian_filter(product, 4.0) for product in (down * down, along * along, down * along))
    angle = 0.5 * np.arctan2(2 * zx, zz - xx)
    clear = np.hypot(zz - xx, 2 * zx) / np.maximum(zz + xx, 1e-12)
    return np.clip(-np.tan(angle), -4, 4).astype(np.float32), (clear + 1e-3).astype(np.float32)


def discontinuity(image: Array) -> Array:
    """1 - semblance of 5 traces along the slopes, over 9 samples; only the largest within 5 traces remains."""
    slope, _ = slopes(image)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    beside = [map_coordinates(image, [rows + k * slope, columns + k], order=1, mode="nearest") for k in range(-2, 3)]
    traces = np.stack(beside)
    energy = uniform_filter(traces.sum(0) ** 2, (9, 1))
    semblance = energy / np.maximum(len(traces) * uniform_filter((traces**2).sum(0), (9, 1)), 1e-12)
    smooth = gaussian_filter(1 - semblance, (4, 1))
    return np.where(smooth >= maximum_filter1d(smooth, 5, axis=1), smooth, 0).astype(np.float32)


def warped_time(image: Array) -> Array:
    """Time by the lags that warp the central trace to every other, by dynamic programming, smoothed."""
    middle = image[:, image.shape[1] // 2]
    padded = np.pad(middle, LAG, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * LAG + 1)
    error = (windows[:, :, None] - image[:, None, :]) ** 2  # row, lag, trace
    cost = np.empty_like(error)
    cost[0] = error[0]
    for row in range(1, len(error)):
        before = np.pad(cost[row - 1], ((1, 1), (0, 0)), constant_values=np.inf)
        cost[row] = error[row] + np.minimum(before[1:-1], np.minimum(before[:-2], before[2:]))
    lags = np.empty(image.shape, np.intp)
    lags[-1] = cost[-1].argmin(0)
    every = np.arange(image.shape[1])
    for row in range(len(error) - 2, -1, -1):
        near = np.clip(lags[row + 1] + np.array([[-1], [0], [1]]), 0, 2 * LAG)
        lags[row] = near[cost[row, near, every].argmin(0), every]
    depth = np.arange(len(image))[:, None] + gaussian_filter((lags - LAG).astype(np.float32), (2, 2))
    return stretch(increasing(depth.astype(np.float32)))


def main(count: int, recipe: str) -> None:
    """Fit what is to be fitted on other items, then print the means."""
    others = Synthetic(seed=77, validation_items=30, shape=SHAPE, recipe=ONE_ROW).open(recipe, "valid", ())
    product, power = (np.zeros(SHAPE[0] // 2 + 1, dtype) for dtype in (complex, float))
    scores: dict[float, list[float]] = {float(level): [] for level in np.arange(0.05, 0.6, 0.05)}
    for item in (others[index] for index in range(len(others))):
        clean, wanted = (np.fft.rfft(values, axis=0) for values in (fx_deconvolution(item["image"]), item["dhr"]))
        product += (wanted * clean.conj()).sum(1)
        power += (np.abs(clean) ** 2).sum(1)
        found = discontinuity(item["image"])
        for level, score in scores.items():
            score.append(precision_recall((found > level).astype(np.float32), item["fault_probability"], 2)[2])
    threshold = max(scores, key=lambda level: float(np.mean(scores[level])))
    items = Synthetic(seed=4242, validation_items=count, shape=SHAPE, recipe=ONE_ROW).open(recipe, "valid", ())
    figures: dict[str, list[float]] = {}
    for item in (items[index] for index in range(count)):
        image, truth = item["image"], item["rgt"]
        clean = np.fft.rfft(fx_deconvolution(image), axis=0) * (product / power)[:, None]
        slope, clear = slopes(image)
        times = {
            "depth": np.broadcast_to(np.linspace(0, 1, len(image), dtype=np.float32)[:, None], image.shape),
            "slope integration": integrate_slopes(slope[None], clear, 0.02),
            "warping": warped_time(image),
        }
        row = {
            "dhr snr, image": signal_to_noise(image, item["dhr"]),
            "dhr snr, f-x": signal_to_noise(np.fft.irfft(clean, len(image), axis=0), item["dhr"]),
            "fault f1_2, semblance": precision_recall(
                (discontinuity(image) > threshold).astype(np.float32), item["fault_probability"], 2
            )[2],
        }
        for name, time in times.items():
            found = horizon_depth_error(time, truth)
            row |= {f"rgt mean, {name}": found["mean"], f"rgt within 2, {name}": found["within_2"]}
        for name, value in row.items():
            figures.setdefault(name, []).append(value)
    print(f"{recipe}, {count} items; fault threshold {threshold:.2f}")
    for name, values in figures.items():
        print(f"{name:36}{np.nanmean(values):10.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, sys.argv[2] if len(sys.argv) > 2 else "rgm2d")
