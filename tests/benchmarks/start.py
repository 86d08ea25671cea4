"""How long ``mtl --help`` and ``mtl plugins`` take as whole processes, beside an empty interpreter.

    python tests/benchmarks/start.py

Last figures (2 cores of an AMD EPYC, median of 9): python -c pass 0.030 s, mtl --help 0.070 s, mtl plugins 0.112 s.
CPU time (user and system, least of 15): python -c pass 0.012 s, mtl --help 0.065 s, 0.119 s where the note of
plugins' commands has to be written first.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "mtl --help": [sys.executable, "-m", "mtl_cli.main", "--help"],
    "mtl plugins": [sys.executable, "-m", "mtl_cli.main", "plugins"],
}
REPEATS = 9


def seconds(command: list[str]) -> float:
    """The median over several runs after one that warms up."""
    taken = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    for name, command in COMMANDS.items():
        print(f"{name:15} {seconds(command):.3f} s")
