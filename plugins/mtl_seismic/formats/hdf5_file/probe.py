"""A damaged HDF5 file may make its library loop for ever or crash: its structure is read in a process of its own first.

The copy of this process takes some milliseconds, and its processor time is limited, not its patience: a slow disk is
no reason to refuse a file. Where the system cannot copy a process, files are opened without.
"""

from __future__ import annotations

import os
import select
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

from mtlcore.errors import MtlError

CPU_SECONDS = 4
"""Of processor time to read the structure of a file."""
SECONDS = 300
"""Of waiting for it."""


def refuse_endless(path: Path, look: Callable[[], None]) -> None:
    """MtlError where ``look`` does not come to an end, or the process that runs it crashes; its own errors are not."""
    if not hasattr(os, "fork"):
        return
    reading, writing = os.pipe()
    try:
        with warnings.catch_warnings():
            # Of threads: the copy has none, and needs none.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _look_and_end(look)
    finally:
        os.close(writing)
    status = _wait(child, reading)
    if status is None:
        raise MtlError(f"{path} is damaged: reading its structure did not end after {SECONDS} s.")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in (signal.SIGXCPU, signal.SIGKILL):
            raise MtlError(f"{path} is damaged: reading its structure does not end.")
        if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL):
            raise MtlError(f"{path} is damaged: reading its structure crashes the library HDF5.")


def _look_and_end(look: Callable[[], None]) -> None:
    """In the copy: no handler, flush or message of the original's may run."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in (signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        look()
    except BaseException:
        pass
    finally:
        os._exit(0)


def _wait(child: int, reading: int) -> int | None:
    """How the process ended, which closes its end of the pipe; None where it had to be killed. It is gone then."""
    ended: list[int] = []
    try:
        ended, _, _ = select.select([reading], [], [], SECONDS)
    finally:
        os.close(reading)
        if not ended:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return status if ended else None
