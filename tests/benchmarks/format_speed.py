"""Speed and memory of each format, as ratios to .npy: a volume written and read in windows.

Run: python tests/benchmarks/format_speed.py [edge of the cube in samples]
Each format runs in a process of its own. ``write``: cubes of 128 samples, in any order, until the file is
complete; ``read``: the same cubes; ``slices``: 16 planes across each axis. Times are those of the processor, in
all threads, since other work on the machine changes them least: seconds for .npy, ratios to it for the others
(more than 1: slower). ``size``: of the file to that of its samples. ``memory``: MB at the highest above what
was there before; of .npy and .vti most are pages of the file, which the system may drop at any time.

Last figures (256^3, 2 cores of a busy machine, zarr 3.1.6, h5py 3.16):

    format   write    read  slices    size   memory: write   read  slices
    npy       0.06    0.02    0.02    1.00              56     64      56
    vti       0.64    0.92    0.99    1.00              56     64      56
    h5        1.50    2.16    4.76    1.00              55     71      55
    zarr      5.04    8.79   68.64    0.87              59     91      92

So .zarr reads 400 MB/s; a plane takes 29 ms, since its chunks, 64 samples thick, are read whole.
"""

import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np

from mtlcore import IMAGE, Geometry
from mtlcore.io.files import make_format, stored_size

SUFFIXES = (".npy", ".vti", ".h5", ".zarr")
EDGE = 128


def cube() -> np.ndarray:
    """Return noise that is smooth along depth, which compresses about as little as a seismic image."""
    noise = np.random.default_rng(0).standard_normal((EDGE, EDGE, EDGE), dtype=np.float32)
    return np.cumsum(noise, axis=0) * np.float32(0.1)


def windows(edge: int) -> list[tuple[slice, ...]]:
    """Return cubes that cover the volume, in a random order."""
    spans = [slice(start, min(start + EDGE, edge)) for start in range(0, edge, EDGE)]
    cubes = list(product(spans, repeat=3))
    return [cubes[index] for index in np.random.default_rng(1).permutation(len(cubes))]


def planes(edge: int) -> list[tuple[slice, ...]]:
    """Return 16 planes across each axis."""
    whole = [slice(0, edge)] * 3
    places = range(0, edge, max(edge // 16, 1))
    return [(*whole[:axis], slice(at, at + 1), *whole[axis + 1 :]) for axis in range(3) for at in places]


def peak() -> float:
    """Return this process's highest memory so far in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(suffix: str, part: str, path: Path, edge: int) -> list[float]:
    """Write or read one file; return seconds and MB."""
    # Imports, and what a package sets up when it is first used, are no part of the measurement.
    small = path.with_name(f"small{suffix}")
    with make_format(small).create(small, Geometry.of_shape((2, 2, 2)), IMAGE) as writer:
        writer.write((slice(0, 2),) * 3, np.ones((2, 2, 2), np.float32))
    make_format(small).open(small).load()
    values = cube()
    before, began = peak(), time.process_time()
    if part == "write":
        with make_format(path).create(path, Geometry.of_shape((edge,) * 3), IMAGE) as writer:
            for window in windows(edge):
                writer.write(window, values[tuple(slice(0, span.stop - span.start) for span in window)])
    else:
        volume = make_format(path).open(path)
        for window in windows(edge) if part == "read" else planes(edge):
            volume.read(window)
    return [time.process_time() - began, peak() - before]


def main() -> None:
    """Print one row for each format."""
    edge = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    print("format   write    read  slices    size   memory: write   read  slices")
    base: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in SUFFIXES:
            path = Path(folder) / f"volume{suffix}"
            figures = []
            for part in ("write", "read", "slices"):
                command = [sys.executable, __file__, "--measure", suffix, part, str(path), str(edge)]
                runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(3)]
                # The fastest of three: other work on the machine only ever adds.
                figures.append(min([float(value) for value in run.stdout.split()] for run in runs))
            seconds, memory = [figure[0] for figure in figures], [figure[1] for figure in figures]
            size = stored_size(path) / (4 * edge**3)
            shown = [one / other for one, other in zip(seconds, base, strict=True)] if base else seconds
            base = base or seconds
            row = "".join(f"{value:8.2f}" for value in (*shown, size))
            print(f"{suffix[1:]:6}{row}" + f"{memory[0]:16.0f}{memory[1]:7.0f}{memory[2]:8.0f}", flush=True)


if __name__ == "__main__":
    if "--measure" in sys.argv:
        _, _, chosen, what, file, size = sys.argv
        print(*measure(chosen, what, Path(file), int(size)))
    else:
        main()
