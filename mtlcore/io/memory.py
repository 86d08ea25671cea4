"""How much memory is free, and refusing what a file claims where that cannot be."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from mtlcore.errors import MtlError

_GROUP_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)
"""Limit, use, and the part of it that is given up on demand: of control groups of version 2 and 1."""


def available_memory() -> int:
    """Bytes that this process can still take: of the computer, its control group and its own limits."""
    limits = [_of_computer(), *_of_groups(Path("/sys/fs/cgroup")), *_of_process()]
    return max(0, min(limit for limit in limits if limit is not None))


def check_memory(size: int, what: str, where: object) -> None:
    """MtlError where so many bytes do not fit, naming ``what`` needs them and ``where`` it stands."""
    free = available_memory()
    if size > free:
        raise MtlError(
            f"{where}: {what} needs {_gigabytes(size)} of memory, and {_gigabytes(free)} are free: "
            "it is damaged, or this computer is too small for it."
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB"


def _of_computer() -> int | None:
    with suppress(OSError):
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 2**62


def _of_groups(root: Path) -> list[int | None]:
    found: list[int | None] = []
    for limit, used, given_up in _GROUP_FILES:
        with suppress(OSError, ValueError):
            most = int((root / limit).read_text(encoding="ascii"))
            cached = re.search(rf"^{given_up} (\d+)", (root / limit).with_name("memory.stat").read_text(), re.MULTILINE)
            free = int((root / used).read_text(encoding="ascii")) - (int(cached[1]) if cached else 0)
            found.append(most - free)
    return found


def _of_process() -> list[int | None]:
    """What is left of the limit on addresses (ulimit -v)."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return []
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return [soft - pages * os.sysconf("SC_PAGE_SIZE")]
    return []
