"""Sections of few samples, few traces, or many: quality against the section's size.

    python tests/benchmarks/sizes.py [ITEMS [RECIPE [MODEL]]]

ITEMS (40; fewer of the large ones) of RECIPE (rgm2d), seed 77: small sections cut from the middle of items of 360x256,
as surveys are cut, and sections made at the size, small ones of which hold as many faults and layers as large ones.
Last figures, packaged model: DHR, fault F1, dip error, mean error of horizons, and their share within 2 samples

                        dB      F1     dip horizon    in 2
    48x48 cut       12.389   0.840   5.766   2.095   0.846
    64x128 cut      12.449   0.937   3.884   2.978   0.815
    128x64 cut      12.681   0.916   3.954   3.328   0.823
    96x96 cut       12.641   0.948   3.864   3.756   0.810
    160x160 cut     13.003   0.968   3.568   5.010   0.792
    48x256 cut      12.475   0.935   4.298   3.771   0.783
    256x48 cut      13.078   0.915   4.709   2.384   0.852
    64x128 made     10.717   0.860   8.298   5.111   0.632
    160x160 made    11.810   0.961   4.864   6.307   0.698
    360x256 made    14.221   0.988   2.014   3.397   0.879
    256x1024 made   16.977   0.996   0.958   1.130   0.933
    900x200 made    12.489   0.983   1.605   1.694   0.896
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from arguments import ONE_ROW, items_recipe_model
from numpy.typing import NDArray

from mtl_seismic.synth.source import Synthetic
from mtlcore.inference.chain import Chain
from mtlcore.model.checkpoint import load_model
from mtlcore.training.evaluate import evaluate_item, summary

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
    items = Synthetic(validation_items=many, seed=77, shape=made, recipe=ONE_ROW).open(recipe, "valid", ())
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
