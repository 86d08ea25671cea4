"""Sections whose traces lie farther apart, or closer, than those of the training: seen as they are and automatically.

    python tests/benchmarks/aspects.py [ITEMS [RECIPE [MODEL]]]

ITEMS (12) of RECIPE (field2d), seed 77, 256x256 samples: wider or narrower items, made with traces one row apart and
resampled along traces without aliases. ``traces``: traces in the place of one; 0.25: every fourth is left, and faults
of 60 degrees stand at 82. Of each, fault F1 within 2 samples of the image seen as it is, at the automatic sampling of
traces, and of the greatest probability of both; how often another sampling was chosen; DHR and horizons within 2.

FIGURES
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from arguments import items_recipe_model
from numpy.typing import NDArray

from mtl_seismic.synth import RECIPES, generate
from mtlcore.inference.chain import Chain, Result
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.resampling import resample_fields
from mtlcore.model.checkpoint import load_model
from mtlcore.model.model import Model
from mtlcore.plugin.outputs import IMAGE

Array = NDArray[np.float32]
TRACES = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
SHAPE = (256, 256)
PROBABILITY = "fault_probability"


def sampled(model: Model, recipe: str, traces: float, index: int) -> dict[str, Array]:
    """An item of SHAPE of which each trace stands for 1 / traces of those that were made."""
    spacing = {"trace_spacing": (1.0, 1.0)} if recipe.startswith("field") else {}
    item = generate(RECIPES[recipe](shape=(SHAPE[0], round(SHAPE[1] / traces)), **spacing), 77, index)
    outputs = {output.name: output for output in (IMAGE, *model.outputs)}
    found = resample_fields(outputs, {name: values for name, values in item.items() if name in outputs}, SHAPE)
    found[PROBABILITY] = (found[PROBABILITY] >= 0.5).astype(np.float32)
    return found


def figures(model: Model, fields: Mapping[str, Array], item: Mapping[str, Array]) -> dict[str, float]:
    """All tasks' metrics."""
    found: dict[str, float] = {}
    for task in model.tasks:
        given = {output.name: fields[output.name] for output in task.outputs_in(model.ndim)}
        found |= {f"{task.name}.{name}": value for name, value in task.metrics(given, item).items()}
    return found


def both(first: Result, second: Result) -> dict[str, Array]:
    """The first result's fields with the greater probability of the two."""
    return first.fields | {PROBABILITY: np.maximum(first.fields[PROBABILITY], second.fields[PROBABILITY])}


def main(count: int, recipe: str, name: str) -> None:
    """A line for each sampling."""
    torch.set_num_threads(1)
    model = load_model(name, stage="mti", ndim=2)
    plain, automatic = (Chain.of([model], options=InferOptions(scale=scale)) for scale in (1.0, None))
    print(
        f"{recipe}, {count} items\ntraces   F1 as is    auto    both   moved   DHR as is   auto   horizons as is   auto"
    )
    for traces in TRACES:
        rows = []
        for index in range(count):
            item = sampled(model, recipe, traces, index)
            seen, chosen = plain.run(item["image"]), automatic.run(item["image"])
            shown = [figures(model, fields, item) for fields in (seen.fields, chosen.fields, both(seen, chosen))]
            f1, snr, horizons = (
                [found.get(metric, np.nan) for found in shown]
                for metric in ("fault.f1_2", "dhr.snr", "rgt.horizon_within_2")
            )
            rows.append([*f1, float(chosen.seen != seen.seen), *snr[:2], *horizons[:2]])
        mean = np.nanmean(rows, axis=0)
        print(f"{traces:<8} {mean[0]:8.3f} {mean[1]:7.3f} {mean[2]:7.3f} {mean[3]:7.2f}", end="")
        print(f" {mean[4]:11.2f} {mean[5]:6.2f} {mean[6]:16.3f} {mean[7]:6.3f}", flush=True)


if __name__ == "__main__":
    main(*items_recipe_model(12, "field2d"))
