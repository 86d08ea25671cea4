"""Compare recipe rgm2d with the statistics published for 300 items of RGM's own 2D output.

Run: python tests/benchmarks/synth_fingerprints.py [items]
Prints one row per statistic: RGM's value, ours with RGM's half-sample shift and with the default alignment, and the
standard error of ours (bootstrap over items). A half-sample shift lowers the peaks of dhr: compare like with like.
"""

import sys
from collections.abc import Callable, Iterable

import numpy as np

from mtl_seismic.synth import Rgm2D, generate, parameters

Measures = dict[str, float]


def runs(mask: np.ndarray) -> np.ndarray:
    """Return the lengths of all horizontal runs of a boolean (depth, x) mask that touch no side."""
    steps = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, ends = np.nonzero(steps == 1), np.nonzero(steps == -1)
    inside = (starts[1] > 0) & (ends[1] < mask.shape[1])
    return (ends[1] - starts[1])[inside]


def measure(recipe: Rgm2D, index: int) -> Measures:
    """Return the statistics of one item."""
    item, drawn = generate(recipe, 2024, index, refinement_inputs=True), parameters(recipe, 2024, index)
    fault, rgt = item["fault_probability"] > 0, item["rgt"]
    dips, lengths, step = item["fault_dip"][fault], runs(fault), np.diff(rgt, axis=0)
    refined = item["refinement/fault_probability"] > 0
    return {
        "rms of dhr": float(np.sqrt(np.mean(item["dhr"] ** 2))),
        "rms of image": float(np.sqrt(np.mean(item["image"] ** 2))),
        "max of dhr": float(np.abs(item["dhr"]).max()),
        "max of image": float(np.abs(item["image"]).max()),
        "correlation": float(np.corrcoef(item["image"].ravel(), item["dhr"].ravel())[0, 1]),
        "fault fraction": float(fault.mean()),
        "regular": float(len(drawn["units"][-1]["faults"]) > 12 or _one_dip_family(drawn)),
        "unconformity": float(len(drawn["boundaries"]) > 0),
        "runs": float(len(lengths)),
        "runs of 3": float((lengths == 3).sum()),
        "runs of 4": float((lengths == 4).sum()),
        "fault samples": float(fault.sum()),
        "sum of dips": float(dips.sum(dtype=np.float64)),
        "least dip": float(dips.min(initial=180)),
        "greatest dip": float(dips.max(initial=0)),
        "rgt mean": float(rgt.mean()),
        "rgt top": float(rgt[0].mean()),
        "rgt bottom": float(rgt[-1].mean()),
        "rgt falling": float((step < 0).mean()),
        "rgt slope": float(np.median(step) * len(rgt)),
        "visible faults": float(len(np.unique(dips))),
        "refinement dhr std": float(item["refinement/dhr"].std()),
        "kept": float((refined & fault).sum()),
        "false": float((refined & ~fault).sum()),
        "refinement faults": float(refined.sum()),
    }


def _one_dip_family(drawn: dict) -> bool:
    displacements = {abs(fault["displacement"]) for fault in drawn["units"][-1]["faults"]}
    return len(displacements) >= 5 and max(displacements) <= 5.5


Column = Callable[[str], np.ndarray]


def statistics(column: Column) -> dict[str, float]:
    """Return the published statistics from the columns of all items."""
    regular, unconformity = column("regular") > 0, column("unconformity") > 0
    fraction = column("fault fraction")
    return {
        "rms of dhr": column("rms of dhr").mean(),
        "rms of image": column("rms of image").mean(),
        "max|dhr|, median": np.median(column("max of dhr")),
        "max|dhr|, least": column("max of dhr").min(),
        "max|dhr|, greatest": column("max of dhr").max(),
        "max|image|, median": np.median(column("max of image")),
        "corr(image, dhr), median": np.median(column("correlation")),
        "corr(image, dhr), least": column("correlation").min(),
        "corr(image, dhr), greatest": column("correlation").max(),
        "fault fraction, mean": fraction.mean(),
        "fault fraction, least": fraction.min(),
        "fault fraction, greatest": fraction.max(),
        "fault fraction, neither": fraction[~regular & ~unconformity].mean(),
        "fault fraction, unconformity": fraction[~regular & unconformity].mean(),
        "fault fraction, regular": fraction[regular & ~unconformity].mean(),
        "horizontal runs of 3 samples": column("runs of 3").sum() / column("runs").sum(),
        "horizontal runs of 4 samples": column("runs of 4").sum() / column("runs").sum(),
        "dip, least": column("least dip").min(),
        "dip, greatest": column("greatest dip").max(),
        "dip, mean": column("sum of dips").sum() / column("fault samples").sum(),
        "rgt, mean": column("rgt mean").mean(),
        "rgt, mean of top row": column("rgt top").mean(),
        "rgt, mean of bottom row": column("rgt bottom").mean(),
        "rgt falling with depth": column("rgt falling").mean(),
        "rgt slope x depth samples, median": np.median(column("rgt slope")),
        "visible faults per item": column("visible faults").mean(),
        "refinement: std of dhr": column("refinement dhr std").mean(),
        "refinement: true faults kept": column("kept").sum() / column("fault samples").sum(),
        "refinement: false among faults": column("false").sum() / column("refinement faults").sum(),
    }


RGM = (0.3294, 0.3294, 1.31, 0.95, 2.15, 1.29, 0.90, 0.74, 0.96, 0.075, 0.005, 0.24, 0.067, 0.048, 0.18)
RGM += (0.71, 0.22, 50.0, 130.0, 89.6, 0.498, 0.05, 0.93, 0.003, 0.84, 7.7, 0.25, 0.75, 0.11)


def with_errors(items: list[Measures]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the statistics of some items, and their standard errors."""
    columns = {name: np.array([item[name] for item in items]) for name in items[0]}
    rng = np.random.default_rng(0)
    chosen = [rng.integers(len(items), size=len(items)) for _ in range(200)]
    again = [statistics(lambda name, rows=rows: columns[name][rows]) for rows in chosen]
    ours = statistics(columns.__getitem__)
    return ours, {name: float(np.std([draw[name] for draw in again])) for name in ours}


def table(number: int) -> Iterable[str]:
    """Yield the lines of the table."""
    shifted, _ = with_errors([measure(Rgm2D(half_sample_shift=True), index) for index in range(number)])
    aligned, errors = with_errors([measure(Rgm2D(), index) for index in range(number)])
    yield f"{'statistic':36s}{'RGM':>9s}{'shifted':>9s}{'aligned':>9s}{'error':>9s}"
    for (name, error), theirs in zip(errors.items(), RGM, strict=True):
        yield f"{name:36s}{theirs:9.4g}{shifted[name]:9.4g}{aligned[name]:9.4g}{error:9.2g}"


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 300):
        print(line)
