"""Training samples: items read, normalised, cropped, changed at random and put into batches.

What happens to an item is a function of (seed, pass over the items, index) alone, so that neither the number
of workers nor an interruption changes a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from mtlcore import interrupts
from mtlcore.errors import MtlError
from mtlcore.inference.amplitude import prepare
from mtlcore.inference.dead_traces import fill_traces, without_gaps
from mtlcore.inference.resampling import resample, resample_fields
from mtlcore.plugin.interfaces import Items, Stage, Task
from mtlcore.plugin.outputs import IMAGE, Output

Array = NDArray[np.float32]
Item = dict[str, Array]
Batch = dict[str, Tensor]
Values = TypeVar("Values")
Key = tuple[int, int]
"""The number of the pass over all items, and the index of an item."""
PLAIN = Output("")
"""What a stage reads and no task declares."""
TOUCHED = Output("", coarsened="maximum")
"""What is true where any sample is."""
SMALLEST_PIECE = 16
"""Samples along each axis that a piece of a window keeps."""


@dataclass(frozen=True)
class AugmentOptions:
    """Random changes of training items; every output's labels follow as the output declares.

    ``flip``: mirror along each horizontal axis with probability one half. ``polarity``: probability that
    amplitudes change their sign. ``amplitude``: amplitudes times a factor up to this many times more or less.
    ``resample``: depth is sampled up to this many times more finely or coarsely, so that wavelets, layers and faults
    from thin to thick are seen; ``resample_traces``: least and most traces in the place of one, for each horizontal
    axis, so that slopes and faults from gentle to steep are. ``pieces``: a batch's windows are cut into up to so many
    along each axis, one number for each axis and batch, so that images of few samples or traces are seen; their samples
    are as many as before.
    """

    flip: bool = True
    polarity: float = 0.5
    amplitude: float = 1.5
    resample: float = 1.0
    resample_traces: tuple[float, float] = (1.0, 1.0)
    pieces: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.polarity <= 1:
            raise MtlError(f"augment.polarity is {self.polarity}: expected a probability, 0..1.")
        for name, most in (("amplitude", 1e6), ("resample", 4.0)):
            if not 1 <= getattr(self, name) <= most:
                raise MtlError(f"augment.{name} is {getattr(self, name)}: expected a factor from 1 to {most:.0f}.")
        low, high = self.resample_traces
        if not 0.1 <= low <= high <= 4:
            raise MtlError(f"augment.resample_traces is {self.resample_traces}: expected two factors, from 0.1 to 4.")
        if self.pieces < 1:
            raise MtlError(f"augment.pieces is {self.pieces}: expected at least 1, which cuts nothing.")

    def sampling(self, shape: tuple[int, ...], random: np.random.Generator) -> tuple[int, ...]:
        """On how many samples of each axis an item is seen: factors of uniform logarithm."""
        factors = [self.resample ** random.uniform(-1, 1) if self.resample > 1 else 1.0]
        for _ in shape[1:]:
            low, high = np.log(self.resample_traces)
            factors.append(float(np.exp(random.uniform(low, high))) if low < high else float(np.exp(low)))
        return tuple(max(round(size * factor), 1) for size, factor in zip(shape, factors, strict=True))

    def smallest(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The fewest samples of each axis on which items of a shape are seen."""
        return (round(shape[0] / self.resample), *(round(size * self.resample_traces[0]) for size in shape[1:]))


@dataclass(frozen=True)
class Samples(Dataset[Item]):
    """Items as the network's stage sees them: ``image``, ``field/NAME`` to read, ``label/NAME`` to learn."""

    items: Items
    stage: Stage
    tasks: tuple[Task, ...]
    level: float
    seed: int
    crop: tuple[int, ...] | None = None
    augment: AugmentOptions | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return tuple(output for task in self.tasks for output in task.outputs_in(len(self.items.shape)))

    def __getitem__(self, key: Key) -> Item:
        number, index = key
        random = np.random.default_rng([self.seed, number, index])
        item = self.items[index]
        fields = self.stage.training_fields(self.tasks, item, random)
        labels = {output.name: item[output.name] for output in self.outputs if output.name in item}
        sample = self._normalised(item["image"], fields, labels)
        known = {output.name: output for output in self.outputs}
        if self.augment is not None:
            sample = _resample(sample, self.augment.sampling(sample["image"].shape, random), known)
        if self.crop is not None:
            sample = _crop(sample, self.crop, random)
        if self.augment is not None:
            sample = _augment(sample, self.augment, known, random)
        return {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in sample.items()}

    def _normalised(self, image: Array, fields: Item, labels: Item) -> Item:
        """Amplitudes in the network's scale; labels NaN where the image is dead, fields filled there."""
        prepared = prepare(image, self.level)
        missing = np.asarray(prepared.dead.all(axis=0))
        amplitudes = {output.name for output in self.outputs if output.amplitude}
        sample = {"image": prepared.image}
        for prefix, arrays in (("field", fields), ("label", labels)):
            for name, values in arrays.items():
                scaled = (
                    (values.astype(np.float64) - prepared.offset) / prepared.scale if name in amplitudes else values
                )
                unknown = prepared.dead if prefix == "label" else prepared.dead | ~np.isfinite(values)
                filler = np.nan if prefix == "label" else 0.0
                kept = np.where(unknown, filler, scaled).astype(np.float32)
                sample[f"{prefix}/{name}"] = kept if prefix == "label" else fill_traces(kept, missing)
        return sample


def _crop(sample: Item, size: tuple[int, ...], random: np.random.Generator) -> Item:
    """A window at a random place; items smaller than it are taken whole on that axis."""
    shape = sample["image"].shape
    starts = [int(random.integers(0, max(length - edge, 0) + 1)) for length, edge in zip(shape, size, strict=True)]
    window = tuple(slice(start, start + edge) for start, edge in zip(starts, size, strict=True))
    return {name: values[window] for name, values in sample.items()}


def _resample(sample: Item, shape: tuple[int, ...], outputs: dict[str, Output]) -> Item:
    """All arrays on a shape's samples; what is unknown stays so, and what would be made from it."""
    if shape == sample["image"].shape:
        return sample
    resampled = {"image": resample(IMAGE, sample["image"], shape)}
    for kind in ("field", "label"):
        whole = part(sample, kind)
        unknown = {name: np.isnan(values) for name, values in whole.items()}
        found = resample_fields(outputs, {name: without_gaps(whole[name], unknown[name]) for name in whole}, shape)
        for name, values in found.items():
            resampled[f"{kind}/{name}"] = _without_unknown(values, unknown[name])
    return resampled


def _without_unknown(values: Array, unknown: NDArray[np.bool_]) -> Array:
    """NaN where a resampled array depends on samples that were unknown."""
    if not unknown.any():
        return values
    touched = resample(TOUCHED, unknown.astype(np.float32), values.shape)
    return np.where(touched > 0, np.float32(np.nan), values)


def _augment(sample: Item, options: AugmentOptions, outputs: dict[str, Output], random: np.random.Generator) -> Item:
    ndim = sample["image"].ndim
    if options.flip:
        for axis in range(1, ndim):
            if random.random() < 0.5:
                sample = {name: _mirror(name, values, axis, outputs) for name, values in sample.items()}
    factor = float(np.exp(random.uniform(-1, 1) * np.log(options.amplitude)))
    if random.random() < options.polarity:
        factor = -factor
    return {name: values * np.float32(_factor(name, factor, outputs)) for name, values in sample.items()}


def _mirror(name: str, values: Array, axis: int, outputs: dict[str, Output]) -> Array:
    flipped = np.flip(values, axis)
    output = outputs.get(name.partition("/")[2])
    if output is None or output.mirror is None:
        return flipped
    return np.asarray(output.mirror(flipped, axis, values.ndim))


def _factor(name: str, factor: float, outputs: dict[str, Output]) -> float:
    """By what an array is multiplied where the image is multiplied by a factor."""
    output = IMAGE if name == "image" else outputs.get(name.partition("/")[2], PLAIN)
    if output.amplitude:
        return factor
    return float(np.sign(factor)) if output.odd else 1.0


class EpochOrder(Sampler[list[Key]]):
    """Batches of one epoch for one rank, dealt out in turn from an endless order of the items.

    The order is one permutation of all items after another, each drawn from (seed, its number); an epoch is
    a stretch of it, ``size`` items long (filled up to whole batches, so that all ranks have equal ones).
    ``start`` leaves out the batches that an interrupted run has done.
    """

    def __init__(
        self,
        count: int,
        size: int,
        batch_size: int,
        seed: int,
        epoch: int,
        start: int = 0,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.count, self.seed, self.epoch, self.start = count, seed, epoch, start
        self.batch_size, self.rank, self.ranks = batch_size, rank, ranks
        self.steps = -(-size // batch_size)

    def __len__(self) -> int:
        return self.steps - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        length = self.steps * self.batch_size
        keys = self._stretch(self.epoch * length, length)
        share = self.batch_size // self.ranks
        for step in range(self.start, self.steps):
            begin = step * self.batch_size + self.rank * share
            yield keys[begin : begin + share]

    def _stretch(self, begin: int, length: int) -> list[Key]:
        keys: list[Key] = []
        while length > 0:
            number, offset = divmod(begin, self.count)
            order = np.random.default_rng([self.seed, number]).permutation(self.count)[offset : offset + length]
            keys += [(number, int(index)) for index in order]
            begin, length = begin + len(order), length - len(order)
        return keys


def batches(samples: Samples, order: Sequence[list[Key]] | EpochOrder, workers: int) -> DataLoader[Item]:
    """A loader of batches; with workers, other processes read ahead. Torch's random state is left alone."""
    return DataLoader(
        samples,
        batch_sampler=order,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=interrupts.leave_to_parent,
        generator=torch.Generator(),
    )


def collate(items: Sequence[Item]) -> Batch:
    """Stack items, N x 1 x ...; a label that only some of them have is NaN in the others."""
    shape = items[0]["image"].shape
    names = sorted({name for item in items for name in item})
    unknown = np.full(shape, np.nan, dtype=np.float32)
    return {name: torch.from_numpy(np.stack([item.get(name, unknown)[None] for item in items])) for name in names}


def cut(batch: Batch, most: int, random: np.random.Generator) -> Batch:
    """The same windows (N, 1, depth, ...) in up to ``most`` equal pieces along each axis; few are likelier than many.

    What is left over where an axis does not divide lies at its end or beginning, and is not in any piece.
    """
    size = batch["image"].shape[2:]
    drawn = [int((most + 1) ** random.random()) for _ in size]
    counts = [max(min(count, length // SMALLEST_PIECE), 1) for count, length in zip(drawn, size, strict=True)]
    starts = [int(random.integers(length % count + 1)) for count, length in zip(counts, size, strict=True)]
    for axis, (count, start) in enumerate(zip(counts, starts, strict=True), 2):
        edge = size[axis - 2] // count
        batch = {
            name: torch.cat(torch.split(values.narrow(axis, start, count * edge), edge, axis))
            for name, values in batch.items()
        }
    return batch


def part(batch: Mapping[str, Values], prefix: str) -> dict[str, Values]:
    """The tensors, or arrays, of one kind, "field" or "label", by their plain names."""
    return {name.partition("/")[2]: value for name, value in batch.items() if name.startswith(f"{prefix}/")}
