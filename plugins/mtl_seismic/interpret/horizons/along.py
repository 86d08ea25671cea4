"""A field along a horizon: its value there, or a statistic of the samples around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.horizons.crossing import as_traces, sample
from mtl_seismic.interpret.horizons.extraction import CHUNK, line_spans, line_window
from mtlcore.errors import OptionError, suggestion
from mtlcore.io.volume import Volume

Floats = NDArray[np.float64]

STATISTICS: dict[str, Callable[[Floats], Floats]] = {
    "value": lambda window: window[len(window) // 2],
    "mean": lambda window: window.mean(axis=0),
    "rms": lambda window: np.sqrt(np.square(window).mean(axis=0)),
    "maximum": lambda window: window.max(axis=0),
    "minimum": lambda window: window.min(axis=0),
}
"""Of the samples of a window, (sample, trace)."""


def sample_along(
    field: Volume, depth: NDArray[np.float32], statistic: str = "value", half_window: int = 0, chunk: int = CHUNK
) -> NDArray[np.float32]:
    """A field along depths (in samples, over the horizontal axes), linear between samples; NaN where undefined.

    ``statistic``: of the samples from ``half_window`` above to as many below the horizon; NaN where these do not
    all lie in the volume. Lines are read in spans: the volume is never held as a whole.
    """
    if statistic not in STATISTICS:
        raise OptionError(
            f"Unknown statistic '{statistic}'. {suggestion(statistic, STATISTICS)}Known: {', '.join(STATISTICS)}."
        )
    offsets = np.arange(-half_window, half_window + 1)[:, None] if statistic != "value" else np.zeros((1, 1))
    found = np.full(depth.shape, np.nan, np.float32)
    live = field.geometry.live
    for span in line_spans(field.shape, chunk):
        traces = as_traces(field.read(line_window(field, span.read)))
        at = depth[span.read].reshape(-1).astype(np.float64)
        values = STATISTICS[statistic](sample(traces, at + offsets))
        found[span.read] = values.reshape(found[span.read].shape)
    if live is not None:
        found[~live] = np.nan
    return found
