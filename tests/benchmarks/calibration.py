"""The temperature that calibrates fault probabilities: python tests/benchmarks/calibration.py [MODEL [RECIPE...]]

Of a 3D MODEL (default: the packaged one) on items of the RECIPEs (rgm3d, field3d) that neither training nor
benchmarks use, of 96x96x96 samples: the temperature of least cross-entropy, with the calibration error before
and after. It becomes the option ``temperature`` of task fault in the model's config.json.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from mtl_seismic.heads.metrics import calibration_error
from mtl_seismic.synth.source import Synthetic
from mtlcore.inference.amplitude import prepare
from mtlcore.model.checkpoint import load_model
from mtlcore.model.model import Model

SEED, ITEMS, SHAPE = 31337, 3, (96, 96, 96)
TEMPERATURES = np.geomspace(0.4, 2.5, 38)

Pair = tuple[NDArray[np.float32], NDArray[np.float32]]


def pairs(model: Model, recipe: str) -> Iterator[Pair]:
    """Logits and labels of the items."""
    items = Synthetic(validation_items=ITEMS, seed=SEED, shape=SHAPE).open(recipe, "valid", ())
    for index in range(ITEMS):
        image = prepare(items[index]["image"], model.config.amplitude).image
        with torch.inference_mode():
            raw = model.net({"image": torch.from_numpy(image)[None, None]}, ["fault"])
        yield raw["fault"]["fault_logit"][0, 0].numpy(), items[index]["fault_probability"]


def entropy(found: list[Pair], temperature: float) -> float:
    """Mean cross-entropy."""
    losses = [
        np.logaddexp(0, logit / temperature).mean() - (logit / temperature * truth).mean() for logit, truth in found
    ]
    return float(np.mean(losses))


def errors(found: list[Pair], temperature: float) -> float:
    """Mean calibration error."""
    return float(np.mean([calibration_error(1 / (1 + np.exp(-logit / temperature)), truth) for logit, truth in found]))


def main(name: str, recipes: list[str]) -> None:
    """Fit, and print."""
    torch.set_num_threads(1)
    model = load_model(name, stage="mti", ndim=3)
    found = {recipe: list(pairs(model, recipe)) for recipe in recipes}
    together = [pair for of_recipe in found.values() for pair in of_recipe]
    best = min(TEMPERATURES, key=lambda temperature: entropy(together, temperature))
    print(f"temperature {best:.2f}")
    for recipe, of_recipe in found.items():
        print(f"{recipe}: calibration error {errors(of_recipe, 1):.4f}, then {errors(of_recipe, best):.4f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "default", sys.argv[2:] or ["rgm3d", "field3d"])
