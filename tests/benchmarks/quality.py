"""How good models are on synthetic items that no training saw, by class of item and by number of refining passes.

    python tests/benchmarks/quality.py [ITEMS [RECIPE [MODEL...]]]

ITEMS (100) of RECIPE (rgm2d) of seed 4242, which no recipe of training uses; MODELs: folders or names, one for each
stage (default: the packaged ones). Last figures: in the models' cards and the README.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from mtl_seismic.synth.items import parameters
from mtl_seismic.synth.recipes import RECIPES
from mtl_seismic.synth.source import VALIDATION, Synthetic
from mtlcore.evaluate import evaluate_item
from mtlcore.pipeline import load_chain

SEED = 4242
METRICS = (
    "dhr.input_snr",
    "dhr.snr",
    "fault.f1_2",
    "fault.calibration_error",
    "fault.dip_error",
    "fault.dip_within_5",
    "rgt.horizon_mean",
    "rgt.horizon_within_2",
)


def classes(drawn: Mapping[str, Any]) -> list[str]:
    """What kind of item it is, by what was drawn for it."""
    if "units" not in drawn:
        return []
    faults = [len(unit["faults"]) for unit in drawn["units"]]
    found = ["unconformity" if len(faults) > 1 else "no unconformity"]
    found.append("up to 6 faults" if sum(faults) <= 6 else "more than 6 faults")
    level = float(drawn["noise_level"])
    return [*found, f"noise {'below 0.2' if level < 0.2 else '0.2 to 0.4' if level < 0.4 else 'above 0.4'}"]


def main(count: int, recipe: str, models: list[str]) -> None:
    """Print a table for each number of passes."""
    items = Synthetic(validation_items=count, seed=SEED, shape=(360, 256)).open(recipe, "valid", ())
    drawn = [parameters(RECIPES[recipe](shape=(360, 256)), SEED, VALIDATION + index) for index in range(count)]
    for passes in (0, 1, 2, 3):
        stages = ("mti", "mtr") if passes else ("mti",)
        used = models if passes else models[:1]
        chain = load_chain(stages, 2, used, iterations=max(passes, 1), quiet=True)
        figures = [evaluate_item(chain, items[index], None, np.random.default_rng(index)) for index in range(count)]
        print(f"\n{recipe}, {count} items, MTI" + (f" and {passes} x MTR" if passes else ""))
        print(f"{'':20}{'items':>6}" + "".join(f"{name.replace('.', ' '):>26}" for name in METRICS))
        groups: dict[str, list[dict[str, float]]] = {"all": figures}
        for figure, what in zip(figures, drawn, strict=True):
            for name in classes(what) if passes == 0 else []:
                groups.setdefault(name, []).append(figure)
        for name in ["all", *sorted(set(groups) - {"all"})]:
            means = [np.nanmean([figure.get(metric, np.nan) for figure in groups[name]]) for metric in METRICS]
            print(f"{name:20}{len(groups[name]):6}" + "".join(f"{mean:26.3f}" for mean in means), flush=True)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(int(arguments[0]) if arguments else 100, arguments[1] if len(arguments) > 1 else "rgm2d", arguments[2:])
