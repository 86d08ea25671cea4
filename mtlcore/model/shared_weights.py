"""Weights that a model has in common with another one kept next to it, as packaged models are: stored once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mtlcore.errors import MtlError

Weights = Mapping[str, Tensor]


def common_prefix(weights: Weights, shared: Weights, path: Path) -> str:
    """What stands before the names of ``shared``, the weights at ``path``, where ``weights`` include all of them.

    MtlError where they do not, to the last bit.
    """
    first = next(iter(shared), "")
    for name in weights:
        prefix = name.removesuffix(first)
        if name == prefix + first and all(_same(weights.get(prefix + other), value) for other, value in shared.items()):
            return prefix
    raise MtlError(f"The weights {path} are not a part of the model's: they cannot be left out of its file.")


def _same(have: Tensor | None, value: Tensor) -> bool:
    return have is not None and torch.equal(have.cpu(), value.to("cpu", have.dtype))


def prefixed(shared: Weights, prefix: str) -> dict[str, Tensor]:
    """Shared weights by the names that they have in the model."""
    return {prefix + name: value for name, value in shared.items()}


def sibling(folder: Path, model: Path) -> str:
    """The folder of a model next to ``model``, as config.json names it."""
    if folder.resolve().parent != model.resolve().parent:
        raise MtlError(f"The model {folder} is not next to {model}: models can share weights only side by side.")
    return folder.resolve().name
