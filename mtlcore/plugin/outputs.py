"""The one description of a predicted array that all other parts follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Display:
    """How an output is drawn.

    ``kind``: ``image`` fills the panel, ``overlay`` lies over the seismic image where ``mask`` (another
    output, a probability) is above one half or, without a mask, where its own value is; ``contours`` are
    lines of equal value over the seismic image.
    """

    kind: Literal["image", "overlay", "contours"] = "image"
    colormap: str = "gray"
    limits: tuple[float, float] | None = None
    mask: str | None = None


@dataclass(frozen=True)
class Output:
    """Everything that other parts need to know of a predicted array, so that none of them names a task.

    ``mirror(values, axis, ndim)`` gives the values of a volume that has been mirrored along ``axis``
    (the flip itself is done elsewhere); None leaves them as they are. It takes arrays and tensors.
    ``stretch(values, factors, fields)`` gives the values where each axis, depth first, is sampled ``factors`` times
    more finely; ``fields`` are all those of the volume that are there, by name, before their rules. None: as before.
    ``coarsened``: of samples that become one its value lies between them, or is the ``maximum``, which thin lines
    survive.
    ``merge`` says how several predictions of one sample combine: ``axial`` angles are the same at 0 and 180.
    ``alias`` and ``alias_unit`` are the name in the reference's data sets and the value there of one unit here.
    """

    name: str
    description: str = ""
    unit: str = "1"
    range: tuple[float, float] | None = None
    ndims: tuple[int, ...] = (2, 3)
    amplitude: bool = False
    """The values are amplitudes: they scale with the input image."""
    odd: bool = False
    """The values are no amplitudes, but change their sign with the image's polarity, as relative impedance does.

    One that depends on polarity in another way is trained with ``augment.polarity = 0``.
    """
    mirror: Callable[[Any, int, int], Any] | None = None
    stretch: Callable[[Any, Sequence[float], Mapping[str, Any]], Any] | None = None
    coarsened: Literal["mean", "maximum"] = "mean"
    merge: Literal["mean", "axial"] = "mean"
    spread_unit: str | None = None
    """Unit of the spread over variants (see Task.spread); None: the output's own."""
    alias: str | None = None
    alias_unit: float = 1.0
    display: Display = field(default_factory=Display)

    @property
    def follows_polarity(self) -> bool:
        """Whether the values change their sign with the image."""
        return self.amplitude or self.odd


IMAGE = Output("image", "the seismic image", unit="amplitude", amplitude=True)
