"""From reflectivity to an image: convolution with a point-spread function, separable in depth and space."""

from collections.abc import Callable, Sequence

import numpy as np

from mtl_seismic.stochastic.draws import Array
from mtl_seismic.stochastic.smoothing import along_axis

SAMPLE_INTERVAL = 0.001  # s
_TAPER = 12.0  # samples; RGM's sigma along depth

WAVELETS: dict[str, Callable[[Array, Array], Array]] = {
    "ricker": lambda a, t: (1 - 2 * a) * np.exp(-a),
    "ricker_deriv": lambda a, t: (2 * a - 3) * np.exp(-a) * t,
    "gaussian_deriv": lambda a, t: -t * np.exp(-a),
}


def wavelet(name: str, frequency: float, lag: Array) -> Array:
    """Evaluate RGM's wavelet of `frequency` Hz (peak) at lags in samples of 1 ms, tapered, of unit peak."""
    time = np.arange(-100, 101) * SAMPLE_INTERVAL / 4
    peak = float(np.abs(WAVELETS[name]((np.pi * frequency * time) ** 2, time)).max())
    time = lag * SAMPLE_INTERVAL
    values: Array = WAVELETS[name]((np.pi * frequency * time) ** 2, time) / peak
    return values * np.exp(-((lag / _TAPER) ** 2) / 2)


def lags(size: int, shift: float = 0.0) -> Array:
    """Return the (size, size) lags of every output sample behind every input sample."""
    position = np.arange(size, dtype=np.float32)
    return position[:, None] - position + np.float32(shift)


def image(reflectivity: Array, name: str, frequency: float, blur: Sequence[float], shifted: bool = False) -> Array:
    """Convolve reflectivity (depth, x2[, x3]) with a wavelet in depth and Gaussians of `blur` samples.

    Nothing enters from outside the array. `shifted` moves the image by half a sample towards smaller
    coordinates, as in RGM; a blur of 0 then averages two neighbours instead of none.
    """
    shift = 0.5 if shifted else 0.0
    result = along_axis(wavelet(name, frequency, lags(reflectivity.shape[0], shift)), reflectivity, 0)
    for axis, sigma in enumerate(blur, start=1):
        if sigma > 0 or shifted:
            result = along_axis(_blur(lags(reflectivity.shape[axis], shift), sigma), result, axis)
    return result


def _blur(lag: Array, sigma: float) -> Array:
    return np.exp(-((lag / sigma) ** 2) / 2) if sigma > 0 else (np.abs(lag) < 1).astype(np.float32)


def normalised(values: Array, rms: float) -> Array:
    """Scale values to a root-mean-square amplitude (all zero stays so)."""
    present = float(np.sqrt(np.mean(np.square(values), dtype=np.float64)))
    return values * np.float32(rms / present if present > 0 else 0.0)
