"""Several processes that train one model: who this one is, and what they must agree on."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as distributed
from torch import nn

from mtlcore.errors import MtlError


@dataclass(frozen=True)
class LocalGroup:
    """Processes that this program started on one machine; they find each other by a file."""

    rank: int
    count: int
    meeting: str


@dataclass(frozen=True)
class Ranks:
    """This process's number among ``count``; alone: 0 of 1."""

    rank: int = 0
    count: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Only the leading process writes files and talks."""
        return self.rank == 0

    def device(self, chosen: torch.device) -> torch.device:
        """The device of this process: each its own GPU."""
        if self.count > 1 and chosen.type == "cuda":
            return torch.device("cuda", self.local)
        return chosen

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return self.sum([float(flag)])[0] > 0

    def sum(self, values: list[float]) -> list[float]:
        """Each number, added up over all processes."""
        if self.count == 1:
            return values
        on_gpu = distributed.get_backend() == "nccl"
        total = torch.tensor(values, dtype=torch.float64, device=f"cuda:{self.local}" if on_gpu else "cpu")
        distributed.all_reduce(total)
        return [float(value) for value in total]

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """Each number's mean over all processes."""
        total = self.sum(list(values.values()))
        return {name: value / self.count for name, value in zip(values, total, strict=True)}

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes, in order of rank."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by its mean over all processes; the same parameters must have one in each of them.

        One exchange of one buffer: its layout never changes, so that a resumed run adds in the same order.
        """
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.count
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, parts, strict=True):
            gradient.copy_(mean.view_as(gradient))

    def share_weights(self, module: nn.Module) -> None:
        """Give all processes the leading one's weights."""
        if self.count > 1:
            for value in module.state_dict().values():
                distributed.broadcast(value, 0)


@contextmanager
def ranks(device: torch.device, started: LocalGroup | None = None) -> Iterator[Ranks]:
    """Join the process group for the time of the block: ``started``, or what torchrun's environment describes."""
    count = started.count if started else int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks()
        return
    local = started.rank if started else int(os.environ.get("LOCAL_RANK", "0"))
    if device.type == "cuda":
        if local >= torch.cuda.device_count():
            raise MtlError(f"Process {local} of this machine has no GPU: {torch.cuda.device_count()} were found.")
        torch.cuda.set_device(local)
    backend = "nccl" if device.type == "cuda" else "gloo"
    if started:
        distributed.init_process_group(backend, started.meeting, rank=started.rank, world_size=count)
    else:
        distributed.init_process_group(backend)
    try:
        yield Ranks(distributed.get_rank(), count, local)
        distributed.barrier()  # none leaves while another still saves
    finally:
        # What wrapped the network refers to the group in cycles, and the group's threads must end before Python does.
        gc.collect()
        distributed.destroy_process_group()
