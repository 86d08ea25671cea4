"""How trainings went, next to each other: figures by epoch, read from run folders and drawn."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path
from mtlcore.pictures.draw import available
from mtlcore.training.logs import FIXED, TABLE

WIDTH, HEIGHT = 4.0, 2.6
"""Of one panel, in inches."""
COLUMNS = 3
Curve = list[tuple[float, float]]
"""Epochs and a figure's values."""


def read_curves(run: Path) -> dict[str, Curve]:
    """The figures of a training run's epochs by name, in their order; of an epoch with two rows the later counts."""
    path = run / TABLE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise MtlError(f"{run} has no {TABLE} of a training run: {error.strerror}.") from None
    rows = {int(row["step"]): row for row in csv.DictReader(text.splitlines())}
    curves: dict[str, Curve] = {}
    for epoch in sorted(rows):
        for name, value in rows[epoch].items():
            if name not in FIXED and value:
                curves.setdefault(name, []).append((epoch, float(value)))
    return curves


def draw_curves(path: Path, runs: Mapping[str, Mapping[str, Curve]], names: Sequence[str]) -> None:
    """Draw a panel for each figure, with a line for each run that has it, into a PNG."""
    if not available():
        raise MtlError('Drawing curves needs matplotlib, which is not installed: pip install "mtlcore[plot]".')
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(columns * WIDTH, lines * HEIGHT + 0.4), dpi=120, layout="constrained")
    for number, name in enumerate(names):
        axes: Any = figure.add_subplot(lines, columns, number + 1)
        for label, curves in runs.items():
            if name in curves:
                epochs, values = zip(*curves[name], strict=True)
                axes.plot(epochs, values, label=label, marker="." if len(epochs) < 30 else "")
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("epoch", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4, fontsize=8, frameon=False)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        canvas: Any = FigureCanvasAgg(figure)
        canvas.print_png(file, metadata={"Software": None})
