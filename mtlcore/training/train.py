"""Training, read from top to bottom: a job becomes a run folder with the best and the last model.

A run folder holds train.json (the job, as resolved), log.jsonl, epochs.csv, best/ and last/ (model folders), pictures/
and state.safetensors, from which the run goes on exactly where it stopped.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import torch

from mtlcore import interrupts
from mtlcore.config import build
from mtlcore.device import resolve
from mtlcore.errors import MtlWarning
from mtlcore.io.atomic import atomic_write_text
from mtlcore.model.checkpoint import BEST
from mtlcore.plugin.plugins import Plugins, current
from mtlcore.training import processes
from mtlcore.training.distributed import LocalGroup, Ranks, ranks
from mtlcore.training.job import JOB, Job, TrainOptions, with_absolute_paths
from mtlcore.training.logs import LOG, TABLE
from mtlcore.training.setup import prepare
from mtlcore.training.trainer import STATE, Trainer
from mtlcore.training.validation import PICTURES


def train(job: Job, folder: Path | Callable[[], Path], plugins: Plugins | None = None, resume: bool = False) -> Path:
    """Train (or go on training) and return the folder of the best model.

    ``folder``: the run's, or a function that makes one once everything has been checked.
    Ctrl-C and SIGTERM end it after the step in hand with everything saved: KeyboardInterrupt says how to go on.
    On a CPU other processes may be started to help (see processes.py); they know installed plugins alone.
    """
    registered = plugins or current()
    options = build(TrainOptions, job.train, "train")
    options = processes.with_processes(options, resolve(job.device), alone=registered is not current())
    job = replace(job, train=asdict(options))
    place = folder() if resume and callable(folder) else folder
    count = 1 if processes.under_torchrun() else options.processes or 1
    with processes.started(
        job, place if resume and isinstance(place, Path) else None, count, options.threads or 1
    ) as group:
        return train_rank(job, place, registered, resume, group)


def train_rank(
    job: Job, folder: Path | Callable[[], Path], plugins: Plugins, resume: bool, started: LocalGroup | None
) -> Path:
    """This process's part of a run; the leading process writes the folder."""
    device = resolve(job.device)
    with ranks(device, started) as group, _threads(job, group):
        with _preparation(plugins, group) as report:
            setup = prepare(job, plugins, resume, report)
        trainer = Trainer(setup, plugins, group, group.device(device))
        if group.leads or resume:
            trainer.folder = folder() if callable(folder) else folder
        if resume:
            trainer.restore()
            if trainer.finished:
                _say_complete(trainer)
                return trainer.folder / BEST
        elif group.leads:
            _begin(trainer.folder)
        if group.leads:
            # Of a resumed run too: what it was told to change holds when it is resumed once more, from anywhere.
            text = json.dumps(asdict(with_absolute_paths(setup.job)), indent=2)
            atomic_write_text(trainer.folder / JOB, text + "\n")
        with trainer.listening(), interrupts.noticed() as interrupted:
            trainer.run(interrupted)
    return trainer.folder / BEST


@contextmanager
def _threads(job: Job, group: Ranks) -> Iterator[None]:
    """This process's share of the threads, for the time of the block."""
    before = torch.get_num_threads()
    if job.train.get("threads") and not processes.under_torchrun():
        torch.set_num_threads(max(job.train["threads"] // group.count, 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _preparation(plugins: Plugins, group: Ranks) -> Iterator[Callable[[int, int], None]]:
    """Progress of what happens before the first step: data are read, and perhaps made."""
    begun = False

    def report(done: int, total: int) -> None:
        nonlocal begun
        if not begun and done == total:
            return  # there was nothing to wait for
        if not begun:
            begun = True
            plugins.hook.stage_started(stage="prepare", total=total, folder=None)
        plugins.hook.step_finished(stage="prepare", step=done, total=total, values={})

    yield report if group.leads else lambda done, total: None
    if begun:
        plugins.hook.stage_finished(stage="prepare", values={})


def _say_complete(trainer: Trainer) -> None:
    if trainer.group.leads:
        warnings.warn(
            f"{trainer.folder} has done {trainer.progress.epoch} of {trainer.setup.options.epochs} epochs: nothing is "
            "left to train. More: --epochs NUMBER, or a larger --patience where it stopped early.",
            MtlWarning,
            stacklevel=3,
        )


def _begin(folder: Path) -> None:
    """Make a new run's folder, without what an earlier run left that this one does not go on with."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (STATE, LOG, TABLE):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / PICTURES, ignore_errors=True)
