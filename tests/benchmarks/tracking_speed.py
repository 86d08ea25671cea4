"""Seconds and memory of tracking RGT, without the network: by the compiled kernel and by numpy.

    python tests/benchmarks/tracking_speed.py [--numpy] [SIZE...]

SIZEs (256x1024 900x600 96x96x96), of made-up embeddings of layers that dip and fold and are cut by faults. ``--numpy``:
without the kernel. Last figures, CPU seconds of one thread on a busy machine (ratios hold elsewhere), peak memory with
the embeddings:

                    kernel     numpy    peak of kernel's
    256x1024        0.28 s    1.42 s    277 MB
    900x600         0.61 s    4.11 s    326 MB
    96x96x96        0.46 s    2.02 s    326 MB
    3000x4000      20.31 s              1874 MB
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import numpy as np
import torch
from numpy.typing import NDArray

from mtl_seismic.heads.correspondence import CELL
from mtl_seismic.heads.tracking import kernel
from mtl_seismic.heads.tracking.solve import solve_arrays

Array = NDArray[np.float16]
CHANNELS = 32


def embeddings(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Query and key: sines of time with many periods, and noise in the query."""
    random = np.random.default_rng(0)
    cells = [-(-size // CELL) for size in shape]
    place = np.meshgrid(*(np.arange(size, dtype=np.float32) for size in cells), indexing="ij", sparse=True)
    time = place[0] + sum(3 * np.sin(axis / 40) + 0.1 * axis for axis in place[1:])
    for throw, cut in zip(random.uniform(-12, 12, 6), random.uniform(0, cells[1], 6), strict=True):
        time = time + np.float32(throw) * (place[1] > cut + 0.2 * place[0])
    query, key = np.empty((2, CHANNELS, *cells), np.float16)
    for channel, (wave, phase) in enumerate(random.uniform((0.02, 0), (0.9, 6), (CHANNELS, 2)).astype(np.float32)):
        key[channel] = np.sin(wave * time + phase)
        query[channel] = 4 * key[channel] + random.standard_normal(cells, np.float32)
    return query, key


def main(sizes: list[str]) -> None:
    """A line for each size."""
    torch.set_num_threads(1)
    print(f"kernel: {kernel.available()}\n{'':16}{'CPU s':>10}{'MB':>10}")
    for size in sizes:
        shape = tuple(map(int, size.split("x")))
        query, key = embeddings(shape)
        start = time.process_time()
        solve_arrays(query, key, shape)
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{size:16}{seconds:10.2f}{peak:10.0f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--numpy", action="store_true")
    parser.add_argument("sizes", nargs="*", default=["256x1024", "900x600", "96x96x96"])
    given = parser.parse_args()
    if given.numpy:
        os.environ["MTL_KERNEL"] = "0"
    main(given.sizes or ["256x1024"])
