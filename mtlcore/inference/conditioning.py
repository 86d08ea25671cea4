"""An image as a network sees it, and fields back in the image's amplitudes and samples, whole traces at a time.

On the way in: undefined samples 0, normalised, dead traces filled from live ones, evened out along depth, resampled.
On the way out the reverse. Every window is the same as its part of the whole, wherever it is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.inference.amplitude import GREATEST, balanced, normalised
from mtlcore.inference.dead_traces import fill_window
from mtlcore.inference.resampling import resample, resample_fields, resample_nearest
from mtlcore.inference.statistics import ImageStatistics
from mtlcore.io.volume import Volume, Window
from mtlcore.plugin.outputs import IMAGE, Output

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Conditioning:
    """``volume``: the image; ``shape``: of what the network sees, (depth, ...); ``level``: the root mean square that
    it is normalised to."""

    volume: Volume
    statistics: ImageStatistics
    shape: tuple[int, ...]
    level: float

    @property
    def needs_whole(self) -> bool:
        """Whether horizontal axes are resampled, which takes whole lines: then no window is made without the rest."""
        return self.shape[1:] != self.volume.shape[1:]

    @property
    def height(self) -> int:
        """Rows of the image itself."""
        return self.volume.shape[0]

    def image(self, lateral: Window) -> Array:
        """The network's image over a window of its horizontal axes."""
        if self.needs_whole:
            return np.asarray(self._whole_image[(slice(None), *lateral)])
        return resample(IMAGE, self._own_image(lateral), (self.shape[0], *_sizes(lateral)))

    def dead(self, lateral: Window) -> NDArray[np.bool_]:
        """Where nothing was recorded, over a window of the image's own samples."""
        traces = self.statistics.dead_traces[lateral]
        if self.statistics.has_undefined_samples:
            return np.asarray(self.statistics.undefined.mask(self._raw(lateral)) | traces)
        return np.broadcast_to(traces, (self.height, *traces.shape))

    def seen_dead(self, lateral: Window) -> NDArray[np.bool_]:
        """Where nothing was recorded, over a window of what the network sees."""
        if self.needs_whole:
            return np.asarray(self._whole_dead[(slice(None), *lateral)])
        return np.asarray(_nearest(self.dead(lateral), (self.shape[0], *_sizes(lateral))))

    @cached_property
    def seen_dead_traces(self) -> NDArray[np.bool_]:
        """The dead traces among those that the network sees."""
        return np.asarray(_nearest(self.statistics.dead_traces[None], (1, *self.shape[1:]))[0])

    def filled(self, values: Array, lateral: Window, read: Callable[[Window], Array]) -> Array:
        """A field that the network reads, with dead traces filled as the image's are; ``read`` gives other windows."""
        return fill_window(values, self.seen_dead_traces, lateral, read)

    def given(self, outputs: Mapping[str, Output], fields: Mapping[str, Volume], lateral: Window) -> dict[str, Array]:
        """Fields of an earlier run as the network reads them, over a window of what it sees; 0 where unknown."""
        own = self._own_window(lateral)
        found = {name: self._known(outputs[name], field, own) for name, field in fields.items()}
        resampled = resample_fields(outputs, found, (self.shape[0], *self._seen_sizes(lateral)))
        return (
            {name: values[(slice(None), *lateral)] for name, values in resampled.items()}
            if (self.needs_whole)
            else resampled
        )

    def restored(
        self, outputs: Mapping[str, Output], fields: Mapping[str, Array], lateral: Window, spreads: frozenset[str]
    ) -> dict[str, Array]:
        """Fields that the network saw, over a window of the image: in its samples and amplitudes, 0 where it is dead.

        ``spreads``: names of those that no offset is added to. Where a whole is needed, ``lateral`` is all.
        """
        whole = resample_fields(outputs, fields, (self.height, *_sizes(lateral)))
        dead = self.dead(lateral)
        return {
            name: self._in_amplitudes(outputs[name], settled(outputs[name], values, dead), dead, name not in spreads)
            for name, values in whole.items()
        }

    def _in_amplitudes(self, output: Output, values: Array, dead: NDArray[np.bool_], offset: bool) -> Array:
        if not output.amplitude:
            return values
        greatest = np.finfo(np.float32).max
        restored = values * np.float64(self.statistics.scale) * self._gain
        if offset and self.statistics.offset:
            restored[~dead] += self.statistics.offset
        return np.asarray(np.clip(restored, -greatest, greatest), dtype=np.float32)

    def _known(self, output: Output, field: Volume, lateral: Window) -> Array:
        values: NDArray[Any] = field.read((slice(0, self.height), *lateral))
        if output.amplitude:
            values = (values.astype(np.float64) - self.statistics.offset) / self.statistics.scale / self._gain
        return np.where(np.isfinite(values) & ~self.dead(lateral), values, 0).astype(np.float32)

    @property
    def _gain(self) -> Array | float:
        """What amplitudes of each row were divided by."""
        if self.statistics.gain is None:
            return 1.0
        return np.asarray(self.statistics.gain / np.float32(self.statistics.gain_level))

    def _own_window(self, lateral: Window) -> Window:
        """The image's window that one of what the network sees is made of."""
        return whole_window(self.volume.shape)[1:] if self.needs_whole else lateral

    def _seen_sizes(self, lateral: Window) -> tuple[int, ...]:
        return self.shape[1:] if self.needs_whole else _sizes(lateral)

    @cached_property
    def _whole_image(self) -> Array:
        return resample(IMAGE, self._own_image(whole_window(self.volume.shape)[1:]), self.shape)

    @cached_property
    def _whole_dead(self) -> NDArray[np.bool_]:
        return _nearest(self.dead(whole_window(self.volume.shape)[1:]), self.shape)

    def _own_image(self, lateral: Window) -> Array:
        """Normalised, filled and evened out, on the image's own samples."""
        values = fill_window(self._normalised(lateral), self.statistics.dead_traces, lateral, self._normalised)
        if self.statistics.gain is not None:
            values = balanced(values, self.statistics.gain, self.statistics.gain_level)
        return values

    def _raw(self, lateral: Window) -> NDArray[Any]:
        values: NDArray[Any] = self.volume.read((slice(0, self.height), *lateral))
        return values if np.issubdtype(values.dtype, np.floating) else values.astype(np.float64)

    def _normalised(self, lateral: Window) -> Array:
        """Amplitudes over a window of the image's own samples, not yet filled; 0 where dead."""
        values = self._raw(lateral)
        dead = self.statistics.undefined.mask(values) | self.statistics.dead_traces[lateral]
        return normalised(values, dead, self.statistics.scale, self.statistics.offset, GREATEST * self.level)


def settled(output: Output, values: Array, dead: NDArray[np.bool_]) -> Array:
    """An output within its range, and 0 where the data are dead."""
    if output.range is not None:
        values = np.clip(values, *output.range)
    return np.where(dead, np.float32(0), values)


def scaled(output: Output, values: Array, factor: float) -> Array:
    """An output's values where amplitudes are ``factor`` times larger."""
    return np.asarray(values * factor, dtype=np.float32) if output.amplitude and factor != 1 else values


def whole_window(shape: tuple[int, ...]) -> Window:
    """The window of all samples."""
    return tuple(slice(0, size) for size in shape)


def check_fields(shape: tuple[int, ...], fields: Mapping[str, Volume]) -> None:
    """MtlError where a field of an earlier run has another shape than the image."""
    for name, field in fields.items():
        if field.shape != shape:
            raise MtlError(
                f"The field '{name}' has the shape {field.shape}, and the image {shape}: give fields of the same image."
            )


def _sizes(lateral: Window) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in lateral)


def _nearest(flags: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    for axis, size in enumerate(shape):
        if flags.shape[axis] != size:
            flags = resample_nearest(flags, size, axis)
    return flags
