"""Synthetic items made when they are asked for, as training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from mtl_seismic.stochastic.draws import Array
from mtl_seismic.synth.items import generate
from mtl_seismic.synth.recipes import RECIPES, Recipe
from mtlcore.config import build
from mtlcore.errors import MtlError, UnknownNameError
from mtlcore.plugin.interfaces import Items, Source
from mtlcore.plugin.outputs import Output

VALIDATION = 10**9
"""Where validation items are counted from: no training item has such an index."""


@dataclass(frozen=True)
class Synthetic(Source):
    """Items of one recipe, or of several in turn (``synth:rgm2d,field2d``), never stored.

    ``items`` and ``validation_items``: how many there are. ``seed``: of the generator. ``shape``: of an item,
    depth first (None: the recipes' own). ``recipe``: options of the recipes, by recipe name.
    """

    name: ClassVar[str] = "synth"
    example: ClassVar[str] = "rgm2d"
    items: int = 6000
    validation_items: int = 100
    seed: int = 0
    shape: tuple[int, ...] | None = None
    recipe: dict[str, Any] = field(default_factory=dict)

    def open(self, location: str, split: Literal["train", "valid"], outputs: Sequence[Output]) -> Items:
        recipes = [self._recipe(name.strip()) for name in location.split(",")]
        if len({recipe.shape for recipe in recipes}) > 1:
            raise MtlError(f"The recipes of synth:{location} have different shapes: give source.shape.")
        count, first = (self.items, 0) if split == "train" else (self.validation_items, VALIDATION)
        return SyntheticItems(tuple(recipes), self.seed, first, count)

    def _recipe(self, name: str) -> Recipe:
        if name not in RECIPES:
            raise UnknownNameError("recipe", name, RECIPES)
        options: Mapping[str, Any] = self.recipe.get(name, {})
        shape = {} if self.shape is None else {"shape": self.shape}
        return build(RECIPES[name], {**shape, **options}, f"source.recipe.{name}")


@dataclass(frozen=True)
class SyntheticItems(Items):
    """Items ``first`` to ``first + count``; item i is of recipe i modulo their number."""

    recipes: tuple[Recipe, ...]
    seed: int
    first: int
    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", self.recipes[0].shape)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Array]:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return generate(self.recipes[index % len(self.recipes)], self.seed, self.first + index)
