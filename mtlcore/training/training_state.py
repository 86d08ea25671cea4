"""Training state in one safetensors file: tensors by name, everything else as JSON in its metadata."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mtlcore.errors import MtlError, OptionError
from mtlcore.model.tensors import save_tensors
from mtlcore.training.optimise import Plateau, Updates


@dataclass
class Progress:
    """How far a run is. ``step`` counts batches of the present epoch, ``sums`` adds up its losses.

    ``best``: the lowest score so far (see ``monitor`` of TrainOptions), reached in ``best_epoch``; ``seconds`` of
    training in all; ``epoch_seconds`` and ``epoch_waiting`` of the present epoch.
    """

    plateau: Plateau
    monitor: str
    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    gradient_norms: float = 0.0
    best: float = math.inf
    best_epoch: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    epoch_waiting: float = 0.0

    def add_step(self, losses: Mapping[str, float], gradient_norm: float) -> None:
        """A step has been taken."""
        self.step += 1
        self.gradient_norms += gradient_norm
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def add_time(self, seconds: float, waiting: float) -> None:
        """How long a step took, and how much of that the network waited for data."""
        self.seconds += seconds
        self.epoch_seconds += seconds
        self.epoch_waiting += waiting

    @property
    def mean_losses(self) -> dict[str, float]:
        """Of the present epoch so far."""
        return {name: value / self.step for name, value in self.sums.items()}

    @property
    def mean_gradient_norm(self) -> float:
        return self.gradient_norms / self.step

    @property
    def times_per_step(self) -> dict[str, float]:
        """Mean seconds of the present epoch's steps, and the share of them that went by waiting for data."""
        waiting = self.epoch_waiting / self.epoch_seconds if self.epoch_seconds else 0.0
        return {"seconds_per_step": self.epoch_seconds / self.step, "waiting_share": waiting}

    @property
    def improved(self) -> bool:
        """Whether the last epoch is the best one."""
        return self.best_epoch == self.epoch

    def finish_epoch(self, loss: float, score: float) -> None:
        """An epoch has ended with this validation loss and score."""
        self.epoch += 1
        self.plateau.update(loss)
        if score < self.best or not self.best_epoch:
            self.best, self.best_epoch = score, self.epoch
        self.step, self.sums, self.gradient_norms = 0, {}, 0.0
        self.epoch_seconds = self.epoch_waiting = 0.0


def save_state(path: Path, objective: nn.Module, updates: Updates, progress: Progress) -> None:
    """Write weights, their average, the optimizer's memory, torch's random state and how far the run is."""
    tensors = {f"objective/{name}": value for name, value in objective.state_dict().items()}
    tensors |= {f"average/{name}": value for name, value in updates.average.state.items()}
    for number, memory in updates.optimizer.state_dict()["state"].items():
        for name, value in memory.items():
            # Adam's step is a tensor, SGD's empty momentum is None.
            if value is not None:
                tensors[f"optimizer/{number}/{name}"] = torch.as_tensor(value)
    tensors["random"] = torch.get_rng_state()
    facts = {
        "progress": asdict(progress),
        "updates": updates.average.updates,
        "scaler": updates.scaler.state_dict(),
        "optimizer": type(updates.optimizer).__name__,
    }
    save_tensors(tensors, path, {"facts": json.dumps(facts)})


def load_state(path: Path, objective: nn.Module, updates: Updates) -> Progress:
    """Put a saved state back; how far the run is."""
    facts, tensors = _read(path)
    used = type(updates.optimizer).__name__
    if facts.get("optimizer", used) != used:
        raise OptionError(
            f"train.optimizer is {used.lower()}, but {path} holds the memory of {facts['optimizer'].lower()}: leave it "
            "as it was, or start a new run --from the last model."
        )
    try:
        objective.load_state_dict(_below(tensors, "objective"))
        _restore_optimizer(updates.optimizer, _below(tensors, "optimizer"))
        for name, value in _below(tensors, "average").items():
            updates.average.state[name].copy_(value)
        torch.set_rng_state(tensors["random"])
        updates.average.updates = facts["updates"]
        updates.scaler.load_state_dict(facts["scaler"])
        progress = facts["progress"]
        return Progress(**{**progress, "plateau": Plateau(**progress["plateau"])})
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise MtlError(f"{path} does not fit the run's train.json: {reason}") from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            facts: dict[str, Any] = json.loads(file.metadata()["facts"])
            return facts, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
    except FileNotFoundError:
        raise MtlError(f"{path} does not exist: nothing was saved yet. Start again with --force.") from None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise MtlError(f"{path} cannot be read as a training state: {error}.") from None


def _restore_optimizer(optimizer: torch.optim.Optimizer, memory: Mapping[str, Tensor]) -> None:
    state = optimizer.state_dict()
    state["state"] = {}
    for key, value in memory.items():
        number, _, name = key.partition("/")
        state["state"].setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(state)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.partition("/")[2]: value for name, value in tensors.items() if name.startswith(f"{prefix}/")}
