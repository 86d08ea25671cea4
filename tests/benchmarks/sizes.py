"""Sections of few samples, few traces, or many: quality against the section's size.

    python tests/benchmarks/sizes.py [ITEMS [RECIPE [MODEL]]]

ITEMS (40; fewer of the large ones) of RECIPE (rgm2d), seed 77: small sections cut from the middle of items of 360x256,
as surveys are cut, and sections made at the size, small ones of which hold as many faults and layers as large ones.
Last figures, packaged model: DHR, fault F1, dip error, mean error of horizons, and their share within 2 samples

                        dB      F1     dip horizon    in 2
    48x48 cut       12.334   0.838   5.899   2.141   0.845
    64x128 cut      12.406   0.931   4.001   3.247   0.792
    128x64 cut      12.650   0.913   3.988   3.349   0.817
    96x96 cut       12.612   0.943   3.980   3.824   0.809
    160x160 cut     12.999   0.967   3.621   5.745   0.777
    48x256 cut      12.451   0.933   4.440   3.996   0.761
    256x48 cut      13.034   0.908   4.961   2.416   0.850
    64x128 made     10.734   0.860   8.453   5.529   0.602
    160x160 made    11.837   0.962   4.878   6.874   0.675
    360x256 made    14.240   0.988   2.040   3.037   0.876
    256x1024 made   16.961   0.996   0.977   1.745   0.916
    900x200 made    12.536   0.983   1.616   1.792   0.891
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from arguments import items_recipe_model
from numpy.typing import NDArray

from mtl_seismic.synth.source import Synthetic
from mtlcore.checkpoint import load_model
from mtlcore.evaluate import evaluate_item, summary
from mtlcore.pipeline import Chain

Array = NDArray[np.float32]
CUT = ((48, 48), (64, 128), (128, 64), (96, 96), (160, 160), (48, 256), (256, 48))
MADE = ((64, 128), (160, 160), (360, 256), (256, 1024), (900, 200))
WHOLE = (360, 256)
LARGE = 256 * 256
SHOWN = ("dhr.snr", "fault.f1_2", "fault.dip_error", "rgt.horizon_mean", "rgt.horizon_within_2")


def middle(item: Mapping[str, Array], size: tuple[int, ...]) -> dict[str, Array]:
    """A window from an item's middle."""
    starts = [(length - edge) // 2 for length, edge in zip(item["image"].shape, size, strict=True)]
    window = tuple(slice(start, start + edge) for start, edge in zip(starts, size, strict=True))
    return {name: np.ascontiguousarray(values[window]) for name, values in item.items()}


def show(chain: Chain, recipe: str, size: tuple[int, int], made: tuple[int, int], count: int) -> None:
    """A line for a size, of sections cut from what is made at another or the same."""
    many = count if np.prod(size) < LARGE else -(-count // 4)
    items = Synthetic(validation_items=many, seed=77, shape=made).open(recipe, "valid", ())
    cut = (middle(items[index], size) for index in range(many))
    figures, _ = summary([evaluate_item(chain, item, None, np.random.default_rng(i)) for i, item in enumerate(cut)])
    name = f"{'x'.join(map(str, size))} {'made' if size == made else 'cut'}"
    print(f"{name:14}{many:6}" + "".join(f"{figures.get(metric, np.nan):22.3f}" for metric in SHOWN), flush=True)


def main(count: int, recipe: str, name: str) -> None:
    """A line for each size."""
    chain = Chain.of([load_model(name, stage="mti", ndim=2)])
    print(f"{recipe}\n{'':14}{'items':>6}" + "".join(f"{metric:>22}" for metric in SHOWN))
    for size in CUT:
        show(chain, recipe, size, WHOLE, count)
    for size in MADE:
        show(chain, recipe, size, size, count)


if __name__ == "__main__":
    main(*items_recipe_model(40, "rgm2d"))
