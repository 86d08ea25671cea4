"""Sections of few samples, few traces, or many: quality against the section's size.

    python tests/benchmarks/sizes.py [ITEMS [RECIPE [MODEL]]]

ITEMS (40) of RECIPE (rgm2d) made at each size, seed 77; fewer of the large ones.
"""

from __future__ import annotations

import argparse

import numpy as np

from mtl_seismic.synth.source import Synthetic
from mtlcore.checkpoint import load_model
from mtlcore.evaluate import evaluate_item, summary
from mtlcore.pipeline import Chain

SIZES = ((48, 48), (64, 128), (128, 64), (96, 96), (160, 160), (360, 256), (256, 1024), (900, 200))
SHOWN = ("dhr.snr", "fault.f1_2", "fault.dip_error", "rgt.horizon_mean", "rgt.horizon_within_2")
LARGE = 256 * 256


def main(count: int, recipe: str, name: str) -> None:
    """A line for each size."""
    chain = Chain.of([load_model(name, stage="mti", ndim=2)])
    print(f"{recipe}\n{'':12}{'items':>6}" + "".join(f"{metric:>22}" for metric in SHOWN))
    for size in SIZES:
        many = count if np.prod(size) < LARGE else -(-count // 4)
        items = Synthetic(validation_items=many, seed=77, shape=size).open(recipe, "valid", ())
        figures, _ = summary([evaluate_item(chain, items[i], None, np.random.default_rng(i)) for i in range(many)])
        shown = "".join(f"{figures.get(metric, np.nan):22.3f}" for metric in SHOWN)
        print(f"{'x'.join(map(str, size)):12}{many:6}{shown}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("items", type=int, nargs="?", default=40)
    parser.add_argument("recipe", nargs="?", default="rgm2d", choices=("rgm2d", "field2d"))
    parser.add_argument("model", nargs="?", default="default")
    given = parser.parse_args()
    main(max(given.items, 1), given.recipe, given.model)
