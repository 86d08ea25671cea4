"""One run over one image: read, infer, write results, pictures and a record from which it can be repeated.

Nothing is held whole: columns of traces go through the networks into a store, in memory if that is large enough, and
from there into the files. A run that was stopped is resumed from what the store on disk has.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from mtlcore.device import describe, resolve
from mtlcore.errors import DeadInputError, OptionError
from mtlcore.inference.chain import Chain, Known
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.loading import load_chain
from mtlcore.inference.passes import Inferred
from mtlcore.inference.store import FieldStore, MemoryStore
from mtlcore.inference.work import Work
from mtlcore.io.files import make_format
from mtlcore.io.part import Part
from mtlcore.io.volume import Volume
from mtlcore.pictures import draw as pictures
from mtlcore.plugin.plugins import Plugins
from mtlcore.run import results, unfinished
from mtlcore.run.drawing import draw_result
from mtlcore.run.inputs import describe_input, open_image
from mtlcore.run.messages import Say, greet, tell_what_was_seen
from mtlcore.run.scratch import NAME, Scratch, needs_scratch
from mtlcore.run.workers import runner_of
from mtlcore.run.writing import write_outputs


@dataclass(frozen=True)
class RunJob:
    """What to run. ``input`` None: the built-in synthetic section. ``start``: an earlier result folder, whose
    fields a first refining stage reads. ``format`` and ``format_options`` are the input's; ``part``: what of it.
    ``workers``: processes that share the columns, here or of the Dask ``cluster`` at an address; ``scratch``: where
    fields are kept meanwhile, if they do not fit into memory (None: in the result's folder)."""

    input: Path | None = None
    format: str | None = None
    format_options: Mapping[str, Any] = field(default_factory=dict)
    part: Part = field(default_factory=Part)
    tasks: tuple[str, ...] | None = None
    stages: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    as_sections: bool = False
    iterations: int = 1
    tolerance: float = 0.0
    device: str = "auto"
    start: Path | None = None
    output_format: str = "npy"
    output_options: Mapping[str, Any] = field(default_factory=dict)
    pictures: bool = True
    infer: InferOptions = field(default_factory=InferOptions)
    workers: int = 1
    scratch: Path | None = None
    cluster: str | None = None

    @property
    def keeps_files(self) -> bool:
        """Whether fields are kept on disk however much memory there is: asked for, or read by several processes."""
        return self.workers > 1 or self.scratch is not None or self.cluster is not None


class Clock:
    """Seconds by part of the run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, part: str) -> Iterator[None]:
        """Add the block's time to a part."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = round(self.seconds.get(part, 0.0) + time.perf_counter() - began, 4)


@dataclass(frozen=True)
class Opened:
    """What a job needs, found and checked before its folder is made: nothing is left behind by a refusal."""

    volume: Volume
    chain: Chain
    before: dict[str, Volume]
    device: torch.device
    clock: Clock

    def prepare(self, make_store: Callable[[], FieldStore], known: Known | None, workers: int = 1) -> Work:
        """The work on the image, with its statistics, or those that are known."""
        return self.chain.prepare(
            self.volume, make_store, self.before, self.volume.geometry.live, known, workers=workers
        )


def open_job(job: RunJob, plugins: Plugins) -> Opened:
    """Open the input and load the models."""
    device = resolve(job.device)
    clock = Clock()
    # What is wrong with the output format is better said before hours of work than at their end.
    make_format(Path(), job.output_format, job.output_options, plugins)
    with clock.timing("read"):
        volume = open_image(job.input, job.format, job.format_options, job.part, plugins)
        before = results.open_fields(job.start, plugins) if job.start else {}
    with clock.timing("load_models"):
        chain = load_chain(
            job.stages,
            volume.ndim,
            job.models,
            job.device,
            plugins,
            iterations=job.iterations,
            tolerance=job.tolerance,
            options=job.infer,
            as_sections=job.as_sections,
            has_fields=job.start is not None,
        )
    chain.chosen(job.tasks)
    if job.start and not chain.models[0].stage.refines:
        raise OptionError(
            f"--from {job.start} gives fields to refine, but stage '{chain.models[0].stage.name}' comes first, which "
            "reads none: use a refining stage (--stage), or leave --from out."
        )
    return Opened(volume, chain, before, device, clock)


def run(
    job: RunJob,
    opened: Opened,
    folder: Path,
    plugins: Plugins,
    config: Mapping[str, Any] | None = None,
    say: Say = lambda message: None,
) -> dict[str, Any]:
    """Carry an opened job out, with results in a folder that exists; returns the record (what run.json holds).

    ``config``: what ``mtl run --config run.json`` repeats. ``say`` gets lines for users. What an interrupted run of the
    same job has left in the folder is used.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    chain, volume, clock = opened.chain, opened.volume, opened.clock
    say(f"Results: {folder}")
    described = describe_input(job.input, volume, plugins)
    greet(job, opened.chain, opened.device, described, say)
    unfinished.begin(folder, config or {}, described)
    scratch = Scratch(scratch_folder(job, folder))
    with _resumable(folder, scratch):
        with clock.timing("read"):
            work = _prepared(job, opened, scratch)
        tell_what_was_seen(job, chain, work, say)
        with clock.timing("infer"), runner_of(job, work, scratch) as runner:
            found = chain.infer(work, job.tasks, runner)
        record = _described(job, opened, work, found, described, config or {}, started)
        with clock.timing("write"):
            record |= _write(job, folder, chain, work, found, volume, plugins)
        record |= {"pictures": [], "seconds": clock.seconds, "peak_memory": results.peak_memory(opened.device)}
        # Before the pictures too: should drawing fail, hours of work are a result all the same.
        results.write_record(folder, record)
        unfinished.end(folder)
        scratch.remove()
    with clock.timing("pictures"):
        record["pictures"] = _draw(job, folder, chain, work, volume, plugins)
    record["peak_memory"] = results.peak_memory(opened.device)
    results.write_record(folder, record)
    volume.close()
    return record


@contextmanager
def _resumable(folder: Path, scratch: Scratch) -> Iterator[None]:
    """What happens to the marks of a run that stops: kept where it can go on, and said to users; else removed."""
    try:
        yield
    except BaseException as error:
        kept = scratch.folder.is_dir()
        if not kept:
            unfinished.end(folder)
        if isinstance(error, KeyboardInterrupt):
            nothing = "Stopped. Nothing is kept of a run in memory: with --scratch DIR it could be resumed."
            raise type(error)(f"Stopped. Resume with: mtl run --resume {folder}" if kept else nothing) from error
        raise


def _prepared(job: RunJob, opened: Opened, scratch: Scratch) -> Work:
    """The work, with a store in memory or on disk; what an interrupted run knew is not measured again."""
    known = scratch.load()
    on_disk = known is not None or job.keeps_files

    def make_store() -> FieldStore:
        return scratch.store() if on_disk else MemoryStore()

    work = opened.prepare(make_store, known, job.workers)
    shape = work.conditioning.shape
    found = Known(work.conditioning.statistics, shape, work.tilings[0].edges, work.memory)
    if found.statistics.dead_traces.all():
        raise DeadInputError(
            f"{job.input} has no live sample: its {found.statistics.report['traces']} traces are constant, "
            "undefined or flagged as dead. See mtl inspect."
        )
    if not on_disk and needs_scratch(shape, work.memory):
        on_disk = True
        work = opened.prepare(make_store, found)
    if on_disk and known is None:
        scratch.save(found)
    return work


def scratch_folder(job: RunJob, folder: Path) -> Path:
    """Where a job keeps fields meanwhile."""
    if job.scratch is None:
        return folder.resolve() / NAME
    # Of this result alone, whatever other runs keep there.
    return job.scratch.resolve() / f"mtl-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"


def _described(
    job: RunJob,
    opened: Opened,
    work: Work,
    found: Inferred,
    described: Mapping[str, Any],
    config: Mapping[str, Any],
    started: str,
) -> dict[str, Any]:
    """What run.json says of how the results came about."""
    return {
        "started": started,
        "config": dict(config),
        "input": dict(described),
        "from": results.describe_start(job.start) if job.start else None,
        "device": describe(opened.device),
        "models": _describe_models(opened.chain, found),
        "changes": found.changes,
        "samples_seen": list(work.conditioning.shape),
        "unlike_training": list(work.conditioning.statistics.unlike),
        "columns": len(work.columns),
        "data": work.conditioning.statistics.report,
        "versions": results.versions(),
    }


def _write(
    job: RunJob, folder: Path, chain: Chain, work: Work, found: Inferred, volume: Volume, plugins: Plugins
) -> dict[str, Any]:
    """Write the fields; what run.json says of them."""
    options, outputs = dict(job.output_options), chain.outputs(job.tasks)
    names = [output.name for output in outputs]
    columns = ((window, work.restored(found.state, names, window)) for window in work.restore_windows)

    def complete() -> None:
        # From here to the new record there is none: files of two images must never stand under one.
        results.remove_record(folder)

    written = write_outputs(folder, columns, outputs, volume.geometry, job.output_format, options, plugins, complete)
    return {"format": {"name": job.output_format, "options": options}, "outputs": written}


def _draw(job: RunJob, folder: Path, chain: Chain, work: Work, volume: Volume, plugins: Plugins) -> list[str]:
    """Draw the pictures that are wanted and can be drawn; their names."""
    if not (job.pictures and pictures.available()):
        return []
    outputs, dead = chain.outputs(job.tasks), work.conditioning.statistics.dead_traces
    return draw_result(folder, volume, results.open_fields(folder, plugins), outputs, volume.geometry, dead)


def _describe_models(chain: Chain, found: Inferred) -> list[dict[str, Any]]:
    refining = [model for model in chain.models if model.stage.refines]
    passes = len(found.changes) // max(len(refining), 1)
    return [results.describe_model(model, passes if model in refining else 1) for model in chain.models]
