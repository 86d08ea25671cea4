"""CPS-3 ASCII grids. Sources disagree on the order of values, so it can be chosen:

``columns-down`` (the default; several sources): column by column from west to east, each from north to
south, as in ZMAP+; ``rows-up``: row by row from south to north; ``rows-down``: from north to south, and
FSNROW holds columns, rows. Rotated surveys are resampled (see grids.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtl_seismic.interpret.horizons.exports.surface import Surface, need_volume, write_lines
from mtl_seismic.interpret.horizons.grids import Grid, to_grid
from mtl_seismic.interpret.names import ascii_name

NULL = "0.1E+31"
PER_LINE = 5


def write(path: Path, surface: Surface) -> None:
    """Write the grid; undefined nodes hold 0.1E+31 or ``Style.undefined``."""
    need_volume(surface, "cps3")
    write_lines(path, lines(surface))


def lines(surface: Surface) -> Iterator[str]:
    grid = to_grid(surface.z, surface.geometry)
    null = NULL if surface.style.undefined is None else f"{surface.style.undefined:.7G}"
    order = surface.style.cps3_order
    yield f'FSASCI 0 1 "COMPUTED" 0 {null}'
    yield "FSATTR 0 0"
    limits = (grid.x, grid.x_end, grid.y, grid.y_end, *_range(grid))
    yield "FSLIMI " + " ".join(map(plain, limits))
    rows, columns = grid.values.shape
    yield f"FSNROW {columns} {rows}" if order == "rows-down" else f"FSNROW {rows} {columns}"
    yield f"FSXINC {plain(grid.dx)} {plain(grid.dy)}"
    yield f"->{ascii_name(surface.name)}"
    values = {"columns-down": grid.columns_down, "rows-up": grid.values, "rows-down": grid.values[::-1]}[order]
    texts = [null if z != z else f"{z:.4f}" for z in values.reshape(-1).tolist()]
    for start in range(0, len(texts), PER_LINE):
        yield " ".join(texts[start : start + PER_LINE])


def plain(number: float) -> str:
    """A number to a millionth, as short as it can be."""
    return repr(round(float(number), 6))


def _range(grid: Grid) -> tuple[float, float]:
    defined = grid.values[np.isfinite(grid.values)]
    return (float(defined.min()), float(defined.max())) if defined.size else (0.0, 0.0)
