"""Plain columns, apart by tabs: what OpendTect exports, and every program reads with some choices.

The default is OpendTect's ``X Y IL XL Z`` with a quality column and its one-line header. ``columns`` x, y, z
without a header is a general XYZ file (Petrel); inline, crossline, x, y, z is IJXYZ (OpenWorks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mtl_seismic.interpret.horizons.exports.surface import Surface, write_lines
from mtlcore.errors import OptionError, suggestion

TITLES = {"x": "X", "y": "Y", "inline": "Inline", "crossline": "Crossline", "trace": "Trace", "z": "Z"}
TITLES |= {"sample": "Sample", "quality": "Quality", "rgt": "RGT"}
IN_3D = ("x", "y", "inline", "crossline", "z", "quality")
IN_2D = ("x", "y", "trace", "z", "quality")
RULE = "# - - - - - - - - - -"


def write(path: Path, surface: Surface) -> None:
    """Write the picks; undefined ones only where ``Style.undefined`` gives a number for them."""
    write_lines(path, lines(surface))


def lines(surface: Surface) -> Iterator[str]:
    style = surface.style
    picks = surface.picks()
    chosen = style.columns or (IN_2D if surface.is_line else IN_3D)
    for name in chosen:
        if name not in picks:
            raise OptionError(f"xyz has no column '{name}'. {suggestion(name, picks)}Columns: {', '.join(picks)}.")
    if style.header:
        yield "# " + "\t".join(f'"{TITLES[name]}"' for name in chosen)
        yield RULE
    texts = [_texts(name, style.undefined) for name in chosen]
    for row in zip(*(picks[name].tolist() for name in chosen), strict=True):
        yield "\t".join(text(value) for text, value in zip(texts, row, strict=True))


def _texts(name: str, undefined: float | None) -> Callable[[float], str]:
    """How a column's numbers are written."""
    missing = "" if undefined is None else f"{undefined:g}"
    if name in ("inline", "crossline", "trace"):
        return lambda value: f"{value:.10g}"
    digits = {"x": 2, "y": 2, "z": 4, "sample": 4, "quality": 3, "rgt": 7}[name]
    return lambda value: missing if np.isnan(value) else f"{value:.{digits}f}"
