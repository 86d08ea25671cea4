"""Several processes that share the columns of a run."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from mtlcore.inference.runner import InProcess, InProcesses, Runner
from mtlcore.inference.work import Work
from mtlcore.run.scratch import Scratch

if TYPE_CHECKING:
    from mtlcore.run.runs import RunJob


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
        return open_job(self.job, current()).prepare(self.scratch.store, self.scratch.load())


@contextmanager
def runner_of(job: RunJob, work: Work, scratch: Scratch) -> Iterator[Runner]:
    """Who runs the columns of a job: this process, or as many as are asked for."""
    if job.workers == 1:
        yield InProcess(work)
        return
    threads = max(1, (os.cpu_count() or 1) // job.workers)
    options = replace(job.infer, memory=work.memory)
    recipe = JobRecipe(str(scratch.folder), replace(job, infer=options), scratch, threads)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(job.workers, mp_context=context)
    try:
        yield InProcesses(pool, recipe)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
