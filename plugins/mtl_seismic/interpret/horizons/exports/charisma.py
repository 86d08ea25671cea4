"""Charisma 3D interpretation lines: INLINE : IL XLINE : XL X Y Z, without a header.

Nine columns apart by blanks. Order, count and the words in columns 1 and 4 are known from one source; the
colons in columns 2 and 5, and that undefined nodes are left out, are not verified: ``Style`` changes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mtl_seismic.interpret.horizons.exports.surface import Surface, need_volume, whole, write_lines
from mtlcore.errors import OptionError

NAME = "charisma"


def write(path: Path, surface: Surface) -> None:
    """Write the picks, sorted by inline, then crossline."""
    need_volume(surface, NAME)
    write_lines(path, lines(surface))


def lines(surface: Surface) -> Iterator[str]:
    style = surface.style
    mark = style.charisma_mark
    if not mark or not mark.isascii() or any(letter.isspace() for letter in mark):
        raise OptionError(f"The mark of charisma's columns 2 and 5 is '{mark}': expected letters without blanks.")
    picks = surface.picks()
    inline, crossline = (whole(picks[name], name, NAME, 18) for name in ("inline", "crossline"))
    for il, xl, x, y, z in zip(
        inline, crossline, picks["x"].tolist(), picks["y"].tolist(), picks["z"].tolist(), strict=True
    ):
        height = f"{z:.4f}" if z == z else f"{style.undefined:g}"
        if style.charisma_layout == "short":
            yield f"{il:8d} {xl:8d} {height:>12}"
        else:
            # A blank before each number of its own: longer ones move the columns, but never grow together.
            yield f"INLINE {mark} {il:6d} XLINE {mark} {xl:6d} {x:11.2f} {y:11.2f} {height:>11}"
