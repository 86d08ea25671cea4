"""Training on one machine's CPU: one process with N threads, N processes together, N runs apart from each other.

    python tests/benchmarks/processes.py [--items 64] [--threads 2] [--repeats 1] [--only together]

Each trains the default network on the same number of synthetic items of 192 x 192 samples in all, start included. The
last row is what no exchange can beat: N single-thread runs with 1/N of the items each. On a busy machine compare CPU
seconds: processes that wait for each other sleep.

Last figures (2 cores of a Xeon with AVX-512 that 16 other processes shared; 32 items, start included), in CPU seconds:
2 processes together 20.3, 2 runs of half the items 18.5: 0.91 of them. 1 process with 2 threads 14.4, of which one
start instead of two saves 4; its threads sleep while they wait (OMP_WAIT_POLICY=PASSIVE): spinning, it took 45.2 (and
427 s instead of 106 on the clock).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH = 8
OPTIONS = (
    "source.shape=[192,192]", "source.validation_items=2", "train.metric_items=0", "train.pictures=0",
    "train.epochs=1", "train.crop=[0,0]",
)  # fmt: skip


def command(folder: Path, items: int, batch: int, processes: int, threads: int) -> list[str]:
    """One training run."""
    settings = (*OPTIONS, f"source.items={items}", f"train.batch_size={batch}")
    return [
        sys.executable, "-m", "mtl_cli.main", "train", "--data", "synth:rgm2d", "--output", str(folder), "--quiet",
        "--device", "cpu", "--processes", str(processes), "--threads", str(threads),
        *(part for setting in settings for part in ("--set", setting)),
    ]  # fmt: skip


def timed(commands: list[list[str]], threads: int) -> tuple[float, float]:
    """Wall and CPU seconds of commands that run at once."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    running = [subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL) for line in commands]
    if any(process.wait() for process in running):
        raise SystemExit("a training failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", default="", help="part of the names of the rows to measure")
    given = parser.parse_args()
    count, items = given.threads, given.items
    print(f"{'':34}  wall s   CPU s   items per CPU s")
    for _ in range(given.repeats):
        with tempfile.TemporaryDirectory() as place:
            kinds = {
                f"1 process, {count} threads": ([command(Path(place, "a"), items, BATCH, 1, count)], count),
                f"{count} processes together": ([command(Path(place, "b"), items, BATCH, count, count)], 1),
                f"{count} runs of 1/{count} of the items": (
                    [command(Path(place, f"c{n}"), items // count, BATCH // count, 1, 1) for n in range(count)],
                    1,
                ),
            }
            for name, (commands, threads) in kinds.items():
                if given.only not in name:
                    continue
                wall, cpu = timed(commands, threads)
                print(f"{name:34}  {wall:6.1f}  {cpu:6.1f}  {items / cpu:6.2f}", flush=True)


if __name__ == "__main__":
    main()
