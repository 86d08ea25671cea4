"""How much memory there is, and how much a network takes for each sample that it reads."""

from __future__ import annotations

import math
import os
import weakref
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mtlcore.device import Precision, autocast
from mtlcore.inference.sections import encoder_of
from mtlcore.model.model import Model

SAMPLE_EDGE = {2: 256, 3: 48}
"""Edge of the image on which a network's memory is measured."""
WORKSPACE = 1.25
"""What libraries take beside tensors: reordered copies, and what the allocator keeps."""
SHARE = 0.5
"""Of the free memory that is used, unless more is allowed."""
MEMINFO, CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Bytes that could be used now: what the system has available, or less where a control group allows less."""
    known = [amount for amount in (_available(), _allowed()) if amount is not None]
    return min(known) if known else 4 * 2**30


def default_budget() -> int:
    """Bytes that a run uses by default."""
    return int(free_memory() * SHARE)


def _available() -> int | None:
    try:
        for line in MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return None


def _allowed() -> int | None:
    """What is left of a control group's limit (version 2)."""
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        used = (CGROUP / "memory.current").read_text().strip()
        return None if limit == "max" else max(int(limit) - int(used), 0)
    except (OSError, ValueError):
        return None


class PeakOfTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, the greatest number of bytes in tensors made since it began."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for value in result if isinstance(result, tuple | list) else (result,):
            if isinstance(value, torch.Tensor):
                self._count(value.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        pointer, size = storage.data_ptr(), storage.nbytes()
        if pointer in self._seen or not size:
            return
        self._seen.add(pointer)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, pointer, size)

    def _forget(self, pointer: int, size: int) -> None:
        self._seen.discard(pointer)
        self.now -= size


@torch.inference_mode()
def tile_bytes(model: Model, precision: Precision = "float32") -> float:
    """Bytes that a network takes for each sample of a tile, measured on a small one."""
    edge = -(-SAMPLE_EDGE[model.ndim] // model.net.stride) * model.net.stride
    shape = (1, 1, *[edge] * model.ndim)
    names = [task.name for task in model.predicted_tasks]
    inputs = {
        name: torch.zeros((1, channels, *shape[2:]), device=model.device)
        for name, channels in model.config.inputs.items()
    }
    inputs = {name: model.net.pad(values) for name, values in inputs.items()}
    axes = model.backbone.section_axes
    with autocast(model.device, precision):
        # Sections are read in slabs, before there are tiles.
        along = [encoder_of(model).along(inputs, axis) for axis in axes]
    with PeakOfTensors() as peak, autocast(model.device, precision):
        if axes:
            along = [{name: values.clone() for name, values in one.items()} for one in along]
            features = model.net.decode_encoded(encoder_of(model).fuse(along, inputs), names)
        else:
            features = model.net.decode(inputs, names)
        for task in model.predicted_tasks:
            task.decode(model.net.outputs(features, [task.name])[task.name])
    samples = math.prod(next(iter(inputs.values())).shape[2:])
    own = sum(4 * channels for channels in model.config.inputs.values())
    return float(peak.peak / samples * WORKSPACE + own)
