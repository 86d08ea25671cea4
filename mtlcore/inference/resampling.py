"""Fields on other samplings of their axes: finer or coarser, each axis by its own factor.

Samples are cells of one extent: resampled ones cover what those before covered. What is not resampled is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.plugin.outputs import Output

Array = NDArray[np.float32]
CHUNK = 2**22
"""Samples worked on at once: spectra take many times the memory of what they are of."""
UNKNOWN = Output("")
"""What no task declares."""


def resample_fields(
    outputs: Mapping[str, Output], fields: Mapping[str, Array], shape: Sequence[int]
) -> dict[str, Array]:
    """Fields of one volume (depth, ...), by output name, on ``shape`` samples of the same extent.

    Amplitudes are resampled by their spectrum along each axis, without aliases; angles are those of the nearest
    sample; others lie on lines between samples, or are the greatest of the samples that become one, where the output
    says so (``coarsened``): then its angles are those of that sample. Each output's ``stretch`` follows.
    """
    if not fields:
        return {}
    factors = tuple(new / old for new, old in zip(shape, next(iter(fields.values())).shape, strict=True))
    resampled = dict(fields)
    for axis, size in enumerate(shape):
        resampled = _along(axis, size, outputs, resampled)
    return {
        name: values if fields[name].shape == tuple(shape) else _by_rule(outputs.get(name), values, factors, resampled)
        for name, values in resampled.items()
    }


def resample(output: Output, values: Array, shape: Sequence[int]) -> Array:
    """The values of one output (depth, ...) on ``shape`` samples (see resample_fields)."""
    return resample_fields({output.name: output}, {output.name: values}, shape)[output.name]


def _by_rule(output: Output | None, values: Array, factors: tuple[float, ...], fields: Mapping[str, Array]) -> Array:
    if output is None or output.stretch is None:
        return values
    return np.asarray(output.stretch(values, factors, fields), dtype=np.float32)


def _along(axis: int, size: int, outputs: Mapping[str, Output], fields: Mapping[str, Array]) -> dict[str, Array]:
    """All fields with ``size`` samples along one axis."""
    found = {}
    for name, values in fields.items():
        output = outputs.get(name, UNKNOWN)
        old = values.shape[axis]
        mask = fields.get(output.display.mask or "")
        if old == size:
            found[name] = values
        elif output.merge == "axial" and mask is not None and size < old and _is_maximum(outputs, output.display.mask):
            found[name] = _chosen(values, _greatest(mask, size, axis), axis)
        elif output.merge == "axial":
            found[name] = resample_nearest(values, size, axis)
        elif output.coarsened == "maximum" and size < old:
            found[name] = _chosen(values, _greatest(values, size, axis), axis)
        elif output.amplitude and float(values.min()) < 0:
            found[name] = resample_waves(values, size, axis)
        else:
            between = resample_smooth(values, size, axis)
            # Beyond the outermost samples a line may leave the values that it has; an output's rule sees to it.
            limits = values.min(axis, keepdims=True), values.max(axis, keepdims=True)
            found[name] = between if output.stretch else between.clip(*limits)
    return found


def _is_maximum(outputs: Mapping[str, Output], name: str | None) -> bool:
    return name is not None and name in outputs and outputs[name].coarsened == "maximum"


def _greatest(values: Array, size: int, axis: int) -> NDArray[np.intp]:
    """Where the greatest of the samples lies whose centres are in each of ``size`` cells along an axis."""
    old = values.shape[axis]
    moved = np.moveaxis(values, axis, 0)
    # The middle of a cell first: of equal samples it is taken.
    first = np.ceil(np.arange(size) * (old / size) - 0.5).astype(np.intp)
    last = np.append(first[1:], old)
    best = np.clip(np.floor((np.arange(size) + 0.5) * (old / size)), 0, old - 1).astype(np.intp)
    where = np.broadcast_to(best.reshape(-1, *[1] * (moved.ndim - 1)), (size, *moved.shape[1:])).copy()
    highest = moved[best]
    for step in range(int((last - first).max())):
        at = np.minimum(first + step, last - 1)
        higher = moved[at] > highest
        highest = np.where(higher, moved[at], highest)
        where = np.where(higher, at.reshape(-1, *[1] * (moved.ndim - 1)), where)
    return np.moveaxis(where, 0, axis)


def _chosen(values: Array, where: NDArray[np.intp], axis: int) -> Array:
    return np.asarray(np.take_along_axis(values, where, axis))


def resample_waves(values: Array, size: int, axis: int = 0) -> Array:
    """Amplitudes on ``size`` samples along an axis, by their spectrum; mirrored at both ends, nothing wraps around."""
    return _in_chunks(_waves, values, size, axis)


def _waves(values: Array, size: int) -> Array:
    count = values.shape[0]
    spectrum = np.fft.rfft(np.concatenate([values, values[::-1]]), axis=0)
    # Samples are cells: their centres move by half the difference of the cells' sizes.
    frequency = np.arange(len(spectrum)) / (2 * count)
    shift = 0.5 * count / size - 0.5
    phase = np.exp(2j * np.pi * frequency * shift).reshape(-1, *[1] * (values.ndim - 1))
    kept = np.zeros((size + 1, *values.shape[1:]), dtype=complex)
    length = min(len(spectrum), size + 1)
    kept[:length] = (spectrum * phase)[:length]
    return np.asarray(np.fft.irfft(kept, 2 * size, axis=0)[:size] * (size / count), dtype=np.float32)


def resample_smooth(values: Array, size: int, axis: int = 0) -> Array:
    """Fields without a sign, as probabilities and times, along an axis: between samples, and on beyond, linearly."""
    return _in_chunks(_smooth, values, size, axis)


def _smooth(values: Array, size: int) -> Array:
    if values.shape[0] == 1:
        return np.repeat(values, size, axis=0)
    place = (np.arange(size) + 0.5) * values.shape[0] / size - 0.5
    upper = np.clip(np.floor(place), 0, values.shape[0] - 2).astype(np.intp)
    part = (place - upper).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((1 - part) * values[upper] + part * values[upper + 1], dtype=np.float32)


def resample_nearest(values: NDArray[Any], size: int, axis: int = 0) -> NDArray[Any]:
    """Angles, or flags, on ``size`` samples along an axis: of the nearest sample."""
    nearest = np.floor((np.arange(size) + 0.5) * values.shape[axis] / size).astype(np.intp)
    return np.asarray(values.take(np.clip(nearest, 0, values.shape[axis] - 1), axis))


def _in_chunks(function: Callable[[Array, int], Array], values: Array, size: int, axis: int) -> Array:
    """A function of an array's first axis along any other, on parts of the array that take little memory."""
    shape = (*values.shape[:axis], size, *values.shape[axis + 1 :])
    result = np.empty(shape, dtype=np.float32)
    across = 1 if axis == 0 else 0
    step = max(CHUNK * values.shape[across] // max(values.size, result.size, 1), 1)
    for start in range(0, values.shape[across], step):
        part = (slice(None),) * across + (slice(start, start + step),)
        result[part] = np.moveaxis(function(np.moveaxis(values[part], axis, 0), size), 0, axis)
    return result
