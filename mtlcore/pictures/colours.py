"""Limits, colour maps, opacities and colour bars: from an output's Display to colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError, suggestion
from mtlcore.pictures.layout import Array
from mtlcore.plugin.outputs import Output

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

Limits = tuple[float, float]

INK, FAINT = "#222222", "#777777"
TICK_SIZE = 7.5
BACKGROUND = 0.6
"""Opacity of the image where something lies over it, and of overlays whose mask is missing."""


def amplitude_limits(image: NDArray[Any]) -> Limits:
    """Symmetric about 0; one sample in 200 is beyond. Of a large image every few samples are looked at."""
    step = max(1, round((image.size / 1e6) ** 0.5))
    size = np.abs(image[::step, ::step].astype(np.float32))
    # A few spikes in an image of zeros; then an image of zeros.
    top = float(np.percentile(size, 99.5)) or float(size.max()) or 1.0
    return -top, top


def limits_of(output: Output, image: Limits, values: Array) -> Limits:
    """The output's own limits, else the image's for amplitudes of both signs, else its range, else what there is.

    Of what there is, one sample in 200 may be beyond: a few extremes would hide all others.
    """
    if output.display.limits is not None:
        return output.display.limits
    if output.amplitude and float(values.min()) < 0:
        return image
    if output.range is not None:
        return output.range
    lowest, highest = float(values.min()), float(np.percentile(values, 99.5)) or float(values.max())
    return (lowest, highest) if highest > lowest else (lowest - 0.5, highest + 0.5)


def colour_map(output: Output) -> Colormap:
    from matplotlib import colormaps

    name = output.display.colormap
    if name not in colormaps:
        raise MtlError(
            f"Output '{output.name}' asks for the colour map '{name}', which matplotlib does not have. "
            f"{suggestion(name, list(colormaps))}Change its Display."
        )
    return colormaps[name]


def opacity_of(output: Output, values: Array, limits: Limits, mask: Array | None) -> Array:
    """How much an overlay covers the image, sample by sample."""
    if mask is not None:
        return np.asarray(mask > 0.5, dtype=np.float32)
    if output.display.mask is not None:
        return np.full_like(values, BACKGROUND)  # its mask is not there: it may mean something anywhere
    return _scaled(values, limits)


def coloured(values: Array, opacity: Array, limits: Limits, colours: Colormap) -> Array:
    """Rows x columns x RGBA."""
    rgba = np.asarray(colours(_scaled(values, limits)), dtype=np.float32)
    rgba[..., 3] = opacity
    return rgba


def _scaled(values: Array, limits: Limits) -> Array:
    """0..1 between the limits."""
    return np.asarray(np.clip((values - limits[0]) / (limits[1] - limits[0]), 0, 1), dtype=np.float32)


def draw_bar(axes: Axes, height: float, output: Output, limits: Limits, colours: Colormap, unmasked: bool) -> None:
    """Colours from the lower to the upper limit, with numbers on the right; ``height`` in inches."""
    values = np.linspace(*limits, 256, dtype=np.float32)[:, None]
    faded = output.display.kind == "overlay" and unmasked
    opacity = opacity_of(output, values, limits, None) if faded else np.ones_like(values)
    axes.imshow(
        coloured(values, opacity, limits, colours),
        extent=(0, 1, *limits),
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
    )
    axes.set(xticks=[], yticks=_bar_ticks(output, limits, height))
    degrees = "°" if output.unit == "degree" else ""
    axes.set_yticklabels([number(tick) + degrees for tick in axes.get_yticks()])
    axes.yaxis.tick_right()
    style_frame(axes)


def _bar_ticks(output: Output, limits: Limits, height: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    if output.merge == "axial":
        return [float(tick) for tick in np.linspace(*limits, 5)]
    ticks = MaxNLocator(max(2, min(5, round(height / 0.4))), steps=[1, 2, 2.5, 5, 10]).tick_values(*limits)
    margin = 1e-6 * (limits[1] - limits[0])
    return [float(tick) for tick in ticks if limits[0] - margin <= tick <= limits[1] + margin]


def number(value: float, digits: int = 6) -> str:
    """As short as it can be, with a true minus sign."""
    return f"{value:.{digits}g}".replace("-", "−")


def style_frame(axes: Axes) -> None:
    """Thin, quiet frame and ticks."""
    axes.tick_params(labelsize=TICK_SIZE, length=2, width=0.6, pad=2, color=FAINT, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color=FAINT)
