"""Several processes that share the columns of a run."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mtlcore.errors import MtlError
from mtlcore.inference.runner import InProcess, InProcesses, Runner
from mtlcore.inference.work import Work
from mtlcore.interrupts import end_with_parent
from mtlcore.run.scratch import Scratch

if TYPE_CHECKING:
    from mtlcore.run.runs import RunJob

CONNECT_SECONDS = 20
"""How long a scheduler may take to answer."""


@dataclass(frozen=True)
class JobRecipe:
    """How a worker comes by the work: the job, the folder with what is known of the image, and its threads."""

    key: str
    job: RunJob
    scratch: Scratch
    threads: int

    def build(self) -> Work:
        from mtlcore.plugin.plugins import current
        from mtlcore.run.runs import open_job

        torch.set_num_threads(self.threads)
        known = self.scratch.load()
        if known is None:
            raise MtlError(
                f"A worker does not find {self.scratch.folder}: --scratch, the input and the models must lie where all "
                "machines see them, under the same paths."
            )
        return open_job(self.job, current()).prepare(self.scratch.store, known)


@contextmanager
def runner_of(job: RunJob, work: Work, scratch: Scratch) -> Iterator[Runner]:
    """Who runs the columns of a job: this process, as many as are asked for, or those of a cluster."""
    if job.workers == 1 and job.cluster is None:
        yield InProcess(work)
        return
    recipe = JobRecipe(str(scratch.folder), _of_worker(job), scratch, _threads(job))
    runner = InProcesses(_cluster(job.cluster) if job.cluster else partial(_pool, job.workers), recipe, job.workers)
    try:
        yield runner
    finally:
        runner.close()


def _of_worker(job: RunJob) -> RunJob:
    """The job as a worker sees it: paths that hold on any machine with the same file system."""
    return replace(
        job,
        input=job.input and job.input.resolve(),
        start=job.start and job.start.resolve(),
        models=tuple(str(Path(name).resolve()) if Path(name).exists() else name for name in job.models),
    )


def _threads(job: RunJob) -> int:
    return 1 if job.cluster else max(1, (os.cpu_count() or 1) // job.workers)


def _pool(count: int) -> Executor:
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), end_with_parent)


def _cluster(address: str) -> Callable[[], Executor]:
    """What starts an executor of a Dask cluster, by the address or the file of its scheduler.

    Dask carries calls and small results; it tries a step again whose worker has died.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MtlError('A cluster needs dask.distributed: pip install "mtlcore[cluster]".') from None
    by_file = Path(address).is_file()
    try:
        connect: Any = Client
        client = connect(scheduler_file=address) if by_file else connect(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise MtlError(f"No Dask scheduler answers at {address}: {error}. Start one, and check --cluster.") from None
    return partial(client.get_executor, pure=False, retries=2)
