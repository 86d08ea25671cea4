"""Time whole items with all labels and refinement inputs, on one core, against RGM built with gfortran -O3.

Run: python tests/benchmarks/synth_speed.py [recipe:shape ...]   (for example field2d:192x192)
Prints CPU seconds per item (median and mean), the rate relative to RGM's where that is known, and the peak memory
above that of the imports. Every line is measured in a process of its own.

Last figures (one core of an AMD EPYC, the other busy; mean seconds and peak): rgm2d 360x256 0.025 s, 27 MB; field2d
360x256 0.046 s, 24 MB; rgm3d 128x128x128 0.26 s, 125 MB; field3d 128x128x128 0.80 s, 185 MB; field3d 360x128x128 2.9 s,
425 MB. RGM takes 0.33 s for 360x256 and 15 s for 128x128x128.
"""

import json
import os
import subprocess
import sys

CASES = ["rgm2d:360x256", "field2d:360x256", "rgm3d:128x128x128", "field3d:128x128x128"]
CASES += ["rgm3d:360x128x128", "field3d:360x128x128"]
RGM_SECONDS = {"360x256": 0.33, "128x128x128": 15.0}

MEASURE = """
import json, resource, sys, time
from mtl_seismic.synth import RECIPES, generate
name, shape = sys.argv[1].split(":")
recipe = RECIPES[name](shape=tuple(map(int, shape.split("x"))))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
times = []
while len(times) < 5 or (sum(times) < 6 and len(times) < 60):
    start = time.process_time()
    generate(recipe, 1, len(times), refinement_inputs=True)
    times.append(time.process_time() - start)
peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps([sorted(times)[len(times) // 2], sum(times) / len(times), peak, len(times)]))
"""


def measure(case: str) -> str:
    """Return the line of one case."""
    one_core = os.environ | dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-c", MEASURE, case]
    median, mean, peak, items = json.loads(
        subprocess.run(command, env=one_core, check=True, capture_output=True).stdout
    )
    theirs = RGM_SECONDS.get(case.split(":")[1])
    ratio = f"{theirs / mean:6.1f}x" if theirs else "      -"
    return f"{case:22s}{median:9.4f}{mean:9.4f}{ratio:>9s}{peak:9.0f}{items:7d}"


if __name__ == "__main__":
    print(f"{'recipe:shape':22s}{'median s':>9s}{'mean s':>9s}{'RGM/ours':>9s}{'peak MB':>9s}{'items':>7s}")
    for case in sys.argv[1:] or CASES:
        print(measure(case), flush=True)
