"""What a killed writer leaves next to its file: told from what a living one is writing, removed or put back.

A writer holds a lock on its temporary file or folder, which the system lets go when the process ends, however it
ends. Whoever writes to a folder next removes temporary files there that nobody holds.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

PART, BEGUN, OLD = ".part", ".begun", ".old"
"""How temporary names end: of what goes when its writer does, of what several processes write and may resume, and
of a folder that gives way to a new one."""
DIGITS = 8
_swept: set[Path] = set()


def hold(path: Path) -> int | None:
    """Lock a new temporary file or folder: a descriptor to close at the end; None where the system has no locks.

    FileNotFoundError where somebody has taken it for a leftover in the meantime.
    """
    descriptor = os.open(path, os.O_RDONLY)
    if not _lock(descriptor):
        os.close(descriptor)
        return None
    if not path.exists():
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "taken for a leftover", str(path))
    return descriptor


def remove_file(path: Path) -> bool:
    """Remove a file that may be gone; whether that could be done."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def release(held: int | None) -> None:
    """Let a lock of ``hold`` go."""
    if held is not None:
        with suppress(OSError):
            os.close(held)


def sweep(folder: Path) -> None:
    """Remove what killed writers have left in a folder; once in a process, since folders may be large."""
    if folder in _swept:
        return
    _swept.add(folder)
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if _is_temporary(path.name, PART):
                _remove_if_left(path)
            elif _is_temporary(path.name, OLD):
                put_back(path)


def recover(path: Path) -> None:
    """Put a folder back that had given way to a new one when the process was killed, if nothing has its name."""
    if path.exists():
        return
    with suppress(OSError):
        stem = f".{path.name[:40]}."
        for other in path.parent.glob(f".*{OLD}"):
            if _is_temporary(other.name, OLD) and other.name.startswith(stem) and len(other.name) == len(stem) + 12:
                put_back(other, path)
                return


def put_back(old: Path, final: Path | None = None) -> None:
    """Give a folder ``.NAME.XXXXXXXX.old`` its name again; where another has it, remove the folder."""
    name = old.name[1 : -DIGITS - 1 - len(OLD)]
    final = final or old.with_name(name)
    if final.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif len(name) < 40:  # longer ones were cut
        with suppress(OSError):
            old.rename(final)


def exchange(one: Path, other: Path) -> bool:
    """Let two names change places in one step; False where the system cannot."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return bool(library.renamex_np(os.fsencode(one), os.fsencode(other), ctypes.c_uint(2)) == 0)
        here = -100  # AT_FDCWD
        call = library.renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(call(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(2)) == 0)


def _is_temporary(name: str, suffix: str) -> bool:
    middle = name.removesuffix(suffix)
    digits = middle.rpartition(".")[2]
    return (
        name.startswith(".") and middle != name and len(digits) == DIGITS and not set(digits) - set("0123456789abcdef")
    )


def _remove_if_left(path: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            if not _lock(descriptor):
                return
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether the lock could be had."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True
