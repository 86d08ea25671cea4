"""Stage mti: inference, from the image to fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mtlcore.plugin.interfaces import Stage, Task


@dataclass(frozen=True)
class MTI(Stage):
    """Multi-task inference (Gao 2024, doi 10.1093/gji/ggad424): the network reads the image alone."""

    name: ClassVar[str] = "mti"

    def inputs(self, tasks: Sequence[Task], image: Tensor, fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"image": image}
