"""Training state in one safetensors file: tensors by name, everything else as JSON in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mtlcore.errors import MtlError, OptionError
from mtlcore.model.tensors import save_tensors


def save_state(
    path: Path,
    objective: nn.Module,
    average: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    facts: Mapping[str, Any],
) -> None:
    """Write weights, their average, the optimizer's memory, torch's random state and plain facts."""
    tensors = {f"objective/{name}": value for name, value in objective.state_dict().items()}
    tensors |= {f"average/{name}": value for name, value in average.items()}
    for number, memory in optimizer.state_dict()["state"].items():
        for name, value in memory.items():
            # Adam's step is a tensor, SGD's empty momentum is None.
            if value is not None:
                tensors[f"optimizer/{number}/{name}"] = torch.as_tensor(value)
    tensors["random"] = torch.get_rng_state()
    save_tensors(tensors, path, {"facts": json.dumps({**facts, "optimizer": type(optimizer).__name__})})


def load_state(
    path: Path, objective: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Put a saved state back and return its facts."""
    try:
        with safe_open(path, framework="pt") as file:
            facts: dict[str, Any] = json.loads(file.metadata()["facts"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
    except FileNotFoundError:
        raise MtlError(f"{path} does not exist: nothing was saved yet. Start again with --force.") from None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise MtlError(f"{path} cannot be read as a training state: {error}.") from None
    used = type(optimizer).__name__
    if facts.get("optimizer", used) != used:
        raise OptionError(
            f"train.optimizer is {used.lower()}, but {path} holds the memory of {facts['optimizer'].lower()}: leave it "
            "as it was, or start a new run --from the last model."
        )
    try:
        objective.load_state_dict(_below(tensors, "objective"))
        _restore_optimizer(optimizer, _below(tensors, "optimizer"))
        for name, value in _below(tensors, "average").items():
            average[name].copy_(value)
        torch.set_rng_state(tensors["random"])
    except (RuntimeError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise MtlError(f"{path} does not fit the run's train.json: {reason}") from None
    return facts


def _restore_optimizer(optimizer: torch.optim.Optimizer, memory: Mapping[str, Tensor]) -> None:
    state = optimizer.state_dict()
    state["state"] = {}
    for key, value in memory.items():
        number, _, name = key.partition("/")
        state["state"].setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(state)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.partition("/")[2]: value for name, value in tensors.items() if name.startswith(f"{prefix}/")}
