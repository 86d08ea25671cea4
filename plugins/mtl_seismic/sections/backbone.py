"""Backbone sections: a 2D network along both lateral axes of a volume, with or without a 3D network after it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import nn

from mtl_seismic.sections.encoder import CELL, FEATURES, SectionEncoder
from mtl_seismic.sections.fusion import FusedHead, Fusion, RawTensor
from mtl_seismic.unet.backbone import UNet
from mtlcore.errors import OptionError
from mtlcore.model.model import build_part
from mtlcore.plugin.interfaces import Backbone, Task
from mtlcore.plugin.plugins import current

PLANES = 24
"""Samples that fusing the sections of a task may see to each side."""


@dataclass(frozen=True)
class Sections(Backbone):
    """A 2D network run on every section along both lateral axes of a volume.

    ``network`` is the 2D network's table (a name and options), ``tasks`` are the tables of the tasks that it infers.
    What it says of the sections becomes what it says of the volume as each task declares (Task.fuse_sections). Without
    ``widths`` that is the answer: 2D knowledge in 3D, without any training. With them, a 3D U-Net of these channels on
    cells of 2x2x2 samples reads the 2D network's features along both axes and corrects it; untrained, it corrects
    nothing. ``dilations``: those of its deepest level. ``reach``: samples beyond which nothing was found to reach a
    tile, if that was measured; else a bound is derived. ``cache``: while training with a frozen encoder, keep on disk
    what the 2D network makes of an image, for the next epoch.
    """

    name: ClassVar[str] = "sections"
    network: dict[str, Any] = field(default_factory=dict)
    tasks: tuple[dict[str, Any], ...] = ()
    widths: tuple[int, ...] = ()
    dilations: tuple[int, ...] = (1, 2)
    reach: int | None = None
    cache: bool = False

    def __post_init__(self) -> None:
        if not self.network or not self.tasks:
            raise OptionError(
                "backbone sections needs the 2D network that it runs, as network and tasks: start from a model that "
                "has them, as --from default."
            )
        if self.widths and min(self.widths + self.dilations) < 1:
            raise OptionError(f"backbone sections needs widths and dilations of at least 1, not {self}.")

    @cached_property
    def plane(self) -> Backbone:
        """The 2D network's backbone."""
        backbone: Backbone = build_part("backbone", self.network, current())
        return backbone

    @cached_property
    def fusion(self) -> UNet:
        """The 3D network's options."""
        return UNet(self.widths, self.dilations, stem=1, features=self.widths[0], edge=0)

    @cached_property
    def layout(self) -> dict[str, torch.Size]:
        """The shapes of what the encoder makes of a volume of ``stride`` samples along each axis."""
        size = self.stride
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            encoded = self.encoder({"image": 1}, 3).eval()({"image": torch.zeros(1, 1, size, size, size)})
        return {name: values.shape for name, values in encoded.items()}

    def encoder(self, inputs: Mapping[str, int], ndim: int) -> nn.Module:
        if ndim != 3:
            raise OptionError(f"backbone sections reads volumes, and these data have {ndim} axes: use its 2D network.")
        tasks = [build_part("task", table, current()) for table in self.tasks]
        return SectionEncoder(self.plane, tasks, inputs, with_features=bool(self.widths), cache=self.cache)

    def decoder(self, task: str, ndim: int) -> nn.Module:
        return Fusion(self.fusion, self.layout[FEATURES][1]) if self.widths else nn.Identity()

    def head(self, task: Task, ndim: int) -> nn.Module:
        parts = {name.partition("/")[::2]: shape for name, shape in self.layout.items()}
        raw = {
            name: RawTensor(shape[1], self.stride // shape[2]) for (of, name), shape in parts.items() if of == task.name
        }
        if not raw:
            known = ", ".join(str(table.get("name")) for table in self.tasks)
            raise OptionError(f"backbone sections cannot infer '{task.name}': its 2D network infers {known}.")
        return FusedHead(task.name, raw, self.widths[0] if self.widths else 0)

    @property
    def channels(self) -> int:
        return self.widths[0] if self.widths else 0

    @property
    def shared_decoder(self) -> bool:
        return True

    @property
    def stride(self) -> int:
        return math.lcm(self.plane.stride, CELL * 2 ** max(len(self.widths) - 1, 0))

    @property
    def halo(self) -> int | None:
        if self.reach is not None or self.plane.halo is None:
            return self.reach if self.plane.halo is not None else None
        fusion = CELL * self.fusion.halo if self.widths else 0
        return self.plane.halo + PLANES + fusion

    def grows_from(self, other: Backbone) -> bool:
        return (
            isinstance(other, Sections)
            and (other.network, other.tasks) == (self.network, self.tasks)
            and not other.widths
        )
