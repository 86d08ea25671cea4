"""Time and memory of opening a large SEG-Y file: all its trace headers are looked at.

Run: python tests/benchmarks/segy_opening.py [inlines] [crosslines]
A volume of so many lines, with the header words that exports have and 4 samples in each trace, is written to a
temporary folder (256 bytes for each trace) and opened. ``cpu``: seconds of the processor, in all threads; ``peak``:
memory of the process' own (without pages of the file) at the highest above what was there before, ``held``: what stays.

Last figures (2 cores of a busy machine, the file in the system's memory):

    traces       cpu    for each trace   peak    for each trace   held
    10000000    10.4 s      1.0 us      447 MB      45 bytes      94 MB

So 10^8 traces need 100 s of one core, 4.5 GB while they are opened and 1 GB then, and on a disk a page for each header.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from mtl_seismic.segy.format import SegY

SAMPLES = 4
RECORD = np.dtype([("header", "u1", 240), ("samples", ">f4", SAMPLES)])


def write(path: Path, inlines: int, crosslines: int) -> None:
    """Write the volume line by line."""
    head = bytearray(3600)
    for start, value in ((3217, 4000), (3221, SAMPLES), (3225, 5), (3501, 256), (3503, 1)):
        head[start - 1 : start + 1] = value.to_bytes(2, "big")
    number = np.arange(crosslines)
    with path.open("wb") as file:
        file.write(bytes(head))
        for line in range(inlines):
            x, y = 50_000_000 + 1250 * number - 300 * line, 600_000_000 + 300 * number + 1250 * line
            words = {1: number + 1, 5: line * crosslines + number + 1, 9: 1000 + line, 13: number + 1}
            words |= {21: 2000 + number, 73: x, 77: y, 181: x, 185: y, 189: 1000 + line, 193: 2000 + number}
            traces = np.zeros(crosslines, RECORD)
            for start, values in words.items():
                put(traces, start, values, ">i4")
            for start, value in ((29, 1), (71, -100), (115, SAMPLES), (117, 4000)):
                put(traces, start, value, ">i2")
            file.write(traces.tobytes())


def put(traces: np.ndarray, start: int, values: np.ndarray | int, kind: str) -> None:
    """Set a header word."""
    column = np.broadcast_to(np.asarray(values), len(traces)).astype(kind)
    traces["header"][:, start - 1 : start - 1 + column.itemsize] = column[:, None].view(np.uint8)


def own_memory() -> float:
    """Return the memory of this process, without mapped files, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def main() -> None:
    """Print the figures."""
    inlines, crosslines = (int(word) for word in (*sys.argv[1:], 5000, 2000)[:2])
    count = inlines * crosslines
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.sgy"
        write(path, inlines, crosslines)
        before, peak, done = own_memory(), [0.0], threading.Event()

        def watch() -> None:
            while not done.wait(0.01):
                peak[0] = max(peak[0], own_memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        clock = time.process_time()
        volume = SegY().open(path)
        seconds = time.process_time() - clock
        done.set()
        watcher.join()
        assert volume.shape == (SAMPLES, inlines, crosslines)
        used, held = peak[0] - before, own_memory() - before
        print("traces       cpu    for each trace   peak    for each trace   held")
        each = f"{seconds / count * 1e6:8.1f} us {used:8.0f} MB {used * 2**20 / count:7.0f} bytes"
        print(f"{count:9d} {seconds:7.1f} s {each} {held:7.0f} MB")


if __name__ == "__main__":
    main()
