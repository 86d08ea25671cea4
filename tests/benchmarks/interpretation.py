"""Peak memory and CPU time of what reads a result: mtl horizons, mtl faults, mtl report.

    python tests/benchmarks/interpretation.py RESULT

Each command runs in a process of its own and writes to a scratch folder. Last figures, on a result of 256³ samples in
npy (the labels of a synthetic volume of 128³, mirrored: 534,592 thinned fault samples, 86 faults; one thread, a busy
machine):

    horizons --count 5     0.55 GB      8 s of CPU time
    faults                 0.68 GB     39 s
    report                 0.80 GB     20 s
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = {
    "horizons --count 5": ("horizons", "--count", "5", "--no-picture"),
    "faults": ("faults", "--no-picture"),
    "report": ("report",),
}


def measure(result: Path, arguments: tuple[str, ...], scratch: Path) -> tuple[float, float]:
    """Peak memory in GB of the largest child so far, and CPU seconds of this one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    name, *flags = arguments
    command = [sys.executable, "-m", "mtl_cli.main", name, str(result), *flags, "--output", str(scratch / name)]
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_maxrss / 1e6, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    # A process for each: the peak of children never falls.
    if len(sys.argv) == 3:
        with tempfile.TemporaryDirectory() as scratch:
            peak, seconds = measure(Path(sys.argv[1]), COMMANDS[sys.argv[2]], Path(scratch))
        print(f"{sys.argv[2]:20} {peak:6.2f} GB {seconds:6.0f} s of CPU time")
    else:
        for name in COMMANDS:
            subprocess.run([sys.executable, __file__, sys.argv[1], name], check=True)
