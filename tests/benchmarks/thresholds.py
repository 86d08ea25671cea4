"""How often ridges of the fault probability are right, by their probability, and what thresholds make of them.

    python tests/benchmarks/thresholds.py [ITEMS [MODEL]]

ITEMS (12) of each kind, seed 777, 256x256, as the network sees them without resampling: within what it was trained on
(rgm2d; field2d with traces one row apart) and outside (field2d with traces three rows apart). Ridges: thinned samples
(metrics/thinning.py); right: within 2 samples of a fault. `mtl faults --threshold auto` has the means of its table from
here. F1 of raw samples and of ridges, within 2 samples, at fixed thresholds and at the automatic one.

Last figures, packaged model:

    share of ridges that are right, from a probability on
                  0.005  0.010  0.020  0.050  0.100  0.200  0.300  0.500  0.600  0.700  0.800  0.900  0.970
    rgm2d          0.02   0.02   0.08   0.13   0.33   0.45   0.51   0.64   0.72   0.82   0.94   0.99   1.00
    field2d 1.0    0.13   0.27   0.27   0.31   0.36   0.42   0.56   0.51   0.60   0.61   0.69   0.75   0.98
    field2d 3.0    0.35   0.45   0.54   0.58   0.62   0.63   0.73   0.68   0.75   0.77   0.80   0.87   0.98

    F1 of samples, of ridges, from a probability on, and from the automatic threshold (its mean)
                         0.02         0.05          0.1          0.2         0.35          0.5         auto
    rgm2d         0.950 0.964  0.967 0.967  0.976 0.969  0.982 0.970  0.984 0.971  0.985 0.972  0.979 0.971 (0.192)
    field2d 1.0   0.747 0.728  0.756 0.736  0.758 0.739  0.760 0.743  0.760 0.744  0.759 0.744  0.759 0.741 (0.174)
    field2d 3.0   0.699 0.656  0.685 0.650  0.675 0.646  0.664 0.637  0.652 0.629  0.641 0.620  0.676 0.645 (0.147)

Samples within 2 of a fault count as right, so a low threshold costs little; ridges tell the truth. Calibration is as
good outside as inside: what the network doubts there is as often a fault, there is only more of it.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from mtl_seismic.heads.metrics import precision_recall, thinned, thinned_precision_recall
from mtl_seismic.interpret.faults.threshold import BINS, LEAST, automatic
from mtl_seismic.synth import RECIPES, generate
from mtlcore.inference.chain import Chain
from mtlcore.inference.infer import InferOptions
from mtlcore.model.checkpoint import load_model

Array = NDArray[np.float32]
KINDS = (("rgm2d", None), ("field2d", 1.0), ("field2d", 3.0))
EDGES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.01)
FIXED = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5)


def answers(chain: Chain, recipe: str, spacing: float | None, count: int) -> list[tuple[Array, Array, Array, Array]]:
    """Of each item: probability, true faults, and the ridges of both."""
    options = {} if spacing is None else {"trace_spacing": (spacing, spacing)}
    found = []
    for index in range(count):
        item = generate(RECIPES[recipe](shape=(256, 256), **options), 777, index)
        fields = chain.run(item["image"], ("fault",)).fields
        truth, lines = item["fault_probability"], thinned(item["fault_probability"], item["fault_dip"], None)
        ridges = thinned(fields["fault_probability"], fields["fault_dip"], None, EDGES[0])
        found.append((fields["fault_probability"], truth, ridges, lines))
    return found


def table(found: list[tuple[Array, Array, Array, Array]]) -> list[float]:
    """The share of ridges that are right, between the EDGES."""
    probability = np.concatenate([answer[ridges] for answer, _, ridges, _ in found])
    right = np.concatenate([distance_transform_edt(truth < 0.5)[ridges] <= 2 for _, truth, ridges, _ in found])
    part = np.digitize(probability, EDGES) - 1
    return [float(right[part == k].mean()) if (part == k).any() else np.nan for k in range(len(EDGES) - 1)]


def scores(probability: Array, truth: Array, ridges: Array, lines: Array, threshold: float) -> tuple[float, float]:
    """F1 of samples and of ridges."""
    detected = ridges & (probability >= threshold)
    return (
        precision_recall(probability, truth, 2, threshold)[2],
        thinned_precision_recall(detected, truth, lines, 2)[2],
    )


def found_threshold(probability: Array, ridges: Array) -> float:
    """The automatic threshold of one item."""
    values = probability[ridges & (probability >= LEAST)]
    return automatic(np.bincount(np.clip(values * BINS, 0, BINS - 1).astype(np.intp), minlength=BINS))


def main(count: int, name: str) -> None:
    """A table of shares, and one of scores."""
    torch.set_num_threads(1)
    chain = Chain.of([load_model(name, stage="mti", ndim=2)], options=InferOptions(scale=1.0))
    found = {kind: answers(chain, *kind, count) for kind in KINDS}
    print(
        "share of ridges that are right, from a probability on\n"
        + " " * 14
        + "".join(f"{at:7.3f}" for at in EDGES[:-1])
    )
    for (recipe, spacing), items in found.items():
        print(f"{recipe} {spacing or '':<6}" + "".join(f"{share:7.2f}" for share in table(items)))
    print(
        "\nF1 of samples, of ridges"
        + " " * 6
        + "".join(f"{at:14}" for at in FIXED)
        + "          auto  (mean threshold)"
    )
    for (recipe, spacing), items in found.items():
        columns = [[scores(*item, at) for item in items] for at in FIXED]
        chosen = [found_threshold(item[0], item[2]) for item in items]
        columns.append([scores(*item, at) for item, at in zip(items, chosen, strict=True)])
        means = [np.nanmean(column, axis=0) for column in columns]
        text = "".join(f"{samples:7.3f}{ridges:7.3f}" for samples, ridges in means)
        print(f"{recipe} {spacing or '':<22}{text}   {np.mean(chosen):.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12, sys.argv[2] if len(sys.argv) > 2 else "default")
