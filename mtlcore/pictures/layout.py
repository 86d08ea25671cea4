"""Where the panels of a picture lie, and how large sections are reduced to what a panel can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Box = tuple[float, float, float, float]
"""Left, bottom, width and height as shares of the figure, as matplotlib takes them."""

DPI = 200
LONGEST = 12.0
"""Inches: pictures have at most 2400 pixels on an edge."""
# All in inches. A cell is a panel, the title above it and the colour bar with its numbers beside it.
LEFT, RIGHT, TOP, BOTTOM = 0.68, 0.06, 0.06, 0.5
PANEL_TITLE, FIGURE_TITLE = 0.27, 0.3
BAR_GAP, BAR, BAR_NUMBERS = 0.06, 0.09, 0.42
COLUMN_GAP, ROW_GAP = 0.18, 0.1
LANDSCAPE = 1.25
"""How much larger panels of a picture higher than wide must be: screens are wide."""
# Sections beyond these shapes (height / width) are stretched: their samples are no longer square.
FLATTEST, STEEPEST = 0.12, 2.2
LETTER = 0.0075
"""A letter's width in inches for each point of its size, on average."""
BAND = 1 << 22
"""Samples that a reduction holds in memory at once."""


@dataclass(frozen=True)
class Grid:
    """Panels of one size in rows; the figure's and the panels' sizes in inches."""

    count: int
    columns: int
    panel_width: float
    panel_height: float
    head: float

    @property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    @property
    def width(self) -> float:
        return _width(self.columns) + self.columns * self.panel_width

    @property
    def height(self) -> float:
        return _height(self.rows, self.head) + self.rows * self.panel_height

    @property
    def pixels(self) -> tuple[int, int]:
        """Rows and columns of pixels in a panel."""
        return round(self.panel_height * DPI), round(self.panel_width * DPI)

    @property
    def title_at(self) -> tuple[float, float]:
        """Upper left corner of the figure's title."""
        return LEFT / self.width, 1 - (TOP + 0.02) / self.height

    def is_left(self, panel: int) -> bool:
        return panel % self.columns == 0

    def is_lowest(self, panel: int) -> bool:
        """Whether no panel lies below."""
        return panel + self.columns >= self.count

    def panel_box(self, panel: int) -> Box:
        left, bottom = self._corner(panel)
        return self._shares(left, bottom, self.panel_width, self.panel_height)

    def bar_box(self, panel: int) -> Box:
        left, bottom = self._corner(panel)
        return self._shares(left + self.panel_width + BAR_GAP, bottom, BAR, self.panel_height)

    @property
    def cell_width(self) -> float:
        return self.panel_width + BAR_GAP + BAR + BAR_NUMBERS

    def _corner(self, panel: int) -> tuple[float, float]:
        """Lower left corner of a panel, in inches."""
        row, column = divmod(panel, self.columns)
        below = self.rows - 1 - row
        left = LEFT + column * (self.cell_width + COLUMN_GAP)
        return left, BOTTOM + below * (self.panel_height + PANEL_TITLE + ROW_GAP)

    def _shares(self, left: float, bottom: float, width: float, height: float) -> Box:
        return left / self.width, bottom / self.height, width / self.width, height / self.height


def choose_grid(count: int, shape: tuple[int, int], titled: bool) -> Grid:
    """The number of columns that makes the panels largest, with few empty cells and rather wide than high."""
    aspect = min(max(shape[0] / shape[1], FLATTEST), STEEPEST)
    grids = [_grid(count, columns, aspect, TOP + (FIGURE_TITLE if titled else 0)) for columns in range(1, count + 1)]
    return max(grids, key=_merit)


def reduce_to(values: NDArray[Any], factors: tuple[int, int], guide: NDArray[Any] | None = None) -> Array:
    """Means of blocks of so many rows and columns; with ``guide``, the value where the guide is largest.

    A thin fault would vanish in a mean. Samples that fill no block, at the far edges, are left out.
    It reads the arrays, which may be memory maps, a band of rows after the other.
    """
    if factors == (1, 1):
        return np.asarray(values, dtype=np.float32)
    rows, columns = values.shape[0] // factors[0], values.shape[1] // factors[1]
    result = np.empty((rows, columns), np.float32)
    step = max(1, BAND // (factors[0] * values.shape[1]))
    for start in range(0, rows, step):
        band = slice(start, min(start + step, rows))
        blocks = _blocks(values, band, columns, factors)
        if guide is None:
            result[band] = blocks.mean(axis=-1)
        else:
            best = _blocks(guide, band, columns, factors).argmax(axis=-1)
            result[band] = np.take_along_axis(blocks, best[..., None], axis=-1)[..., 0]
    return result


def fit(text: str, inches: float, size: float) -> str:
    """Text of so many points cut to a width, and without characters that the font lacks (matplotlib would warn)."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    text = "".join(letter if font.get_char_index(ord(letter)) else "?" for letter in text)
    length = int(inches / (size * LETTER))
    return text if len(text) <= length else text[: max(length - 1, 1)].rstrip() + "…"


def _blocks(values: NDArray[Any], band: slice, columns: int, factors: tuple[int, int]) -> Array:
    """Rows x columns x samples of a block."""
    high, wide = factors
    part = np.asarray(values[band.start * high : band.stop * high, : columns * wide], dtype=np.float32)
    blocks = part.reshape(-1, high, columns, wide).transpose(0, 2, 1, 3)
    return blocks.reshape(*blocks.shape[:2], high * wide)


def _merit(grid: Grid) -> float:
    filled = grid.count / (grid.rows * grid.columns)
    return grid.panel_width * grid.panel_height * filled * (LANDSCAPE if grid.width >= grid.height else 1)


def _grid(count: int, columns: int, aspect: float, head: float) -> Grid:
    """The largest panels of this aspect in so many columns."""
    rows = -(-count // columns)
    width = (LONGEST - _width(columns)) / columns
    height = (LONGEST - _height(rows, head)) / rows
    # Many panels: rather a long picture than panels that show nothing.
    width = max(min(width, height / aspect), 1.0)
    return Grid(count, columns, width, width * aspect, head)


def _width(columns: int) -> float:
    """Inches beside the panels."""
    return LEFT + RIGHT + columns * (BAR_GAP + BAR + BAR_NUMBERS) + (columns - 1) * COLUMN_GAP


def _height(rows: int, head: float) -> float:
    """Inches above and below the panels."""
    return head + BOTTOM + rows * PANEL_TITLE + (rows - 1) * ROW_GAP
