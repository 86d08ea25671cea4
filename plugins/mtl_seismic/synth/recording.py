"""What recording and processing do to an image: a wavelet that changes with depth, coherent noise, gain, mutes."""

from collections.abc import Sequence

import numpy as np

from mtl_seismic.stochastic.draws import Array, raw_noise, rescale, white
from mtl_seismic.stochastic.smoothing import along_axis, smooth
from mtl_seismic.synth.field_draws import Acquisition, Event
from mtl_seismic.synth.reflectors import sample_log

_FREQUENCIES = np.arange(0.03, 2.6, 0.05)  # relative to the peak frequency
_REACH = 2.5  # periods on either side at which wavelets end


def halo(acquisition: Acquisition) -> int:
    """Return how many rows beyond the image its wavelets need, in samples."""
    return int(np.ceil(_REACH / 2 * acquisition.period * (1 + acquisition.period_growth)))


def imaging_matrix(acquisition: Acquisition, size: int, resolution: float, phase: float) -> Array:
    """Return the matrix from reflectivity to `size` rows of image, float32 (size, size + 2 halo - 1).

    Reflectivity lies midway between samples, from half a sample below row -halo on. `resolution` multiplies the peak
    frequency, which falls with depth; `phase` is in degrees.
    """
    row = np.arange(size)[:, None]
    period = acquisition.period * (1 + acquisition.period_growth * row / size) / resolution
    beyond = halo(acquisition)
    # Only the band of columns within reach of a row's wavelet is worked out.
    widest = max(beyond, int(np.ceil(_REACH * period.max())))
    lag = np.arange(-widest, widest) + 0.5  # of reflectivity behind the row
    times = np.linspace(-_REACH, _REACH, 501)
    step = float(times[1] - times[0])
    values = wavelet(acquisition, times, phase, 0.45 * acquisition.period / resolution)
    band = sample_log(values, ((_REACH - lag / period) / step).astype(np.float32))
    padded = np.zeros((size, size + 2 * widest - 1), np.float32)
    padded[row, row + np.arange(2 * widest)] = band
    outside = widest - beyond
    return np.ascontiguousarray(padded[:, outside : padded.shape[1] - outside])


def wavelet(acquisition: Acquisition, times: Array, phase: float, highest: float) -> Array:
    """Evaluate the wavelet at times in periods; `highest` is the highest frequency, relative to the peak."""
    relative = np.exp(np.log(_FREQUENCIES) / acquisition.bandwidth)
    spectrum = relative**2 * np.exp(1 - relative**2)
    if acquisition.spectrum == "flat":
        spectrum = np.interp(relative, [0.2, 0.6, 1.4, 2.0], [0, 1, 1, 0])
    spectrum *= np.clip(1 + 4 * (highest - _FREQUENCIES) / highest, 0, 1) * (highest >= _FREQUENCIES)
    waves = np.cos(2 * np.pi * _FREQUENCIES[:, None] * times + np.radians(phase))
    taper = np.cos(np.pi / 2 * np.clip(times / _REACH, -1, 1)) ** 2
    values: Array = spectrum @ waves * taper / spectrum.sum()
    return values


def with_noise(acquisition: Acquisition, signal: Array, matrix: Array, rng: np.random.Generator) -> Array:
    """Add random and coherent noise at their levels relative to the rms of the signal."""
    level = _rms(signal)
    before = (matrix.shape[1], *signal.shape[1:])
    lateral = [0.0, *[acquisition.noise_smoothing] * (signal.ndim - 1)]
    shaped = along_axis(matrix, smooth(raw_noise(rng, before), lateral), 0)
    full = white(rng, signal.shape)
    noise = _scaled(shaped, 1 - acquisition.full_band_share) + _scaled(full, acquisition.full_band_share)
    result = signal + _scaled(noise, acquisition.random_noise * level)
    if acquisition.events:
        coherent = along_axis(matrix, _drawn_events(acquisition.events, before, halo(acquisition)), 0)
        result += _scaled(coherent, acquisition.coherent_noise * level)
    return result


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values), dtype=np.float64)))


def _scaled(values: Array, level: float) -> Array:
    return values * np.float32(level / max(_rms(values), 1e-12))


def _drawn_events(events: Sequence[Event], shape: tuple[int, ...], above: int) -> Array:
    """Return reflectivity with a line along every event, shared between the two rows it runs between."""
    grid = np.ogrid[*map(slice, shape[1:])]
    columns = int(np.prod(shape[1:]))
    drawn = np.zeros(shape[0] * columns, np.float32)
    for event in events:
        depth, amplitude = (np.broadcast_to(values, shape[1:]).ravel() for values in _course(event, grid))
        column = np.flatnonzero((amplitude != 0) & (depth > -above) & (depth < shape[0] - 1 - above))
        depth, amplitude = depth.take(column) + above, amplitude.take(column)
        row = depth.astype(np.intp)
        upper, part = row * columns + column, (depth - row) * amplitude
        drawn[upper] += amplitude - part
        drawn[upper + columns] += part
    return drawn.reshape(shape)


def _course(event: Event, grid: Sequence[Array]) -> tuple[Array, Array]:
    """Return an event's depth and amplitude over the lateral axes."""
    offsets = [(axis - at) * event.spacing for axis, at in zip(grid, event.at[1:], strict=True)]
    squared = sum((offset**2 for offset in offsets[1:]), offsets[0] ** 2)
    planes = [offset * slope for offset, slope in zip(offsets, event.slope, strict=True)]
    depth = event.at[0] + sum(planes[1:], planes[0])
    if event.radius > 0:
        depth = depth - event.radius + np.sqrt(np.maximum(event.radius**2 - squared, 0))
    amplitude: Array = event.amplitude * np.maximum(1 - squared / event.half_width**2, 0)
    return depth, amplitude


def processed(acquisition: Acquisition, image: Array, rng: np.random.Generator) -> Array:
    """Apply footprint, gain and top mute to an image (depth, x2[, x3])."""
    lateral = image.shape[1:]
    trend = smooth(white(rng, lateral), max(lateral) / 5)
    gain = np.exp(rescale(trend, -acquisition.lateral_gain, acquisition.lateral_gain))
    down = np.linspace(-0.5, 0.5, image.shape[0], dtype=np.float32).reshape(-1, *[1] * len(lateral))
    result = image * np.exp(acquisition.gain * down) * gain
    if acquisition.footprint > 0:
        result *= 1 + np.exp(-3 * (down + 0.5)) * _stripes(acquisition, lateral)
    if acquisition.mute_depth > 0:
        result *= _mute(acquisition, image.shape)
    processed: Array = result.astype(np.float32)
    return processed


def _stripes(acquisition: Acquisition, lateral: Sequence[int]) -> Array:
    waves = [
        np.cos(2 * np.pi * axis / length)
        for axis, length in zip(np.ogrid[*map(slice, lateral)], acquisition.footprint_wavelength, strict=True)
    ]
    stripes: Array = acquisition.footprint * (waves[0] if len(waves) == 1 else (waves[0] + waves[1]) / 2)
    return stripes.astype(np.float32)


def _mute(acquisition: Acquisition, shape: Sequence[int]) -> Array:
    rows, columns, *_ = np.ogrid[*map(slice, shape)]
    edge = acquisition.mute_depth + acquisition.mute_slope * (columns - shape[1] / 2)
    return np.clip((rows - edge) / 4, 0, 1).astype(np.float32)
