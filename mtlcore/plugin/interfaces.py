"""What a plugin author implements: Task, Backbone, Stage, Format and Source, and the Output that tasks declare.

Every class here is a base for a frozen dataclass: its fields are the options that users set in a
configuration file or by ``--set``; unknown options are refused. This page imports no torch, so that
listing plugins stays fast; ``Tensor`` and ``Module`` below are torch's.

Arrays are depth-first everywhere: ``(depth, x)`` or ``(depth, inline, crossline)``; tensors carry a batch
and a channel axis before them. A label that is unknown at a sample is NaN there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from mtlcore.io.volume import Geometry, Volume, Writer
from mtlcore.plugin.outputs import Output

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Module

    from mtlcore.inference.solving import SolveWork

    Array = NDArray[np.float32]

API_VERSION = 2
"""Version of these interfaces. A plugin module may set ``mtl_api_version`` to the one it was written for."""


@dataclass(frozen=True)
class Task(ABC):
    """One thing to infer: its outputs, the network's head, loss and metrics, and what follows the network."""

    name: ClassVar[str]
    outputs: ClassVar[tuple[Output, ...]]
    headline: ClassVar[tuple[str, ...]] = ()
    """The metrics that short displays show."""
    lower_is_better: ClassVar[tuple[str, ...]] = ()
    """The metrics of which less is better; of all others more is."""
    weight: float = 1.0

    @abstractmethod
    def head(self, channels: int, ndim: int) -> Module:
        """A module from N x channels x ... features to a dict of raw tensors, N x any x ..., by name."""

    @abstractmethod
    def loss(self, predicted: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """A scalar from the head's raw tensors and the labels (N x 1 x ..., by output name, NaN where unknown).

        It must be a mean over items of a value per item: then several ranks agree with one.
        """

    @abstractmethod
    def metrics(self, predicted: Mapping[str, Array], target: Mapping[str, Array]) -> dict[str, float]:
        """Figures of one item from its fields and labels; ``target`` also holds the noisy ``image``."""

    def decode(self, raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Raw tensors to fields, sample by sample (it runs tile by tile). Default: as they are."""
        return dict(raw)

    def solve(self, fields: dict[str, Array], image: Array) -> dict[str, Array]:
        """A last step that sees the whole volume: decoded arrays to fields. Default: as they are.

        A decoded tensor of one channel arrives as (depth, ...), one of several as (channel, depth, ...). Outputs of
        other tasks that it ``solve_inputs`` are among the fields where the model has them.
        """
        return fields

    def solve_columns(self, work: SolveWork) -> None:
        """The last step on volumes of any size: reads decoded arrays from ``work`` and writes the outputs, column by
        column, with a result that does not depend on the columns. Default: ``solve`` on whole arrays, which must fit
        into memory.
        """
        work.solve_whole()

    @property
    def half_precision(self) -> tuple[str, ...]:
        """Names of decoded arrays that lose nothing that counts where float16 keeps them until the last step."""
        return ()

    @property
    def averages_copies(self) -> bool:
        """Whether what it solves for is averaged over mirrored copies, where users ask for that; else it is solved
        once, of the image as it is."""
        return True

    @property
    def solve_inputs(self) -> tuple[str, ...]:
        """Names of other tasks' outputs that ``solve`` makes use of; those tasks solve with none themselves."""
        return ()

    @property
    def section_tensors(self) -> tuple[str, ...] | None:
        """Names of the raw tensors that ``fuse_sections`` reads; None: all."""
        return None

    def fuse_sections(self, along: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Raw tensors of a volume from those of its sections along each lateral axis, inline axis first.

        Each is N x channels x depth x inline x crossline, or coarser. Default: the mean.
        """
        first, *others = along
        return {name: sum((raw[name] for raw in others), values) / len(along) for name, values in first.items()}

    def encode(self, fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Fields (N x 1 x ...) to the channels that a refinement network reads. Default: as they are.

        ``fields`` are those of all its tasks and, where the stage reads it, the ``image``.
        """
        return {output.name: fields[output.name] for output in self.outputs if output.name in fields}

    def corrupt(self, labels: Mapping[str, Array], random: np.random.Generator) -> dict[str, Array]:
        """Labels made worse, as an earlier stage would deliver them: inputs to train refinement. Default: as is."""
        return dict(labels)

    def merge(self, variants: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """One set of fields from several of the same volume, by each output's ``merge``."""
        from mtlcore.inference.averaging import merge_output

        present = [output for output in self.outputs if output.name in variants[0]]
        return {output.name: merge_output(output, [v[output.name] for v in variants]) for output in present}

    def spread(self, variants: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """How much variants of the same volume differ, by output name: the standard deviation, axial for angles."""
        from mtlcore.inference.averaging import spread_of

        present = [output for output in self.outputs if output.name in variants[0]]
        return {output.name: spread_of(output, [v[output.name] for v in variants]) for output in present}

    @property
    def reach(self) -> int:
        """How many samples away ``encode`` reads: tiles of a refining network have a halo so much larger."""
        return 0

    @property
    def needs_whole_volume(self) -> bool:
        """Whether its head must see the whole volume at once (statistics over all samples, say): then no tiles."""
        return False

    def outputs_in(self, ndim: int) -> tuple[Output, ...]:
        """The outputs that exist in so many dimensions."""
        return tuple(output for output in self.outputs if ndim in output.ndims)


@dataclass(frozen=True)
class Backbone(ABC):
    """A network's body: one encoder, and decoders that give each task its features."""

    name: ClassVar[str]

    @abstractmethod
    def encoder(self, inputs: Mapping[str, int], ndim: int) -> Module:
        """A module from a dict of tensors (by name, with so many channels each) to features for the decoders."""

    @abstractmethod
    def decoder(self, task: str, ndim: int) -> Module:
        """A module from the encoder's features to N x channels x ... at the inputs' full resolution."""

    def neck(self, task: str, ndim: int) -> Module | None:
        """A task's own module between a decoder (which may be shared) and its head; None: the identity."""
        return None

    @property
    @abstractmethod
    def channels(self) -> int:
        """Channels that a decoder, or a neck after it, delivers to a head."""

    def head(self, task: Task, ndim: int) -> Module:
        """A task's last module, from what a decoder (or neck) gives to a dict of raw tensors. Default: the task's."""
        return task.head(self.channels, ndim)

    @property
    def section_axes(self) -> tuple[int, ...]:
        """Lateral axes (1, 2) along which its encoder first reads whole sections of a volume, each by itself.

        Then volumes of any size are read in slabs of sections, and no halo is needed in their plane: the encoder has
        ``along(inputs, axis)``, which gives tensors of a slab by name, ``fuse(found, inputs)``, which makes of
        those of all axes over one window what the encoder gives, and ``sections_at_once(depth, length)``.
        Default: none.
        """
        return ()

    @property
    def fusing_halo(self) -> int:
        """Of such a backbone: samples around a tile beyond which nothing reaches what follows the sections."""
        return 0

    def grows_from(self, other: Backbone) -> bool:
        """Whether this is the network of ``other`` with parts that, untrained, change nothing: training may then
        start from a model of ``other``."""
        return False

    @property
    def shared_decoder(self) -> bool:
        """Whether all tasks use one decoder."""
        return False

    @property
    def stride(self) -> int:
        """Inputs are padded to a multiple of it, and tiles start at multiples of it."""
        return 1

    @property
    def margin(self) -> int:
        """Samples by which inputs are padded at their far ends at least, so that these look the same in any size."""
        return 0

    @property
    def halo(self) -> int | None:
        """Samples around a tile beyond which nothing reaches it; None: the network must see the whole volume."""
        return None


@dataclass(frozen=True)
class Stage(ABC):
    """What a network of this stage reads, in use and in training. What it writes are its tasks' outputs."""

    name: ClassVar[str]
    refines: ClassVar[bool] = False
    """It refines fields: it needs those of an earlier stage, and may run several times."""

    @abstractmethod
    def inputs(self, tasks: Sequence[Task], image: Tensor, fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The network's inputs by name, from the normalised image (N x 1 x ...) and the fields so far."""

    def training_fields(
        self, tasks: Sequence[Task], item: Mapping[str, Array], random: np.random.Generator
    ) -> dict[str, Array]:
        """The fields to read in training, from an item's image, labels and, if it has any, ``refinement/NAME``."""
        return {}

    @property
    def keeps(self) -> tuple[str, ...]:
        """Tasks whose fields it reads and passes on as they are: its network has no heads for them."""
        return ()

    @property
    def rounds(self) -> int:
        """Passes that training knows: the items of a batch have been refined 0, 1, ... times before, in turn."""
        return 1


@dataclass(frozen=True)
class Format(ABC):
    """A file format. Paths are opened as a Volume and created like another one."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()

    def file_name(self, output: Output) -> str:
        """The name of an output's file in a folder of results. Default: the output's, with the first suffix."""
        return f"{output.name}{(self.suffixes or (f'.{self.name}',))[0]}"

    @abstractmethod
    def open(self, path: Path) -> Volume:
        """The file as a lazily read volume; MtlError names the path and what is wrong with it."""

    @abstractmethod
    def create(self, path: Path, geometry: Geometry, output: Output) -> AbstractContextManager[Writer]:
        """A writer of a new float32 volume of one output.

        The file appears under its final name only when the ``with`` block ends without an exception:
        temporary name, flush, rename; an older file can be read until then. Samples that are never written
        are 0; those of dead traces may read back as anything. Where the format holds what the input's file
        held (headers, ...), it finds that in ``geometry.source``.
        """


@dataclass(frozen=True)
class ParallelFormat(Format):
    """A format whose new files several processes may write together, each its own blocks.

    One process calls ``begin`` and tells the others the path that it returns; each of them writes its windows to
    the writer of ``join``; when all have left that block, one calls ``commit``, and only then the file has its final
    name. See mtlcore.io.parallel_write for plans of who writes what. What was begun survives a kill: whoever joins
    again under the same owner's name writes its blocks again, and the rest is kept.
    """

    @property
    def writes_in_parallel(self) -> bool:
        """Whether files with its present options can be written so; where not, ``begin`` raises MtlError."""
        return True

    @abstractmethod
    def block_shape(self, geometry: Geometry) -> tuple[int, ...]:
        """The shape of the blocks of a new file that must have one writer each; at the volume's end they are cut."""

    @abstractmethod
    def begin(self, path: Path, geometry: Geometry, output: Output) -> Path:
        """Start a new file; the temporary path next to ``path`` that others join."""

    @abstractmethod
    def join(self, started: Path, owner: str) -> AbstractContextManager[Writer]:
        """A writer of one part, on the disk when the ``with`` block ends.

        ``owner`` tells the processes apart; after a failure it may join again. MtlError where it writes to a block
        that another owner has written to.
        """

    @abstractmethod
    def commit(self, started: Path, path: Path) -> None:
        """Give the file its final name; MtlError where a part was joined and not left as it should be."""

    @abstractmethod
    def abandon(self, started: Path) -> None:
        """Remove what was begun."""


@dataclass(frozen=True)
class Source(ABC):
    """Training data: items of image, labels and, where there are any, refinement inputs."""

    name: ClassVar[str]
    example: ClassVar[str] = ""
    """A location whose first validation item shows newcomers what the program does; empty: none is offered."""

    @abstractmethod
    def open(self, location: str, split: Literal["train", "valid"], outputs: Sequence[Output]) -> Items:
        """The items of one split; ``outputs`` are the labels that are wanted, where the data has them."""


class Items(ABC):
    """A sequence of training items, all of one shape; item i never depends on what was read before it."""

    shape: tuple[int, ...]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> dict[str, Array]:
        """``image``, labels by output name (in this package's units), ``refinement/NAME`` inputs."""


@dataclass(frozen=True)
class PackagedModel:
    """A model folder that a plugin ships; several may share the ``name`` that ``--model`` takes."""

    name: str
    stage: str
    ndim: int
    folder: Path


@dataclass(frozen=True)
class Command:
    """A command of ``mtl``. It is plain data, so that listing commands imports none of them."""

    name: str
    target: str
    """Where the click command is, as "module:attribute"."""
    help: str
    """One line."""
    writes: tuple[str, ...] = ()
    """Names of the files and folders that it leaves in a result folder. A run that replaces the result removes
    such files and warns about such folders."""
    keeps: tuple[str, ...] = ()
    """Names of the files there that hold what users made by hand: a run that replaces the result keeps them, and
    warns that they belong to another one."""
