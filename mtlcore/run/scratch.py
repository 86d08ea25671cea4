"""What a run keeps on disk until it is complete: fields of columns, and what was found out about the image.

A run that was stopped goes on from here; worker processes read and write here.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.inference.chain import Known
from mtlcore.inference.layout import TILE_SHARE
from mtlcore.inference.statistics import ImageStatistics
from mtlcore.inference.store import ScratchStore
from mtlcore.inference.undefined import Undefined
from mtlcore.io.atomic import atomic_path

FIELD_BYTES = 150
"""Bytes a sample that fields and embeddings take between the steps of a run, at most."""
NAME = ".scratch"
KNOWN = "known.npz"


@dataclass(frozen=True)
class Scratch:
    """A folder of one run."""

    folder: Path

    def store(self) -> ScratchStore:
        return ScratchStore(self.folder / "fields")

    def save(self, known: Known) -> None:
        """Keep what was found out about the image, for other processes and for a run that goes on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = known.statistics
        gain = np.zeros(0, np.float32) if found.gain is None else found.gain
        with atomic_path(self.folder / KNOWN) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                amplitude=np.array([found.scale, found.offset, found.gain_level, found.undefined.limit]),
                values=np.array(found.undefined.values, np.float64),
                gain=gain,
                dead_traces=found.dead_traces,
                report=np.frombuffer(json.dumps([found.report, found.unlike]).encode(), np.uint8),
                seen=np.array(known.seen),
                edges=np.array(known.edges),
                memory=np.array(known.memory),
            )

    def load(self) -> Known | None:
        """What was kept; None where nothing was."""
        try:
            with np.load(self.folder / KNOWN) as kept:
                return _known({name: kept[name] for name in kept.files})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError) as error:
            raise MtlError(f"{self.folder / KNOWN} cannot be read: {error}. Start the run again.") from None

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _known(kept: dict[str, NDArray[np.generic]]) -> Known:
    scale, offset, level, limit = (float(value) for value in kept["amplitude"])
    gain = kept["gain"].astype(np.float32)
    report, unlike = json.loads(bytes(kept["report"].astype(np.uint8)).decode())
    statistics = ImageStatistics(
        scale,
        offset,
        Undefined(tuple(float(value) for value in kept["values"]), limit),
        gain if gain.size else None,
        level,
        kept["dead_traces"].astype(bool),
        report,
        tuple(unlike),
    )
    seen, edges = (tuple(int(size) for size in kept[name]) for name in ("seen", "edges"))
    return Known(statistics, seen, edges, int(kept["memory"]))


def needs_scratch(shape: tuple[int, ...], memory: int) -> bool:
    """Whether the fields of a run would take more than the part of the memory that tiles leave."""
    return math.prod(shape) * FIELD_BYTES > memory * (1 - TILE_SHARE)
