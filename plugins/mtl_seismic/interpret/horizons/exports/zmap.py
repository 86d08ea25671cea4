"""ZMAP+ grids: column by column from west to east, each from north to south and on lines of its own.

Rotated surveys are resampled (see grids.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtl_seismic.interpret.horizons.exports.cps3 import plain
from mtl_seismic.interpret.horizons.exports.surface import Surface, need_volume, write_lines
from mtl_seismic.interpret.horizons.grids import to_grid
from mtl_seismic.interpret.names import ascii_name
from mtlcore.errors import OptionError

NULL = -99999.0
WIDTH, DECIMALS, PER_LINE = 15, 4, 5


def write(path: Path, surface: Surface) -> None:
    """Write the grid; undefined nodes hold -99999 or ``Style.undefined``."""
    need_volume(surface, "zmap")
    write_lines(path, lines(surface))


def lines(surface: Surface) -> Iterator[str]:
    grid = to_grid(surface.z, surface.geometry)
    null_text = _null_text(NULL if surface.style.undefined is None else surface.style.undefined)
    rows, columns = grid.values.shape
    # A comma would end the name.
    name = ascii_name(surface.name).replace(",", "_")
    meaning = f"Z in {surface.unit}, positive {surface.style.z_sign}" if surface.values is None else "a map"
    yield f"! {name}: {meaning}"
    yield f"@{name}, GRID, {PER_LINE}"
    yield f"{WIDTH}, {null_text.strip()}, , {DECIMALS}, 1"
    yield f"{rows}, {columns}, " + ", ".join(map(plain, (grid.x, grid.x_end, grid.y, grid.y_end)))
    yield "0.0, 0.0, 0.0"
    yield "@"
    for column in grid.columns_down:
        texts = [null_text if np.isnan(z) else f"{z:{WIDTH}.{DECIMALS}f}" for z in column.tolist()]
        for start in range(0, len(texts), PER_LINE):
            yield "".join(texts[start : start + PER_LINE])


def _null_text(null: float) -> str:
    """The null as it stands in the header and fills a node's columns."""
    text = f"{null:{WIDTH}.{DECIMALS}f}"
    if len(text) > WIDTH:
        text = f"{null:{WIDTH}.6E}"
    if len(text) > WIDTH:
        raise OptionError(f"The undefined value {null:g} does not fit the {WIDTH} columns of a ZMAP+ node.")
    return text
