"""How good models are on synthetic items that no training saw, by class of item and by number of refining passes.

    python tests/benchmarks/quality.py [ITEMS [RECIPE [MODEL...]]]

ITEMS (100) of RECIPE (rgm2d) of seed 4242, which no recipe of training uses; MODELs: folders or names, one for each
stage (default: the packaged ones; of one MTI model alone, passes are not tried). The last three columns tell whether
outputs agree with each other: the angle between the gradient of time and the normals of DHR's reflectors, and the
shares of fault samples and of others where horizons jump (see real_section.py). Last figures: in the models' cards and
the README.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from arguments import ONE_ROW
from numpy.typing import NDArray
from real_section import agreement

from mtl_seismic.synth.items import parameters
from mtl_seismic.synth.recipes import RECIPES
from mtl_seismic.synth.source import VALIDATION, Synthetic
from mtlcore.inference.chain import Chain
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.loading import load_chain

Array = NDArray[np.float32]
SEED, PASSES = 4242, 3
METRICS = (
    "dhr.input_snr",
    "dhr.snr",
    "fault.f1_2",
    "fault.calibration_error",
    "fault.dip_error",
    "fault.dip_within_5",
    "rgt.horizon_mean",
    "rgt.horizon_within_2",
    "angle of time and reflectors",
    "jumps on faults",
    "jumps elsewhere",
)


def classes(drawn: Mapping[str, Any]) -> list[str]:
    """What kind of item it is, by what was drawn for it."""
    if "units" not in drawn:
        return []
    faults = [len(unit["faults"]) for unit in drawn["units"]]
    found = ["unconformity" if len(faults) > 1 else "no unconformity"]
    found.append("regular faults" if any(map(regular, drawn["units"])) else "irregular faults")
    found.append("up to 6 faults" if sum(faults) <= 6 else "more than 6 faults")
    level = float(drawn["noise_level"])
    return [*found, f"noise {'below 0.2' if level < 0.2 else '0.2 to 0.4' if level < 0.4 else 'above 0.4'}"]


def regular(unit: Mapping[str, Any]) -> bool:
    """Whether a unit's faults are one evenly spaced set, whose anchors lie at one depth."""
    return len(unit["faults"]) > 1 and len({fault["anchor"][0] for fault in unit["faults"]}) == 1


def passes(chains: list[Chain], item: Mapping[str, Array]) -> Iterator[dict[str, float]]:
    """Figures of an item after inference, and after each refining pass where there is a chain for it."""
    image = item["image"]
    fields = chains[0].run(image).fields
    yield figures(chains[0], fields, item)
    for _ in range(PASSES if chains[1:] else 0):
        fields = chains[1].run(image, fields=fields).fields
        yield figures(chains[1], fields, item)


def figures(chain: Chain, fields: Mapping[str, Array], item: Mapping[str, Array]) -> dict[str, float]:
    """All tasks' metrics, and how far the fields agree."""
    found = agreement({name: values.astype(np.float64) for name, values in fields.items()}, fields["dhr"])
    for task in chain.chosen(None):
        given = {output.name: fields[output.name] for output in task.outputs_in(chain.ndim)}
        found |= {f"{task.name}.{name}": value for name, value in task.metrics(given, item).items()}
    return found


def main(count: int, recipe: str, models: list[str]) -> None:
    """Print a table for each number of passes."""
    torch.set_num_threads(1)
    items = Synthetic(validation_items=count, seed=SEED, shape=(360, 256), recipe=ONE_ROW).open(recipe, "valid", ())
    drawn = [parameters(RECIPES[recipe](shape=(360, 256)), SEED, VALIDATION + index) for index in range(count)]
    stages = ("mti",) if len(models) == 1 else ("mti", "mtr")
    whole = load_chain(stages, 2, models, quiet=True)
    # As in all figures: the sampling of traces is not tried.
    chains = [Chain.of([model], options=InferOptions(scale=1.0)) for model in whole.models]
    found = [list(passes(chains, items[index])) for index in range(count)]
    for number in range(len(found[0])):
        print(f"\n{recipe}, {count} items, MTI" + (f" and {number} x MTR" if number else ""))
        print(f"{'':20}{'items':>6}" + "".join(f"{name.replace('.', ' '):>30}" for name in METRICS))
        groups: dict[str, list[dict[str, float]]] = {"all": [of_item[number] for of_item in found]}
        for of_item, what in zip(found, drawn, strict=True):
            for name in classes(what) if number < 2 else []:
                groups.setdefault(name, []).append(of_item[number])
        for name in ["all", *sorted(set(groups) - {"all"})]:
            means = [np.nanmean([figure.get(metric, np.nan) for figure in groups[name]]) for metric in METRICS]
            print(f"{name:20}{len(groups[name]):6}" + "".join(f"{mean:30.3f}" for mean in means), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("items", type=int, nargs="?", default=100)
    parser.add_argument("recipe", nargs="?", default="rgm2d", choices=("rgm2d", "field2d"))
    parser.add_argument("models", nargs="*")
    given = parser.parse_args()
    main(max(given.items, 1), given.recipe, given.models)
