"""What a frozen network makes of an image, kept on disk while a training lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import Tensor

from mtlcore.io.atomic import atomic_path
from mtlcore.model.tensors import load_tensors, save_tensors

Tensors = Mapping[str, Tensor]


def kept(inputs: Tensors, compute: Callable[[Tensors], dict[str, Tensor]]) -> dict[str, Tensor]:
    """``compute(inputs)``, computed once for each content of the inputs."""
    digest = sha256()
    for name, values in inputs.items():
        digest.update(repr((name, tuple(values.shape))).encode() + values.cpu().contiguous().numpy().tobytes())
    path = Path(_folder().name, digest.hexdigest()).with_suffix(".safetensors")
    if not path.exists():
        found = {name: values.contiguous() for name, values in compute(inputs).items()}
        with atomic_path(path) as temporary:
            save_tensors(found, temporary)
        return found
    device = next(iter(inputs.values())).device
    return {name: values.to(device) for name, values in load_tensors(path).items()}


@cache
def _folder() -> TemporaryDirectory[str]:
    """A folder of this process and those that it forks, removed when it ends."""
    return TemporaryDirectory(prefix="mtl-sections-")
