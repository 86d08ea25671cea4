"""One item of any recipe."""

from dataclasses import asdict
from typing import Any

from mtl_seismic.heads.corruption import corrupted
from mtl_seismic.stochastic.draws import Array, stream
from mtl_seismic.synth import rgm_draws, spacing
from mtl_seismic.synth.field import generate_field
from mtl_seismic.synth.recipes import Field, Recipe, Rgm
from mtl_seismic.synth.rgm import generate_rgm


def generate(recipe: Recipe, seed: int, index: int, refinement_inputs: bool = False) -> dict[str, Array]:
    """Make item `index` of (recipe, seed): the same arrays whatever was made before it, where, or how often.

    Returns float32 arrays of shape `recipe.shape`, depth first: "image" (the noisy input), "dhr" (denoised,
    higher resolution), "rgt" (relative geologic time, 0 to 1), "fault_probability" (0 or 1), "fault_dip" and
    in 3D "fault_strike" (degrees on fault samples, 0 elsewhere). With `refinement_inputs` also
    "refinement/NAME" for every label: what a network of the refinement (MTR) stage is fed in training.
    """
    item = _labelled(recipe, seed, index)
    if refinement_inputs:
        inputs = corrupted(item, stream(seed, index, "refinement"))
        item |= {f"refinement/{name}": values for name, values in inputs.items()}
    return item


def parameters(recipe: Recipe, seed: int, index: int) -> dict[str, Any]:
    """Return what was drawn for an item, as plain JSON values (lengths in samples, angles in degrees)."""
    if isinstance(recipe, Rgm):
        return asdict(rgm_draws.draw(recipe, seed, index))
    if isinstance(recipe, Field):
        return asdict(spacing.draw(recipe, seed, index))
    raise TypeError(_unknown(recipe))


def _labelled(recipe: Recipe, seed: int, index: int) -> dict[str, Array]:
    if isinstance(recipe, Rgm):
        return generate_rgm(recipe, seed, index)
    if isinstance(recipe, Field):
        return generate_field(recipe, seed, index)
    raise TypeError(_unknown(recipe))


def _unknown(recipe: Recipe) -> str:
    return f"No generator for a recipe of type {type(recipe).__name__}; use one of RECIPES or a subclass."
