"""Backbone sections: a 2D network along both lateral axes of a volume, with or without a 3D network after it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import nn

from mtl_seismic.sections.encoder import CELL, FEATURES, LATERAL, SAMPLES, SectionEncoder
from mtl_seismic.sections.fusion import FINE_STEPS, FusedHead, Fusion, RawTensor
from mtl_seismic.unet.backbone import UNet
from mtl_seismic.unet.shuffle import cells
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
    What it says of the sections becomes what it says of the volume as each task declares (Task.fuse_sections). That is
    the answer, 2D knowledge in 3D without any training, unless 3D networks correct it: ``widths``, a U-Net of these
    channels on cells of 2x2x2 samples, which reads the 2D network's features along both axes (``dilations``: those of
    its deepest level), and ``fine``, a few convolutions of so many channels, which read the image and what the 2D
    network says of each sample. Untrained, they correct nothing. ``reach``: samples beyond which nothing was found to
    reach a tile, if that was measured; else a bound is derived. ``cache``: while training with a frozen encoder, keep
    on disk what the 2D network makes of an image, for the next epoch.
    """

    name: ClassVar[str] = "sections"
    network: dict[str, Any] = field(default_factory=dict)
    tasks: tuple[dict[str, Any], ...] = ()
    widths: tuple[int, ...] = ()
    dilations: tuple[int, ...] = (1, 2)
    fine: int = 0
    reach: int | None = None
    cache: bool = False

    def __post_init__(self) -> None:
        if not self.network or not self.tasks:
            raise OptionError(
                "backbone sections needs the 2D network that it runs, as network and tasks: start from a model that "
                "has them, as --from default."
            )
        if min((*self.widths, *self.dilations, self.fine + 1)) < 1:
            options = f"widths {self.widths}, dilations {self.dilations}, fine {self.fine}"
            raise OptionError(
                f"backbone sections has {options}: expected numbers of at least 1, and fine of at least 0."
            )

    @cached_property
    def plane(self) -> Backbone:
        """The 2D network's backbone."""
        backbone: Backbone = build_part("backbone", self.network, current())
        return backbone

    @cached_property
    def on_cells(self) -> UNet | None:
        """The options of the 3D network on cells."""
        return UNet(self.widths, self.dilations, stem=1, features=self.widths[0], edge=0) if self.widths else None

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
        return SectionEncoder(self.plane, tasks, inputs, bool(self.widths), bool(self.widths or self.fine), self.cache)

    def decoder(self, task: str, ndim: int) -> nn.Module:
        if not (self.widths or self.fine):
            return nn.Identity()
        features, samples = (self.layout[name][1] if name in self.layout else 0 for name in (FEATURES, SAMPLES))
        return Fusion(self.on_cells, self.fine, features, samples)

    def head(self, task: Task, ndim: int) -> nn.Module:
        parts = {name.partition("/")[::2]: shape for name, shape in self.layout.items()}
        raw = {
            name: RawTensor(shape[1], self.stride // shape[2]) for (of, name), shape in parts.items() if of == task.name
        }
        if not raw:
            known = ", ".join(str(table.get("name")) for table in self.tasks)
            raise OptionError(f"backbone sections cannot infer '{task.name}': its 2D network infers {known}.")
        fine = cells(CELL, 3) * self.layout[SAMPLES][1] + self.fine if self.fine else 0
        return FusedHead(task.name, raw, self.channels, fine)

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
        return self.plane.halo + self.fusing_halo

    @property
    def section_axes(self) -> tuple[int, ...]:
        return LATERAL

    @property
    def fusing_halo(self) -> int:
        corrected = (CELL * FINE_STEPS if self.fine else 0) + (CELL * self.on_cells.halo if self.on_cells else 0)
        return max(PLANES, corrected)

    def grows_from(self, other: Backbone) -> bool:
        if not isinstance(other, Sections) or (other.network, other.tasks) != (self.network, self.tasks):
            return False
        same_cells = (other.widths, other.dilations) == (self.widths, self.dilations)
        return (not other.widths or same_cells) and other.fine in (0, self.fine)
