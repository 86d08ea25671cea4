"""Draw items of the four recipes as one sheet: image, clean image with faults, geological time.

python tests/benchmarks/synth_sheet.py .github/recipes.png
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mtl_seismic.synth import Field2D, Field3D, Rgm2D, Rgm3D, generate

RECIPES = (Rgm2D((240, 200)), Field2D((240, 200)), Rgm3D((128, 96, 96)), Field3D((128, 96, 96)))
ITEMS = 4
SEED = 12


def section(item: dict[str, Any]) -> dict[str, Any]:
    """The item itself in 2D, its central inline in 3D."""
    return {name: values if values.ndim == 2 else values[:, values.shape[1] // 2] for name, values in item.items()}


def draw(path: str) -> None:
    """Rows: recipes. Three panels for each item."""
    figure = Figure(figsize=(ITEMS * 3 * 1.15, len(RECIPES) * 1.6), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(RECIPES), ITEMS * 3, squeeze=False)
    for row, recipe in zip(axes, RECIPES, strict=True):
        for index in range(ITEMS):
            fields = section(generate(recipe, SEED, index))
            faults = np.where(fields["fault_probability"] > 0.5, fields["fault_dip"], np.nan)
            limit = 2.5 * recipe.rms
            for axis, name in zip(row[3 * index : 3 * index + 3], ("image", "dhr", "rgt"), strict=True):
                grey = name != "rgt"
                limits = {"vmin": -limit, "vmax": limit} if grey else {"vmin": 0, "vmax": 1}
                axis.imshow(fields[name], "gray" if grey else "turbo", aspect="auto", **limits)
                if name == "dhr":
                    axis.imshow(faults, "hsv", vmin=0, vmax=180, aspect="auto", interpolation="nearest")
                axis.set_xticks([])
                axis.set_yticks([])
        row[0].set_ylabel(recipe.name, fontsize=11)
    figure.subplots_adjust(0.02, 0.005, 0.998, 0.995, 0.03, 0.04)
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    draw(sys.argv[1])
