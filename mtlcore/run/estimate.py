"""What a run would take, before it begins: how the image is cut, memory, disk, and time from a short calibration."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mtlcore.errors import MtlError
from mtlcore.inference.chain import Chain
from mtlcore.inference.memory import tile_bytes
from mtlcore.inference.planning import COLUMN_BYTES, bytes_needed
from mtlcore.inference.store import MemoryStore
from mtlcore.inference.work import Work
from mtlcore.io.volume import Volume, Window
from mtlcore.run.results import peak_memory
from mtlcore.run.runs import Opened, RunJob, scratch_folder
from mtlcore.run.scratch import FIELD_BYTES, needs_scratch

CALIBRATED = {2: (512, 512), 3: (96, 96, 96)}
"""Samples of the part of an image that time is measured on, at most."""
RESULT_BYTES = 4
"""Of a sample of one output."""


@dataclass(frozen=True)
class Estimate:
    """``read``: samples that the networks read for each sample of the image; ``memory``, ``results``, ``scratch``:
    bytes; ``seconds``: with all workers."""

    shape: tuple[int, ...]
    columns: int
    tiles: int
    read: float
    memory: int
    results: int
    scratch: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """For a terminal."""
        minutes = f"{self.seconds / 60:.0f} min" if self.seconds >= 120 else f"{self.seconds:.0f} s"
        return [
            ("image", "x".join(map(str, self.shape))),
            ("columns, tiles", f"{self.columns}, {self.tiles}"),
            ("samples read per sample", f"{self.read:.2f}"),
            ("peak memory", f"{self.memory / 1e9:.2f} GB"),
            ("disk for results", f"{self.results / 1e9:.2f} GB"),
            ("disk for scratch", f"{self.scratch / 1e9:.2f} GB"),
            ("time", f"about {minutes}"),
        ]


def estimate(job: RunJob, opened: Opened, output: Path) -> Estimate:
    """What a job would take; MtlError where it fits neither into memory nor on the disk."""
    live = opened.volume.geometry.live
    work = opened.chain.prepare(opened.volume, MemoryStore, opened.before, live, quick=True, workers=job.workers)
    shape, volume = work.conditioning.shape, opened.volume.shape
    on_disk = job.keeps_files or needs_scratch(shape, work.memory)
    kept = math.prod(shape) * FIELD_BYTES
    outputs = len(opened.chain.outputs(job.tasks))
    tiling = max(work.tilings, key=lambda tiling: tiling.samples_read)
    found = Estimate(
        shape=volume,
        columns=len(tiling.columns),
        tiles=tiling.steps,
        read=sum(tiling.samples_read for tiling in work.tilings) / math.prod(shape) / len(work.tilings),
        memory=_memory(opened, work, 0 if on_disk else kept),
        results=outputs * RESULT_BYTES * math.prod(volume),
        scratch=kept if on_disk else 0,
        seconds=_seconds(opened.chain, opened.volume, work, job) / job.workers,
    )
    _check_disk(found, job, output)
    return found


def _memory(opened: Opened, work: Work, kept: int) -> int:
    """The peak of the process: what it takes already, the largest tile with its column, and fields kept in memory."""
    per_sample = max(tile_bytes(model, work.options.precision) for model in work.models)
    tiling = max(work.tilings, key=lambda tiling: tiling.halo)
    largest = bytes_needed(tiling.shape, tiling.edges, tiling.halo, tiling.stride, per_sample)
    restoring = math.prod(work.conditioning.shape[:1]) * math.prod(tiling.edges[1:]) * COLUMN_BYTES
    return peak_memory(opened.device)["process"] + max(largest, restoring) + kept


def _seconds(chain: Chain, volume: Volume, work: Work, job: RunJob) -> float:
    """From a part in the middle of the image, whose fixed costs are taken off by a smaller part of it."""
    small, large = (_timed(chain, volume, share, job) for share in (0.5, 1.0))
    samples = math.prod(large[0]) - math.prod(small[0])
    rate = max(large[1] - small[1], 1e-9) / max(samples, 1)
    read = sum(tiling.samples_read for tiling in work.tilings) / len(work.tilings)
    return rate * (0.5 * read + 0.5 * math.prod(work.conditioning.shape))


def _timed(chain: Chain, volume: Volume, share: float, job: RunJob) -> tuple[tuple[int, ...], float]:
    window = _middle(volume.shape, share)
    image = volume.read(window)
    options = replace(chain.options, tile=None, memory=None)
    began = time.perf_counter()
    replace(chain, options=options, plugins=None).run(image, job.tasks, None)
    return image.shape, time.perf_counter() - began


def _middle(shape: tuple[int, ...], share: float) -> Window:
    sizes = [max(2, int(min(size, most) * share)) for size, most in zip(shape, CALIBRATED[len(shape)], strict=True)]
    return tuple(slice((full - size) // 2, (full - size) // 2 + size) for full, size in zip(shape, sizes, strict=True))


def _check_disk(found: Estimate, job: RunJob, output: Path) -> None:
    needed: dict[Path, int] = {}
    for folder, amount in ((output, found.results), (scratch_folder(job, output), found.scratch)):
        there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
        needed[there] = needed.get(there, 0) + amount
    for folder, amount in needed.items():
        free = shutil.disk_usage(folder).free
        if amount > free:
            raise MtlError(
                f"The run needs {amount / 1e9:.1f} GB of disk under {folder}, which has {free / 1e9:.1f} GB free: "
                "choose another --output or --scratch, fewer --tasks, or a part of the volume."
            )
