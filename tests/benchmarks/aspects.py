"""Sections whose traces lie farther apart, or closer, than those of the training: seen as they are and automatically.

    python tests/benchmarks/aspects.py [ITEMS [RECIPE [MODEL]]]

ITEMS (12) of RECIPE (field2d), seed 77, 256x256 samples: wider or narrower items, made with traces one row apart and
resampled along traces without aliases. ``traces``: traces in the place of one; 0.25: every fourth is left, and faults
of 60 degrees stand at 82. Of each, fault F1 within 2 samples of the image seen as it is, at the automatic sampling of
traces, and of the greatest probability of both; how often another sampling was chosen; DHR and horizons within 2.

Last figures, packaged model, field2d, 12 items; DHR in dB:

    traces      F1 as is      auto      both     moved  DHR, as is      auto  horizons      auto
    0.25         0.504     0.904     0.885      1.00      7.23      9.02     0.685     0.759
    0.35         0.792     0.899     0.901      0.83     10.33     11.14     0.801     0.829
    0.5          0.780     0.828     0.842      0.58      9.23      9.27     0.700     0.706
    0.7          0.799     0.810     0.810      0.08      9.33      9.50     0.817     0.834
    1.0          0.832     0.832     0.832      0.00      9.95      9.95     0.859     0.859
    1.4          0.781     0.799     0.799      0.08      9.00      9.01     0.872     0.873
    2.0          0.677     0.677     0.677      0.00      8.58      8.58     0.846     0.846

The greatest probability of both is no better than the better one, and costs both. On 8 items of rgm2d traces of 0.25
have an F1 of 0.915 as they are and 0.997 automatically, DHR 14.4 and 15.0 dB; from 0.35 on nothing is changed (F1 0.99
up to 1, then 0.967, and 0.853 at 2).
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
