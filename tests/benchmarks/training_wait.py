"""The share of its time that training waits for synthetic items.

    python tests/benchmarks/training_wait.py [synth:rgm2d,field2d] [--crop 192,192] [--batch 8] [--steps 30]

Last figures (2 cores of an AMD EPYC, the other busy; default network, bfloat16, one thread, one worker): 2D, batches of
8 crops of 192 x 192: waited 0.49 s of 67.40 s, 0.7 %; 3D (synth:rgm3d,field3d --crop 96,96,96 --batch 1 --steps 8):
0.15 s of 44.97 s, 0.3 %. A device that does a 3D step in less than an item's second needs more workers.
"""

from __future__ import annotations

import argparse
import time

import torch

from mtlcore.model.model import Model, Parts, build_part, describe
from mtlcore.plugin.plugins import current
from mtlcore.training.data import AugmentOptions, EpochOrder, Samples, batches
from mtlcore.training.optimise import Objective, make_optimizer
from mtlcore.training.sources import open_items


def measure(data: str, crop: tuple[int, ...], batch_size: int, steps: int, workers: int) -> tuple[float, float]:
    """Seconds waited and seconds in all, after two steps of warming up."""
    plugins = current()
    tasks = tuple(build_part("task", {"name": name}, plugins) for name in ("dhr", "rgt", "fault"))
    parts = Parts(
        build_part("stage", {"name": "mti"}, plugins), build_part("backbone", {"name": "unet"}, plugins), tasks
    )
    items = open_items(data, {}, "train", [output for task in tasks for output in task.outputs], plugins)
    model = Model.new(describe(parts, len(items.shape)), plugins)
    objective = Objective(model.net, parts.stage, tasks, False, "bfloat16").train()
    optimizer = make_optimizer("adamw", objective.parameters(), 1e-3, 1e-2)
    samples = Samples(items, parts.stage, tasks, 1.0, 0, crop, AugmentOptions())
    order = EpochOrder(len(items), (steps + 2) * batch_size, batch_size, 0, 0)
    waited, began, ready = 0.0, 0.0, 0.0
    for number, batch in enumerate(batches(samples, order, workers)):
        if number == 2:
            began, waited = time.perf_counter(), 0.0
        elif number:
            waited += time.perf_counter() - ready
        optimizer.zero_grad()
        objective(batch)["loss"].backward()
        optimizer.step()
        ready = time.perf_counter()
    return waited, time.perf_counter() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="?", default="synth:rgm2d,field2d")
    parser.add_argument("--crop", default="192,192")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(1)
    sizes = tuple(map(int, given.crop.split(",")))
    lost, total = measure(given.data, sizes, given.batch, given.steps, given.workers)
    print(f"{given.data}: waited {lost:.2f} s of {total:.2f} s, {lost / total:.1%}")
