"""A configuration may describe a network of any size: it is compared with the weights before anything is allocated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.module import register_module_parameter_registration_hook

from mtlcore.errors import MtlError

if TYPE_CHECKING:
    from mtlcore.model.model import ModelConfig
    from mtlcore.plugin.plugins import Plugins

MAX_RATIO = 4
"""Parameters that a network may make, of those that it keeps and that are stored: some are made to be replaced."""
FREE_TENSORS, FREE_NUMBERS = 1000, 10_000_000
"""As many are allowed in any case."""
LONGEST_HEADER = 2**27


class _TooLargeError(Exception):
    """The network has more than the weights' file."""


def check_network_size(config: ModelConfig, files: Sequence[Path], plugins: Plugins) -> None:
    """MtlError where a configuration's network is far larger than its weights.

    ``files``: the safetensors files with them. The network is built without memory for its numbers, and no further
    than the limit.
    """
    from mtlcore.model.model import Model

    sizes = [size for file in files for size in tensor_sizes(file)]
    limits = MAX_RATIO * len(sizes) + FREE_TENSORS, MAX_RATIO * sum(sizes) + FREE_NUMBERS
    count, numbers = 0, 0

    def watch(module: Any, name: str, parameter: torch.nn.Parameter | None) -> None:
        nonlocal count, numbers
        if parameter is not None:
            count, numbers = count + 1, numbers + parameter.numel()
        if count > limits[0] or numbers > limits[1]:
            raise _TooLargeError

    handle: Any = register_module_parameter_registration_hook(watch)
    try:
        with torch.device("meta"):
            Model.new(config, plugins)
    except _TooLargeError:
        raise MtlError(
            f"{files[0].parent}: config.json describes a network of more than {numbers:,} numbers, and the weights are "
            f"{sum(sizes):,}: it is damaged."
        ) from None
    except MtlError:
        raise
    except Exception:
        return  # a network that cannot be built without memory; building it in earnest tells what is wrong
    finally:
        handle.remove()


def tensor_sizes(path: Path) -> list[int]:
    """How many numbers each tensor of a safetensors file has, by its header; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, LONGEST_HEADER)))
        return [prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__"]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []
