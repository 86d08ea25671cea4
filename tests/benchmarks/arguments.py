"""Arguments that benchmarks have in common."""

from __future__ import annotations

import argparse
from typing import Any

ONE_ROW: dict[str, Any] = {"field2d": {"trace_spacing": [1.0, 1.0]}}
"""Traces as far apart as rows, as in all figures up to when the recipe got others."""


def items_recipe_model(items: int, recipe: str) -> tuple[int, str, str]:
    """``[ITEMS [RECIPE [MODEL]]]`` of a 2D benchmark, with their defaults; the model's is the packaged one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("items", type=int, nargs="?", default=items)
    parser.add_argument("recipe", nargs="?", default=recipe, choices=("rgm2d", "field2d"))
    parser.add_argument("model", nargs="?", default="default")
    given = parser.parse_args()
    return max(given.items, 1), given.recipe, given.model
