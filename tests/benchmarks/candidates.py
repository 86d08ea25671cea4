"""Networks and losses compared after the same time of training: quality on unseen items, and time of inference.

    python tests/benchmarks/candidates.py train FOLDER [--minutes 6] [--only NAME,...] [--threads 1]
    python tests/benchmarks/candidates.py evaluate FOLDER [--only NAME,...] [--threads 1]
    python tests/benchmarks/candidates.py time FOLDER [--threads 2]

``train`` measures a step of each candidate and gives it as many steps as fit in the minutes (cosine schedule to the
end), on 192x192 crops of one data set of 2,000 items, and evaluates it on 60 items of seed 77, which is used for
choices alone: packaged models are reported on another seed. ``evaluate`` does the latter again, ``time`` measures the
network on a 256x1024 section. All write FOLDER/NAME.json and print a row for each candidate. Last figures: the card of
the packaged 2D inference model.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from other_parts import AngleFault, OtherParts

from mtl_seismic.synth.source import Synthetic
from mtlcore import hookimpl
from mtlcore.inference.chain import Chain
from mtlcore.model.checkpoint import load_model
from mtlcore.model.net import parameter_count
from mtlcore.plugin.plugins import current
from mtlcore.training.evaluate import evaluate_item, summary
from mtlcore.training.job import Job
from mtlcore.training.train import train

SMALL = {"name": "unet", "widths": [32, 48, 64, 96]}
DEFAULT = {"name": "unet", "widths": [48, 64, 96, 128]}
THREE = {"name": "unet", "widths": [48, 72, 128]}
OTHER = {**SMALL, "name": OtherParts.name}
NETWORKS: dict[str, dict[str, Any]] = {
    "small": SMALL,
    "default": DEFAULT,
    "three-levels": THREE,
    "wider-context": {**THREE, "dilations": [1, 2, 4, 8]},
    "five-levels": {"name": "unet", "widths": [32, 48, 64, 96, 96]},
    "no-dilation": {**SMALL, "dilations": [1]},
    "full-resolution": {"name": "unet", "stem": 1, "widths": [16, 32, 48, 64, 96]},
    "cells-of-4": {"name": "unet", "stem": 4, "widths": [64, 96, 128]},
    "private-decoders": {**SMALL, "decoders": "private"},
    "group-norm": {**OTHER, "normalisation": "group"},
    "no-norm": {**OTHER, "normalisation": "none"},
    "plain-blocks": {**OTHER, "blocks": "plain"},
    "dhr-interpolated": {**OTHER, "dhr_raised": "interpolation"},
}
REFERENCE = {"variant": "reference"}
LOSSES: dict[str, dict[str, dict[str, Any]]] = {
    "all-reference": {"dhr": REFERENCE, "rgt": REFERENCE, "fault": REFERENCE},
    "no-noise-no-dice": {"dhr": {"noise_weight": 0.0}, "fault": {"dice_weight": 0.0}},
    "no-gradient": {"dhr": {"gradient_weight": 0.0}},
    "slopes": {"rgt": {"variant": "slopes"}},
    "angle": {"fault": {"name": AngleFault.name}},
}
"""Of the small network. Tasks have figures of their own, so that one training tells of a loss of each."""
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "muon": {"optimizer": "muon"},
    "muon-5": {"optimizer": "muon", "learning_rate": 5e-3},
}
CANDIDATES: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    **{name: (backbone, {}) for name, backbone in NETWORKS.items()},
    **{name: (THREE, {}) for name in OPTIMIZERS},
    "reference-network": ({"name": "resunet"}, LOSSES["all-reference"]),
    **{name: (SMALL, tasks) for name, tasks in LOSSES.items()},
}
SHOWN = (
    "dhr.snr",
    "rgt.horizon_mean",
    "rgt.horizon_within_2",
    "fault.f1_2",
    "fault.calibration_error",
    "fault.dip_error",
    "fault.dip_within_5",
)
TIMED_STEPS = 12


class Clock:
    """When each step of training ended, in this process's own time: others on the machine do not count."""

    def __init__(self) -> None:
        self.times: list[float] = []

    @hookimpl
    def step_finished(self, stage: str) -> None:
        if stage == "train":
            self.times.append(time.process_time())


def job(name: str, data: Path, epoch_items: int) -> Job:
    """One epoch of training of a candidate."""
    backbone, tasks = CANDIDATES[name]
    return Job(
        str(data),
        backbone=backbone,
        tasks=tuple({"name": task, **tasks.get(task, {})} for task in ("dhr", "rgt", "fault")),
        train={
            "epochs": 1,
            "epoch_items": epoch_items,
            "batch_size": 4,
            "optimizer": "adamw",
            "learning_rate": 1e-3 if backbone["name"] == "resunet" else 2e-3,
            **OPTIMIZERS.get(name, {}),
            "average": 0.99,
            "precision": "bfloat16",
            "metric_items": 0,
        },
        augment={"flip": True, "polarity": 0.5, "amplitude": 1.5},
        device="cpu",
    )


def step_seconds(name: str, data: Path, folder: Path) -> float:
    """Median time of a step, items included."""
    clock = Clock()
    with current().listening(clock):
        train(job(name, data, 4 * TIMED_STEPS), folder / f"{name}-timing")
    shutil.rmtree(folder / f"{name}-timing")
    return float(np.median(np.diff(clock.times[2:])))


def train_one(name: str, data: Path, folder: Path, minutes: float) -> dict[str, Any]:
    """Train and evaluate a candidate."""
    seconds = step_seconds(name, data, folder)
    steps = max(int(60 * minutes / seconds), 1)
    train(job(name, data, 4 * steps), folder / name)
    return {"name": name, "step": seconds, "steps": steps, **evaluate_one(name, folder)}


def evaluate_one(name: str, folder: Path) -> dict[str, Any]:
    """A candidate's size and figures."""
    model = load_model(str(folder / name / "last"))
    chain = Chain.of([model])
    items = Synthetic(validation_items=60, seed=77, shape=(360, 256)).open("rgm2d", "valid", ())
    figures, _ = summary([evaluate_item(chain, items[i], None, np.random.default_rng(i)) for i in range(len(items))])
    figures = {name.replace(f"{AngleFault.name}.", "fault."): value for name, value in figures.items()}
    return {"parameters": parameter_count(model.net), **figures}


def time_one(name: str, folder: Path) -> dict[str, float]:
    """Seconds of the network for a 256x1024 section, in either precision."""
    image = np.random.default_rng(0).standard_normal((256, 1024)).astype(np.float32)
    model = load_model(str(folder / name / "last"))
    names = {"float32": "network", "bfloat16": "network_bfloat16"}
    values = {"image": torch.from_numpy(image)[None, None]}
    times = {}
    for precision, label in names.items():
        enabled = precision == "bfloat16"
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            times[label] = _best(lambda: model.net(values))
    return times


def _best(action: Any, times: int = 5) -> float:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


@contextmanager
def kept(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """A candidate's figures so far; what is added is saved and printed."""
    path = folder / f"{name}.json"
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    yield figures
    path.write_text(json.dumps(figures, indent=1))
    size = f"{figures['parameters'] / 1e6:.2f} M, {figures['steps']} steps"
    times = [f"{figures[what]:.2f} s" for what in ("network", "network_bfloat16") if what in figures]
    print(" | ".join([name, size, *times, *(f"{figures.get(metric, np.nan):.3f}" for metric in SHOWN)]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("train", "evaluate", "time"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--only", default=",".join(CANDIDATES))
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    torch.set_num_threads(given.threads or {"train": 1, "evaluate": 1, "time": 2}[given.what])
    data = given.folder / "data"
    for name in given.only.split(","):
        done = (given.folder / f"{name}.json").exists()
        if given.what == "train" and not done:
            with kept(given.folder, name) as figures:
                figures.update(train_one(name, data, given.folder, given.minutes))
        elif given.what != "train" and done:
            with kept(given.folder, name) as figures:
                figures.update({"evaluate": evaluate_one, "time": time_one}[given.what](name, given.folder))


if __name__ == "__main__":
    main()
