"""Runs commands of ``mtl`` again and again, each time with another fault, and says what came of it.

    python tests/faults/harness.py KIND COMMAND [--trials N] [--seed S]

KIND: ``kills`` (at each file event), ``calls`` (the n-th system call fails; needs failing_calls.c, preloaded),
``sizes`` (no file may be larger than ...), ``signals`` (SIGTERM after some time). COMMAND: one of COMMANDS. Each trial
is a copy of this process, which has imported everything, so that it takes milliseconds. A line of JSON for each
outcome: how often, and one example. Outcomes that must not be: see BAD.

Last figures (convert to raw, npy, npz; kills, sizes and signals also to vti): calls 90 trials, kills 48, sizes 32,
signals 32: none in BAD.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

SHAPE = (40, 24, 20)
OLD, NEW = (np.random.default_rng(seed).standard_normal(SHAPE).astype("f4") for seed in (0, 1))
FORMATS = {
    "raw": "b.bin", "npy": "b.npy", "npz": "b.npz", "vti": "b.vti", "hdf5": "b.h5", "gzip": "b.h5", "zarr": "b.zarr",
    "segy": "b.sgy",
}  # fmt: skip
LAYOUTS = ("reference", "npz", "memmap")
COMMANDS = (*(f"convert-{name}" for name in FORMATS), *(f"synth-{name}" for name in LAYOUTS), "inspect-npy")
BAD = ("silent", "broken", "traceback", "crash", "hang", "leftovers", "message")
ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.ENOMEM)
SECONDS = 60


def arguments(command: str, folder: Path) -> list[str]:
    """What stands on the command line."""
    verb, name = command.split("-")
    if verb == "convert":
        packed = ["--set", "to.compression=gzip"] if name == "gzip" else []
        return ["convert", str(folder / "a.npy"), str(folder / FORMATS[name]), "--force", "--quiet", *packed]
    if verb == "synth":
        return ["synth", "rgm2d", str(folder / "set"), "--shape", "40x48", "--train", "1", "--valid", "1",
                "--format", name, "--quiet"]  # fmt: skip
    return ["inspect", str(folder / "a.npy")]


def run(command: str, folder: Path) -> int:
    """Run it here, as the command line would; its exit code."""
    from mtl_cli.main import cli, end_in_order

    end_in_order()
    try:
        cli(arguments(command, folder), prog_name="mtl")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
    return 0


def in_copy(action: Callable[[], int], output: Path | None = None, limit: float = SECONDS) -> int | str:
    """An action in a copy of this process: its exit code, minus a signal's number, or "hang"."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            target = os.open(output or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(target, 1)
            os.dup2(target, 2)
            sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(number, "w"), write_through=True) for number in (1, 2))
            code = action()
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hang"


def prepare(command: str, folder: Path) -> None:
    """The input, and an older result that must not suffer."""
    verb = command.split("-")[0]
    np.save(folder / "a.npy", OLD)
    if verb == "convert":
        assert in_copy(lambda: run(command, folder)) == 0
        np.save(folder / "a.npy", NEW)


def state(command: str, folder: Path) -> str:
    """What has the result's name: old, new, none or broken."""
    verb, name = command.split("-")
    target = folder / (FORMATS[name] if verb == "convert" else "set")

    def look() -> int:
        from mtlcore.io.files import open_volume

        warnings.simplefilter("ignore")
        if verb == "convert":
            values = open_volume(target).load()
            return 10 if np.array_equal(values, OLD) else 11 if np.array_equal(values, NEW) else 13
        json.loads((target / "dataset.json").read_text())
        return 11

    if verb == "inspect" or not target.exists():
        return "none"
    return {10: "old", 11: "new"}.get(in_copy(look), "broken")  # type: ignore[arg-type]


def verdict(command: str, folder: Path, known: set[str], code: int | str, text: str, killed: bool) -> str:
    """One word for a trial, one of BAD or a good one."""
    if code == "hang":
        return "hang"
    if "Traceback" in text:
        return "traceback"
    if isinstance(code, int) and code < 0 and not killed:
        return "crash"
    left = {path.name for path in folder.iterdir()} - known
    found = state(command, folder)
    if found == "broken":
        return "broken"
    allowed = {"set"} if command.startswith("synth") else set()
    if killed:
        return f"killed: {found}"
    if left - allowed:
        return "leftovers"
    verb = command.split("-")[0]
    if code == 0:
        return "done" if found == ("none" if verb == "inspect" else "new") else "silent"
    if verb == "convert" and found == "none":
        return "broken"  # the old one is gone
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("Warning")]
    return "refused" if len(lines) == 1 and len(lines[0]) < 700 else "message"


def trial(command: str, template: Path, fault: Callable[[Path], None], killed: bool = False) -> tuple[str, str]:
    """One run with a fault; the verdict and what was printed."""
    with tempfile.TemporaryDirectory(dir=template.parent) as name:
        folder, output = Path(name) / "work", Path(name) / "output"
        shutil.copytree(template, folder)
        known = {path.name for path in folder.iterdir()}

        def act() -> int:
            fault(folder)
            return run(command, folder)

        code = in_copy(act, output)
        text = output.read_text(errors="replace")
        dead = killed and code == -signal.SIGKILL
        found = verdict(command, folder, known, code, text, dead)
        if dead and found not in BAD:
            # The next writer sweeps up.
            again = in_copy(lambda: run(command, folder))
            allowed = known | {"set"}
            if again != 0 or {path.name for path in folder.iterdir()} - allowed:
                found = "leftovers"
        return found, f"{code}: {text.strip()[-600:]}"


EVENTS = {"open", "os.rename", "os.remove", "os.truncate", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.chmod",
          "mmap.__new__", "os.listdir", "os.scandir"}  # fmt: skip


def kill_at(number: int) -> Callable[[Path], None]:
    """A fault: the process is killed at the n-th event on files of the folder; 0: count them."""

    def fault(folder: Path) -> None:
        count, root = 0, str(folder)

        def hook(event: str, details: tuple[object, ...]) -> None:
            nonlocal count
            if (event in EVENTS and any(root in str(detail) for detail in details)) or event == "mmap.__new__":
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)

    return fault


def fail_at(number: int, error: int) -> Callable[[Path], None]:
    """A fault: the n-th call of the system on files of the folder fails."""

    def fault(folder: Path) -> None:
        ctypes.CDLL(None).fail_call(os.fsencode(folder), ctypes.c_long(number), error)

    return fault


def calls_of(command: str, template: Path) -> int:
    """How many calls a run without a fault makes."""
    with tempfile.TemporaryDirectory(dir=template.parent) as name:
        folder, output = Path(name) / "work", Path(name) / "count"
        shutil.copytree(template, folder)

        def count() -> int:
            library = ctypes.CDLL(None)
            library.fail_call(os.fsencode(folder), ctypes.c_long(0), 0)
            code = run(command, folder)
            library.calls_made.restype = ctypes.c_long
            output.write_text(str(library.calls_made()))
            return code

        assert in_copy(count) == 0
        return int(output.read_text())


def limit_sizes(size: int) -> Callable[[Path], None]:
    """A fault: no file may become larger."""

    def fault(folder: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return fault


def terminate_after(seconds: float) -> Callable[[Path], None]:
    """A fault: SIGTERM."""

    def fault(folder: Path) -> None:
        signal.signal(signal.SIGALRM, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))
        signal.setitimer(signal.ITIMER_REAL, seconds)

    return fault


def load_modules(formats: list[str]) -> None:
    """Import what trials need, so that their copies need not."""
    more = {"hdf5": "h5py", "gzip": "h5py", "zarr": "zarr", "segy": "mtl_seismic.segy.format"}
    modules = ["mtl_cli.main", "mtl_cli.commands.convert", "mtl_seismic.formats.npy"]
    for module in (*modules, *(more[name] for name in formats if name in more)):
        with contextlib.suppress(ImportError):
            __import__(module)


def faults(kind: str, command: str, template: Path, trials: int, seed: int) -> list[Callable[[Path], None]]:
    """The faults of a kind, spread over all there are."""
    chance = random.Random(seed)
    if kind == "kills":
        return [kill_at(number) for number in spread(1, 120, trials)]
    if kind == "calls":
        return [fail_at(number, chance.choice(ERRORS)) for number in spread(1, calls_of(command, template), trials)]
    if kind == "sizes":
        return [limit_sizes(chance.randrange(4 * int(np.prod(SHAPE)) + 20_000)) for _ in range(trials)]
    return [terminate_after(chance.uniform(0.001, 0.2)) for _ in range(trials)]


def spread(first: int, last: int, count: int) -> list[int]:
    """So many whole numbers from first to last, evenly."""
    return sorted({int(number) for number in np.linspace(first, last, min(count, last - first + 1))})


def main(given: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["kills", "calls", "sizes", "signals"])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(given)
    load_modules([options.command.split("-")[1]])
    outcomes: Counter[str] = Counter()
    examples: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        template = Path(name) / "template"
        template.mkdir()
        prepare(options.command, template)
        for number, fault in enumerate(faults(options.kind, options.command, template, options.trials, options.seed)):
            outcome, text = trial(options.command, template, fault, options.kind == "kills")
            outcomes[outcome] += 1
            examples.setdefault(outcome, f"trial {number}: {text}")
    for outcome, count in sorted(outcomes.items()):
        print(json.dumps({"outcome": outcome, "count": count, "example": examples[outcome]}))


if __name__ == "__main__":
    main(sys.argv[1:])
