"""What a process that a training run has started does (see processes.py)."""

from __future__ import annotations

import json
import os
import sys
import threading
import warnings
from pathlib import Path

import torch

from mtlcore import interrupts
from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.plugin.plugins import current
from mtlcore.training.distributed import LocalGroup
from mtlcore.training.job import Job
from mtlcore.training.train import train_rank


def work() -> None:
    """Take the part of the run that the first line of stdin describes; end when stdin does."""
    told = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    interrupts.leave_to_parent(0)
    warnings.simplefilter("ignore")  # the leading process says what there is to say
    torch.set_num_threads(told["threads"])
    folder, group = told["folder"], LocalGroup(**told["group"])
    try:
        train_rank(build(Job, told["job"], "run"), Path(folder or ""), current(), folder is not None, group)
    except MtlError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _end_with_parent() -> None:
    """Ends the process at once where its parent is gone: nothing would ever answer it."""
    sys.stdin.buffer.read()
    os._exit(1)
