"""Tensors in safetensors files, written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write tensors by name, and texts beside them; MtlError, naming ``path``, where the disk is full."""
    # Copies: tensors that share memory (torch.expand, tied weights) are refused by safetensors.
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        try:
            save_file(plain, temporary, metadata=metadata)
        except SafetensorError as error:
            raise _system_error(error) from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise MtlError(f"Weights {path} do not exist.") from None
    except (SafetensorError, OSError) as error:
        raise MtlError(f"Weights {path} cannot be read as safetensors: {error}.") from None


def _system_error(error: SafetensorError) -> Exception:
    """safetensors wraps the system's errors: the OSError inside, else the error itself."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else error
