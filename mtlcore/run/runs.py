"""One run over one image: read, infer, write results, pictures and a record from which it can be repeated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtlcore.device import describe, resolve
from mtlcore.errors import DeadInputError, MtlError, OptionError
from mtlcore.inference.chain import Chain, Result
from mtlcore.inference.dead_traces import fill_traces
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.loading import load_chain
from mtlcore.io.files import content_hash, make_format, open_volume, stored_size
from mtlcore.io.volume import ArrayVolume, Volume
from mtlcore.pictures import draw as pictures
from mtlcore.plugin.interfaces import Source
from mtlcore.plugin.outputs import Output
from mtlcore.plugin.plugins import Plugins
from mtlcore.run import results

Array = NDArray[np.float32]
EXAMPLE_SOURCE, EXAMPLE_LOCATION = "synth", "rgm2d"


@dataclass(frozen=True)
class RunJob:
    """What to run. ``input`` None: the built-in synthetic section. ``start``: an earlier result folder, whose
    fields a first refining stage reads. ``format`` and ``format_options`` are the input's."""

    input: Path | None = None
    format: str | None = None
    format_options: Mapping[str, Any] = field(default_factory=dict)
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
    before: dict[str, Array] | None
    device: torch.device
    clock: Clock


def open_job(job: RunJob, plugins: Plugins) -> Opened:
    """Open the input and load the models."""
    device = resolve(job.device)
    clock = Clock()
    # What is wrong with the output format is better said before hours of work than at their end.
    make_format(Path(), job.output_format, job.output_options, plugins)
    with clock.timing("read"):
        volume = open_input(job, plugins)
        before = results.read_fields(job.start, plugins) if job.start else None
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
    if job.start and not chain.models[0].stage.needs_fields:
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
    say: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Carry an opened job out, with results in a folder that exists; returns the record (what run.json holds).

    ``config``: what ``mtl run --config run.json`` repeats. ``say`` gets lines for users.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    chain, volume, clock = opened.chain, opened.volume, opened.clock
    say(f"Results: {folder}")
    described = describe_input(job, volume)
    if job.start and not _same_image(described, results.read_record(job.start)["input"]):
        say(f"Warning: {job.start} was made from another file than {job.input}: refinement expects one image.")
    say(f"Device: {describe(opened.device)}")
    for note in dict.fromkeys(model.config.note for model in chain.models if model.config.note):
        say(note)
    with clock.timing("read"):
        image = volume.load()
    with clock.timing("infer"):
        result = chain.run(image, job.tasks, opened.before, volume.geometry.live)
    if result.statistics.dead_traces.all():
        raise DeadInputError(
            f"{job.input} has no live sample: its {result.statistics.report['traces']} traces are constant, "
            "undefined or flagged as dead. See mtl inspect."
        )
    if result.statistics.offset:
        say(f"Amplitudes lie around {result.statistics.offset:.6g}: the network saw them around 0.")
    unknown = [output.name for output in chain.outputs(job.tasks) if chain.passes_on(output)]
    if job.infer.uncertainty and unknown:
        say(f"No uncertainty of {', '.join(unknown)}: passed on as read from {job.start}.")
    if result.statistics.gain is not None:
        say("Amplitudes differ much along depth and were evened out for the network. --no-balance leaves them.")
    if result.seen != image.shape:
        why = ", more like what it was trained on. --scale 1 leaves the image as it is"
        seen, had = ("x".join(map(str, shape)) for shape in (result.seen, image.shape))
        say(f"Sampling: the network saw {seen} samples for {had}{why if job.infer.scale is None else ''}.")
    for line in result.statistics.unlike:
        say(f"Warning: unlike the training data in {line}. Look at the pictures before you trust the results.")
    record: dict[str, Any] = {
        "started": started,
        "config": dict(config or {}),
        "input": described,
        "from": results.describe_start(job.start) if job.start else None,
        "device": describe(opened.device),
        "models": _describe_models(chain, result),
        "changes": result.changes,
        "samples_seen": list(result.seen),
        "unlike_training": list(result.statistics.unlike),
        "data": result.statistics.report,
        "versions": results.versions(),
    }
    with clock.timing("write"):
        record |= _write(job, folder, chain, result, volume, plugins)
    record |= {"pictures": [], "seconds": clock.seconds, "peak_memory": results.peak_memory(opened.device)}
    # Before the pictures too: should drawing fail, hours of work are a result all the same.
    results.write_record(folder, record)
    with clock.timing("pictures"):
        record["pictures"] = _draw(job, folder, chain, result, image, volume)
    record["peak_memory"] = results.peak_memory(opened.device)
    results.write_record(folder, record)
    volume.close()
    return record


def _write(job: RunJob, folder: Path, chain: Chain, result: Result, volume: Volume, plugins: Plugins) -> dict[str, Any]:
    """Write the fields; what run.json says of them."""
    options = dict(job.output_options)
    written = results.write_fields(
        folder, result.fields, chain.outputs(job.tasks), volume.geometry, job.output_format, options, plugins
    )
    return {"format": {"name": job.output_format, "options": options}, "outputs": written}


def _draw(job: RunJob, folder: Path, chain: Chain, result: Result, image: Array, volume: Volume) -> list[str]:
    """Draw the pictures that are wanted and can be drawn; their names."""
    if not (job.pictures and pictures.available()):
        return []
    clean, outputs = np.where(np.isfinite(image), image, np.float32(0)), chain.outputs(job.tasks)
    paths = pictures.draw_all(folder, clean, _drawable(result, outputs), outputs, volume.geometry)
    return [path.name for path in paths]


def _drawable(result: Result, outputs: Sequence[Output]) -> dict[str, Array]:
    """The fields, those drawn as contours filled where traces are dead: lines around a hole say nothing."""
    missing = result.statistics.dead_traces
    lines = {output.name for output in outputs if output.display.kind == "contours"}
    return {
        name: fill_traces(values.copy(), missing) if name in lines else values for name, values in result.fields.items()
    }


def open_input(job: RunJob, plugins: Plugins) -> Volume:
    """The input's volume; without a file, the built-in section."""
    if job.input is None:
        return example(plugins)
    return open_volume(job.input, job.format, job.format_options, plugins)


def example(plugins: Plugins) -> Volume:
    """A small synthetic section, so that a newcomer sees something at once."""
    source: Source = plugins.sources[EXAMPLE_SOURCE]()
    return ArrayVolume(source.open(EXAMPLE_LOCATION, "valid", ())[0]["image"])


def describe_input(job: RunJob, volume: Volume) -> dict[str, Any]:
    """What run.json says of the input."""
    shape = list(volume.shape)
    if job.input is None:
        return {"example": f"{EXAMPLE_SOURCE}:{EXAMPLE_LOCATION}", "shape": shape}
    facts = {"path": str(job.input.resolve()), "shape": shape, "bytes": stored_size(job.input)}
    return facts | {"sha256": content_hash(job.input)}


def same_input(record: Mapping[str, Any], folder: Path) -> Path | None:
    """The input of an earlier result, still there and unchanged; None where that was the built-in section."""
    described = record["input"]
    if "example" in described:
        return None
    path = Path(described["path"])
    if not path.exists():
        raise MtlError(f"The input {path} of {folder} does not exist any more: say where it is with --input.")
    if described.get("sha256") and content_hash(path) != described["sha256"]:
        raise MtlError(f"The input {path} has changed since {folder} was made from it: run --stage mti again.")
    return path


def _same_image(described: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether two inputs, as run.json describes them, are one file's contents (or both the built-in section)."""
    if "example" in described or "example" in before:
        return "example" in described and "example" in before
    return not before.get("sha256") or described["sha256"] == before["sha256"]


def _describe_models(chain: Chain, result: Result) -> list[dict[str, Any]]:
    refining = [model for model in chain.models if model.stage.needs_fields]
    passes = len(result.changes) // max(len(refining), 1)
    return [results.describe_model(model, passes if model in refining else 1) for model in chain.models]
