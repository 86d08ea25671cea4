"""Several processes on one machine's CPU: how many train fastest, and starting and ending them with the run.

One process with N threads waits for its slowest thread after every layer, and N processes once a step; they take the
same steps up to rounding, and each run records how many they were, so that it is resumed with as many.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

import torch

from mtlcore.errors import MtlError, OptionError
from mtlcore.training.distributed import LocalGroup
from mtlcore.training.job import Job, TrainOptions

LOOPBACK = {"linux": "lo", "darwin": "lo0"}
"""The network interface of processes of one machine."""
SECONDS_TO_LEAVE = 60.0
COMMAND = "from mtlcore.training.worker import work; work()"


def under_torchrun() -> bool:
    """Whether somebody else has started the processes."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def with_processes(options: TrainOptions, device: torch.device, alone: bool) -> TrainOptions:
    """Options with the numbers of processes and threads filled in. ``alone``: others could not be started.

    By default on a CPU: as many processes as there are threads, or fewer where the batch does not divide among them.
    """
    threads = options.threads or torch.get_num_threads()
    count = options.processes
    if under_torchrun():
        return replace(options, processes=int(os.environ["WORLD_SIZE"]), threads=threads)
    if device.type != "cpu":
        return replace(options, processes=1, threads=threads)
    if count is None:
        some = range(1, 2 if alone or sys.platform not in LOOPBACK else threads + 1)
        count = max(number for number in some if options.batch_size % number == 0)
    elif options.batch_size % count:
        raise OptionError(f"train.batch_size {options.batch_size} does not divide among {count} processes.")
    return replace(options, processes=count, threads=threads)


@dataclass(frozen=True)
class Worker:
    """A started process. It ends when its stdin is closed, which the end of this process does too."""

    rank: int
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def last_words(self) -> str:
        """The last line that it printed, where it failed."""
        if not self.process.poll():
            return ""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"exit code {self.process.returncode}")


@contextmanager
def started(job: Job, folder: Path | None, count: int, threads: int) -> Iterator[LocalGroup | None]:
    """Start the other processes of a run for the time of the block. ``folder``: of a run that is resumed."""
    if count == 1:
        yield None
        return
    before = os.environ.get("GLOO_SOCKET_IFNAME")
    os.environ["GLOO_SOCKET_IFNAME"] = before or LOOPBACK.get(sys.platform, "")
    with tempfile.TemporaryDirectory(prefix="mtl-train-") as place:
        meeting = Path(place, "meeting").as_uri()
        workers: list[Worker] = []
        try:
            for rank in range(1, count):
                group = LocalGroup(rank, count, meeting)
                workers.append(_start(job, folder, group, max(threads // count, 1)))
            yield LocalGroup(0, count, meeting)
            _end(workers, SECONDS_TO_LEAVE)
        except KeyboardInterrupt:
            _end(workers, SECONDS_TO_LEAVE)
            raise
        except RuntimeError as error:
            for worker in workers:
                if words := worker.last_words():
                    raise MtlError(
                        f"Process {worker.rank} of {count} stopped: {words} Resume with --resume, or train with "
                        "--processes 1."
                    ) from error
            raise
        finally:
            _end(workers, 0)
            if before is None:
                del os.environ["GLOO_SOCKET_IFNAME"]


def _start(job: Job, folder: Path | None, group: LocalGroup, threads: int) -> Worker:
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the process has ended)
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env=environment,
    )
    told = {"job": asdict(job), "folder": str(folder) if folder else None, "group": asdict(group), "threads": threads}
    assert process.stdin is not None
    process.stdin.write(json.dumps(told).encode() + b"\n")
    process.stdin.flush()
    return Worker(group.rank, process, errors)


def _end(workers: Sequence[Worker], seconds: float) -> None:
    """Wait for the processes, then end those that are left."""
    for worker in workers:
        if seconds:
            with suppress(subprocess.TimeoutExpired):
                worker.process.wait(seconds)
        worker.process.kill()
        worker.process.wait()
        if worker.process.stdin:
            with suppress(OSError):
                worker.process.stdin.close()
        if not seconds:
            worker.errors.close()
