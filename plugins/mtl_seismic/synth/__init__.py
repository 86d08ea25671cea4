"""Synthetic seismic images with exact labels, in 2D and 3D: RGM's recipes and ones closer to field data."""

from .dataset import write_dataset
from .items import generate, parameters
from .recipes import RECIPES, Field2D, Field3D, Recipe, Rgm2D, Rgm3D

__all__ = ["RECIPES", "Field2D", "Field3D", "Recipe", "Rgm2D", "Rgm3D", "generate", "parameters", "write_dataset"]
