"""Several processes under torchrun: who this one is, and what they must agree on."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as distributed

from mtlcore.errors import MtlError


@dataclass(frozen=True)
class Ranks:
    """This process's number among so many; alone: 0 of 1."""

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


@contextmanager
def ranks(device: torch.device) -> Iterator[Ranks]:
    """Join the process group that torchrun's environment describes, for the time of the block."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks()
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device.type == "cuda":
        if local >= torch.cuda.device_count():
            raise MtlError(f"Process {local} of this machine has no GPU: {torch.cuda.device_count()} were found.")
        torch.cuda.set_device(local)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(int(os.environ["RANK"]), count, local)
        distributed.barrier()  # none leaves while another still saves
    finally:
        # What wrapped the network refers to the group in cycles, and the group's threads must end before Python does.
        gc.collect()
        distributed.destroy_process_group()
