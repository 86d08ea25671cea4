"""Which device computes: asked for by name, never replaced silently."""

from __future__ import annotations

import platform
from typing import Literal

import torch

from mtlcore.errors import OptionError

Precision = Literal["float32", "bfloat16", "float16"]


def resolve(name: str) -> torch.device:
    """The device of a name: auto, cpu, cuda, cuda:N or mps. One that is missing is an error."""
    if name == "auto":
        return torch.device(_best())
    try:
        device = torch.device(name)
    except RuntimeError:
        raise OptionError(f"Unknown device '{name}': expected auto, cpu, cuda, cuda:N or mps.") from None
    if device.type not in ("cpu", "cuda", "mps"):
        raise OptionError(f"Device '{name}' is not supported: expected auto, cpu, cuda, cuda:N or mps.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise _missing(name, f"{torch.cuda.device_count()} CUDA devices were found")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise _missing(name, "this machine or this torch has no MPS")
    return device


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _missing(name: str, reason: str) -> OptionError:
    return OptionError(f"Device '{name}' is not available: {reason}. Use --device cpu, or auto.")


def describe(device: torch.device) -> str:
    """A device in words: its name and, on a CPU, the threads in use."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """A context in which networks compute in a precision."""
    return torch.autocast(device.type, dtype=getattr(torch, precision), enabled=precision != "float32")


def emulates_bfloat16(device: torch.device) -> bool:
    """Whether a device computes bfloat16 in the arithmetic of other types, which is slower than float32.

    Of x86 processors this is known; of others it is not supposed.
    """
    if device.type != "cpu" or platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    return not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
