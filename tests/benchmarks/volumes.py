"""How good 3D models are on synthetic volumes that no training saw, with what interpreters make of the fields.

    python tests/benchmarks/volumes.py [--items 6] [--recipe rgm3d] [--shape 128x128x128] [--file VOLUME.npz] [MODEL...]

Items of seed 4242, or the volume of a file: image, dhr, rgt, fsem, fdip, fstrike (hundredths of a degree). MODELs:
folders or names (default: the packaged one). Columns: gain of DHR in dB; faults: precision, recall and F1 within 2
samples at a probability of 0.5, calibration error, angle of plane normals on true fault samples (mean, median,
degrees); horizons: share within 2 samples, mean error; share of steps of horizons from trace to trace, off faults,
that differ by more than 1 sample from the labels', along both lateral axes; throw on true fault samples, from RGT
against from its labels (median error in samples, and at what share of them it is resolved); planes of faults as mtl
faults makes them (of rgm3d's flat ones: share of true pieces found, median distance in samples and angle in degrees,
share of vertices off all true pieces); seconds of one core.
Last figures: in the card of the packaged 3D model.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from fault_planes import compare, true_pieces
from numpy.typing import NDArray
from scipy import ndimage

from mtl_seismic.heads.metrics.angles import plane_angle, plane_normal
from mtl_seismic.interpret.faults.extract import extract_faults
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtl_seismic.interpret.faults.surface import Surface
from mtl_seismic.interpret.faults.throw import measure
from mtl_seismic.synth.source import Synthetic
from mtlcore.inference.chain import Chain
from mtlcore.io.volume import ArrayVolume
from mtlcore.model.checkpoint import load_model

Array = NDArray[np.float32]
Item = Mapping[str, Array]
SEED = 4242
HORIZONS = 24
"""Horizons of the central trace whose steps are measured."""
THROWS = 3000
"""True fault samples at which throw is measured."""
ANGLES = ("fault_dip", "fault_strike")


def volumes(recipe: str, count: int, shape: tuple[int, ...]) -> Iterator[Item]:
    """Items of a recipe."""
    items = Synthetic(validation_items=count, seed=SEED, shape=shape).open(recipe, "valid", ())
    yield from (items[index] for index in range(count))


def stored(path: str) -> Iterator[Item]:
    """The item in a file."""
    with np.load(path) as file:
        item = {name: file[name].astype(np.float32) for name in ("image", "dhr", "rgt")}
        angles = {f"fault_{name}": file[f"f{name}"] / np.float32(100) for name in ("dip", "strike")}
        yield item | angles | {"fault_probability": file["fsem"].astype(np.float32)}


def figures(chain: Chain, item: Item, flat: bool) -> dict[str, float]:
    """All columns of one volume; planes only of flat faults, whose pieces are known."""
    began = time.process_time()
    fields = chain.run(item["image"]).fields
    seconds = time.process_time() - began
    found: dict[str, float] = {}
    for task in chain.chosen(None):
        given = {output.name: fields[output.name] for output in task.outputs_in(3)}
        found |= {f"{task.name}.{name}": value for name, value in task.metrics(given, item).items()}
    fault = item["fault_probability"] > 0.5
    angles = [values[name][fault] for values in (fields, item) for name in reversed(ANGLES)]
    row = {
        "gain": found["dhr.snr"] - found["dhr.input_snr"],
        "precision": found.get("fault.precision_2", np.nan),
        "recall": found.get("fault.recall_2", np.nan),
        "F1": found["fault.f1_2"],
        "calibration": found["fault.calibration_error"],
        "normals": float(np.mean(plane_angle(*angles))) if fault.any() else np.nan,
        "median": float(np.median(plane_angle(*angles))) if fault.any() else np.nan,
        "within 2": found["rgt.horizon_within_2"],
        "horizons": found["rgt.horizon_mean"],
    }
    row |= steps(fields["rgt"], item["rgt"], fault)
    row |= throws(fields["rgt"], item)
    row |= planes(fields, item) if flat else {}
    return row | {"seconds": seconds}


def steps(estimate: Array, truth: Array, fault: NDArray[np.bool_]) -> dict[str, float]:
    """Steps of horizons between neighbouring traces that the labels do not have, along each lateral axis."""
    depth, rows, columns = truth.shape
    centre = (slice(None), rows // 2, columns // 2)
    at = np.linspace(0.1, 0.9, HORIZONS) * (depth - 1)
    maps = [_depths(rgt, np.interp(at, np.arange(depth), rgt[centre])) for rgt in (estimate, truth)]
    near = ndimage.binary_dilation(fault, iterations=3)
    found = {}
    for axis, name in ((1, "inline steps"), (2, "crossline steps")):
        here = np.clip(np.nan_to_num(maps[1]), 0, depth - 1).round().astype(int)
        off = ~np.take_along_axis(near, here, 0)
        usable = np.isfinite(maps[1]) & off
        both = np.logical_and(*(np.delete(usable, end, axis) for end in (0, -1)))
        wrong = np.abs(np.diff(maps[0], axis=axis) - np.diff(maps[1], axis=axis))
        found[name] = float((wrong[both] > 1).mean())
    return found


def _depths(rgt: Array, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depths of horizons in every trace, horizons x ...; NaN where a trace does not reach one."""
    traces = np.maximum.accumulate(rgt.reshape(len(rgt), -1).T.astype(np.float64), axis=1)
    places = np.arange(len(rgt))
    found = np.stack([np.interp(times, trace, places, left=np.nan, right=np.nan) for trace in traces], 1)
    return found.reshape(len(times), *rgt.shape[1:])


def throws(rgt: Array, item: Item) -> dict[str, float]:
    """Throw at true fault samples, with the true normals, from a field of time against from the labels."""
    samples = np.argwhere(item["fault_probability"] > 0.5)
    if not len(samples):
        return {"throw": np.nan, "throw told": np.nan}
    chosen = samples[np.random.default_rng(0).choice(len(samples), min(THROWS, len(samples)), replace=False)]
    at = tuple(chosen.T)
    normals = np.stack(
        [plane_normal(s, d) for s, d in zip(item["fault_strike"][at], item["fault_dip"][at], strict=True)]
    )
    surface: Any = Surface.__new__(Surface)
    object.__setattr__(surface, "vertices", chosen.astype(float))
    object.__setattr__(surface, "normals", normals)
    told, true = (measure(surface, ArrayVolume(values), ExtractOptions()) for values in (rgt, item["rgt"]))
    known = np.isfinite(true)
    both = known & np.isfinite(told)
    error = float(np.median(np.abs(told - true)[both])) if both.any() else np.nan
    return {"throw": error, "throw told": float(both.sum() / max(known.sum(), 1))}


def planes(fields: Item, item: Item) -> dict[str, float]:
    """Surfaces of faults against the true pieces, as fault_planes.py compares them."""
    labels = {"fsem": item["fault_probability"] > 0.5}
    labels |= {f"f{name}": np.rint(item[f"fault_{name}"] * 100) for name in ("dip", "strike")}
    pieces = true_pieces(labels)
    faults = extract_faults(dict(fields), ExtractOptions())
    if not faults or not pieces:
        return {"pieces": 0.0 if pieces else np.nan, "distance": np.nan, "angle": np.nan, "off": np.nan}
    with contextlib.redirect_stdout(io.StringIO()):
        found = compare(faults, pieces)
    return {
        "pieces": found["pieces_recovered"] / found["true_pieces"],
        "distance": found["distance_median"],
        "angle": found["angle_median"],
        "off": found["vertices_off_all_pieces"],
    }


def main() -> None:
    """Print a table for each model: a row for each volume, and their means."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=["default"])
    parser.add_argument("--items", type=int, default=6)
    parser.add_argument("--recipe", default="rgm3d", choices=("rgm3d", "field3d"))
    parser.add_argument("--shape", default="128x128x128")
    parser.add_argument("--file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    shape = tuple(int(size) for size in given.shape.split("x"))
    for name in given.models:
        chain = Chain.of([load_model(name, stage="mti", ndim=3)])
        rows = []
        for item in stored(given.file) if given.file else volumes(given.recipe, given.items, shape):
            rows.append(figures(chain, item, flat=given.recipe == "rgm3d"))
            if len(rows) == 1:
                print(f"\n{name}, {given.file or given.recipe}\n{'':6}" + "".join(f"{key:>16}" for key in rows[0]))
            print(f"{len(rows):<6}" + "".join(f"{value:16.3f}" for value in rows[-1].values()), flush=True)
        means = [np.nanmean([row[key] for row in rows]) for key in rows[0]]
        print(f"{'mean':6}" + "".join(f"{value:16.3f}" for value in means), flush=True)


if __name__ == "__main__":
    main()
