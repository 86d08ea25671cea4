"""Volumes of growing size with one budget of memory: CPU time a sample, peak memory, samples read.

    python tests/benchmarks/any_size.py 64 128 256 --memory 4G

Each volume is tiled from mirrored copies of one synthetic item, with noise, and run as users run it (all tasks, no
pictures). On a Xeon without bfloat16, one thread while a test suite ran, packaged 3D model, --memory 4G:

     edge  columns   read us/sample    CPU s   wall s planned s  peak GB planned GB
       64        1   1.00      22.23        6        4         2     0.63      0.65
      128        1   1.00       9.11       19       17        12     1.57      1.85
      256        4   2.60      12.43      208      215       178     4.40      3.41

Starting takes 4 s of the CPU time. 512 and 1000 have not been run: their plans read 6.3 and 8.4 samples for each.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from mtlcore.plugin.plugins import current


def make_volume(edge: int, path: Path) -> None:
    """A volume of ``edge`` samples along each axis."""
    source = current().sources["synth"](shape=(128, 128, 128), seed=78, validation_items=1)
    volume = source.open("rgm3d", "valid", ())[0]["image"]
    for axis in range(3):
        while volume.shape[axis] < edge:
            volume = np.concatenate([volume, np.flip(volume, axis)], axis)
        volume = volume.take(range(edge), axis)
    noise = np.random.default_rng(0).normal(0, 0.05 * volume.std(), volume.shape)
    np.save(path, (volume + noise).astype(np.float32))


def measure(edge: int, folder: Path, memory: str, more: list[str]) -> str:
    """One row of the table."""
    image, output = folder / f"{edge}.npy", folder / f"result{edge}"
    make_volume(edge, image)
    command = [sys.executable, "-m", "mtl_cli.main", "run", "-i", str(image), "-o", str(output), "--memory", memory]
    plan = subprocess.run([*command, "--dry-run", "--json"], capture_output=True, text=True, check=True)
    planned = json.loads(plan.stdout)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, "--no-pictures", "-q", *more], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    record = json.loads((output / "run.json").read_text())
    peak = record["peak_memory"]["process"]
    seconds = sum(record["seconds"].values())
    return (
        f"{edge:5d} {record['columns']:8d} {planned['read']:6.2f} {cpu / edge**3 * 1e6:10.2f} {cpu:8.0f} "
        f"{seconds:8.0f} {planned['seconds']:9.0f} {peak / 1e9:8.2f} {planned['memory'] / 1e9:9.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("edges", type=int, nargs="+")
    parser.add_argument("--memory", default="4G")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--folder", type=Path, help="where volumes and results go (default: temporary)")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(" edge  columns   read us/sample    CPU s   wall s planned s  peak GB planned GB")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for edge in given.edges:
            print(measure(edge, Path(folder), given.memory, ["--workers", given.workers]), flush=True)


main()
