"""Ctrl-C and SIGTERM as a flag that a long loop looks at between its steps; and what worker processes do about them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from types import FrameType


@dataclass
class Flag:
    """Set once an interrupt has come."""

    is_set: bool = False


@contextmanager
def noticed() -> Iterator[Flag]:
    """While the block runs, the first SIGINT or SIGTERM sets the flag; a second one ends the program at once."""
    flag = Flag()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may set handlers; others are stopped by whoever started them.
        yield flag
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if flag.is_set:
            raise KeyboardInterrupt("Interrupted twice: the step in hand is lost.")
        flag.is_set = True

    old = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield flag
    finally:
        for number, handler in old.items():
            # None: a handler that was not set from Python and cannot be set again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def leave_to_parent(worker: int) -> None:
    """In a worker process: a Ctrl-C reaches the whole group, and the parent needs its workers to end the step."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def end_with_parent() -> None:
    """In a worker process: leave Ctrl-C to the parent, and end when it ends, however that happens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
