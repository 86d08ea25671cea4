"""What a run says to users besides its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from mtlcore.device import describe
from mtlcore.inference.chain import Chain
from mtlcore.inference.work import Work
from mtlcore.run import results
from mtlcore.run.inputs import same_image

if TYPE_CHECKING:
    from mtlcore.run.runs import RunJob

Say = Callable[[str], None]
"""Gets lines for users."""


def greet(job: RunJob, chain: Chain, device: torch.device, described: Mapping[str, Any], say: Say) -> None:
    """What users should know before the work begins."""
    if job.start and not same_image(described, results.read_record(job.start)["input"]):
        say(f"Warning: {job.start} was computed from another file than {job.input}: refinement expects one image.")
    say(f"Device: {describe(device)}")
    for note in dict.fromkeys(model.config.note for model in chain.models if model.config.note):
        say(note)


def tell_what_was_seen(job: RunJob, chain: Chain, work: Work, say: Say) -> None:
    """How the image differs from what networks see, and what the memory allows."""
    statistics, seen, shape = work.conditioning.statistics, work.conditioning.shape, work.conditioning.volume.shape
    if statistics.offset:
        say(f"Input has a DC offset of {statistics.offset:.6g}, removed before inference.")
    unknown = [output.name for output in chain.outputs(job.tasks) if chain.passes_on(output)]
    if job.infer.uncertainty and unknown:
        say(f"No uncertainty of {', '.join(unknown)}: passed on as read from {job.start}.")
    if statistics.gain is not None:
        say("Amplitudes differ much along depth and were evened out for the network. --no-balance leaves them.")
    if seen != shape:
        why = ", more like what it was trained on. --scale 1 leaves the image as it is"
        new, had = ("x".join(map(str, sizes)) for sizes in (seen, shape))
        say(f"Sampling: the network saw {new} samples for {had}{why if job.infer.scale is None else ''}.")
    for line in statistics.unlike:
        say(f"Warning: unlike the training data in {line}. Look at the pictures before you trust the results.")
    if len(work.columns) > 1:
        say(f"Memory: {work.memory / 1e9:.1f} GB, in {len(work.columns)} columns of traces.")
