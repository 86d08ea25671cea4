"""Stages in a row: from an image of any amplitude to fields, refined as often as is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError, OptionError
from mtlcore.inference.averaging import spread_output
from mtlcore.inference.conditioning import Conditioning, check_fields
from mtlcore.inference.descriptors import describe_image, unlike
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.layout import choose_edges, tilings_of
from mtlcore.inference.memory import default_budget
from mtlcore.inference.passes import Inferred, Passes
from mtlcore.inference.runner import InProcess, Runner
from mtlcore.inference.sampling import shape_to_see
from mtlcore.inference.statistics import ImageStatistics, scan
from mtlcore.inference.store import FieldStore, MemoryStore
from mtlcore.inference.trace_sampling import thin_outputs, trace_factor
from mtlcore.inference.work import Work
from mtlcore.io.volume import Geometry, Volume, Window
from mtlcore.model.model import Model
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.outputs import Output
from mtlcore.plugin.plugins import Plugins

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Result:
    """``fields``: arrays by output name. ``changes``: per refining pass, the change of each field (see change.py).
    ``statistics``: of the image; ``seen``: the shape in which the network saw it."""

    fields: dict[str, Array]
    changes: list[dict[str, float]]
    statistics: ImageStatistics
    seen: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Known:
    """What is found out about an image before inference begins: its ``statistics``, the shape in which networks have
    ``seen`` it, the ``edges`` of tiles and columns, and the bytes of ``memory`` that these and slabs follow from: a run
    that goes on, or is shared, must be cut as it was begun, however much memory is free now."""

    statistics: ImageStatistics
    seen: tuple[int, ...]
    edges: tuple[int, ...]
    memory: int


class ImageArray(Volume):
    """An array as a volume, in its own precision: amplitudes of any size that it holds can be normalised."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array
        self.geometry = Geometry.of_shape(array.shape)

    def read(self, window: Window) -> NDArray[Any]:
        return self._array[window]


@dataclass(frozen=True)
class Chain:
    """Models of stages in a row. A refining one runs ``iterations`` times, or until it changes little."""

    models: tuple[Model, ...]
    iterations: int = 1
    tolerance: float = 0.0
    options: InferOptions = field(default_factory=InferOptions)
    plugins: Plugins | None = None
    """Whose listeners hear of the progress; None: nobody does."""

    @classmethod
    def of(cls, models: Sequence[Model], **options: Any) -> Chain:
        """A chain, checked: same dimensions, refining models after others, a sensible number of passes."""
        if not models:
            raise MtlError("No model was given: expected one for each stage.")
        dimensions = {model.ndim for model in models}
        if len(dimensions) > 1:
            raise MtlError("The models differ in dimensions: expected all 2D or all 3D.")
        for before, after in pairwise(models):
            if before.stage.refines and not after.stage.refines:
                raise MtlError(
                    f"Stage '{after.stage.name}' comes after '{before.stage.name}', whose fields it would not read: "
                    "put it first."
                )
        chain = cls(tuple(models), **options)
        if chain.iterations < 1:
            raise OptionError(f"iterations is {chain.iterations}: expected at least 1.")
        if chain.iterations > 1 and not any(model.stage.refines for model in models):
            raise OptionError(
                f"iterations is {chain.iterations}, but no stage refines: "
                "add one, as in --stage mti,mtr, or leave it out."
            )
        if not chain.tolerance >= 0:
            raise OptionError(f"tolerance is {chain.tolerance}: expected 0 or more.")
        return chain

    @property
    def ndim(self) -> int:
        return self.models[0].ndim

    def run(
        self,
        image: NDArray[Any],
        tasks: Sequence[str] | None = None,
        fields: Mapping[str, Array] | None = None,
        live: NDArray[np.bool_] | None = None,
    ) -> Result:
        """All stages on one image (depth, ...) in memory; ``fields`` are those of an earlier run, for a refining
        first stage; ``live``: which traces exist."""
        before = {name: ImageArray(np.asarray(values)) for name, values in (fields or {}).items()}
        work = self.prepare(ImageArray(np.asarray(image)), MemoryStore, before, live)
        found = self.infer(work, tasks)
        names = [output.name for output in self.outputs(tasks)]
        arrays = {name: np.zeros(image.shape, np.float32) for name in names}
        for window in work.restore_windows:
            for name, values in work.restored(found.state, names, window).items():
                arrays[name][window] = values
        return Result(arrays, found.changes, work.conditioning.statistics, work.conditioning.shape)

    def prepare(
        self,
        volume: Volume,
        make_store: Callable[[], FieldStore],
        before: Mapping[str, Volume] | None = None,
        live: NDArray[np.bool_] | None = None,
        known: Known | None = None,
        quick: bool = False,
        workers: int = 1,
    ) -> Work:
        """Everything that inference needs to know of an image: its statistics, how the network sees and cuts it.

        ``make_store``: where fields are to be kept; ``before``: fields of an earlier run;
        ``known``: what an interrupted run, or another process, has found already; ``quick``: do not look for dead
        traces in all of a large volume, which serves to plan, not to infer; ``workers``: processes that share
        the memory and the columns.
        """
        check_shape(volume.shape, self.ndim)
        given = self._given(before or {})
        self._check_fields(given)
        check_fields(volume.shape, given)
        found = known or self._look(volume, live, quick, workers)
        conditioning = Conditioning(volume, found.statistics, found.seen, self.models[0].config.amplitude)
        tilings = tilings_of(self.models, found.seen, found.edges, self.options)
        return Work(self.models, self.options, conditioning, make_store(), tilings, given, found.memory)

    def _look(self, volume: Volume, live: NDArray[np.bool_] | None, quick: bool, workers: int) -> Known:
        memory = (self.options.memory or default_budget()) // workers
        config = self.models[0].config
        statistics, sample = scan(volume, config.amplitude, self.options.balance, live, quick)
        seen = self._shape_to_see(sample, volume.shape)
        if config.ranges:
            factors = [new / old for new, old in zip(seen, volume.shape, strict=True)]
            numbers = describe_image(sample, factors, whole=sample.shape == volume.shape)
            statistics = replace(statistics, unlike=tuple(unlike(numbers, config.ranges)))
        edges = choose_edges(self.models, seen, self.options, memory, workers)
        return Known(statistics, seen, edges, memory)

    def _shape_to_see(self, sample: Array, shape: tuple[int, ...]) -> tuple[int, ...]:
        """On how many samples of each axis the networks see an image of ``shape`` that was measured on a sample.

        Traces of a volume stay as they are (see trace_sampling.py), and so do those of an image that was not measured
        whole: resampled they must fit into memory.
        """
        first, scale = self.models[0], self.options.scale
        seen = shape_to_see(sample, first.config.periods, scale, shape)
        if scale is not None or first.config.periods is None or first.stage.refines:
            return seen
        if self.ndim != 2 or sample.shape != shape:
            return seen
        thin = {
            task.name: thin_outputs(task, self.ndim) for task in first.predicted_tasks if thin_outputs(task, self.ndim)
        }
        if not thin:
            return seen
        plain = replace(self.options, uncertainty=False, mirrored_average=False, scale=1.0, balance=False)
        trial = Chain((first,), options=plain)

        def answer(window: Array) -> list[Array]:
            found = trial.run(window, list(thin)).fields
            return [found[name] for names in thin.values() for name in names]

        factor = trace_factor(answer, sample, seen[0])
        return seen if factor == 1 else (seen[0], max(round(shape[1] * factor), 2))

    def infer(self, work: Work, tasks: Sequence[str] | None = None, runner: Runner | None = None) -> Inferred:
        """Run every stage; what an interrupted run has left in the store is not computed again."""
        passes = Passes(work, runner or InProcess(work), self.iterations, self.tolerance, self.plugins)
        return passes.run(self._wanted(tasks))

    def chosen(self, names: Sequence[str] | None) -> tuple[Task, ...]:
        """The tasks of these names (None: all). A stage passes on what it does not give: the last that does counts."""
        known: dict[str, Task] = {}
        for model in self.models:
            given = (*model.config.predicted_tasks, *model.stage.keeps)
            known |= {task.name: task for task in model.tasks if task.name in given}
        if names is None:
            return tuple(known.values())
        last = self.models[-1]
        return tuple(known[name] if name in known else last.chosen([name])[0] for name in names) or last.chosen(names)

    def outputs(self, tasks: Sequence[str] | None = None) -> list[Output]:
        """What the chain gives of these tasks (None: all), with the spreads that are asked for."""
        given = [output for task in self.chosen(tasks) for output in task.outputs_in(self.ndim)]
        if not self.options.uncertainty:
            return given
        return given + [spread_output(output) for output in given if not self.passes_on(output)]

    def passes_on(self, output: Output) -> bool:
        """Whether no stage of the chain gives an output: then it is one of the fields that the first one reads."""
        return not any(output in task.outputs for model in self.models for task in model.predicted_tasks)

    def _wanted(self, tasks: Sequence[str] | None) -> list[list[str] | None]:
        """Per model, the tasks to run (None: all): those asked for, and those that the next model refines.

        A refining model always runs whole: its next pass reads all of them.
        """
        wanted: list[list[str] | None] = []
        asked = [task.name for task in self.chosen(tasks)]
        needed = list(asked)
        for model in reversed(self.models):
            wanted.insert(0, None if model.stage.refines else [t.name for t in model.tasks if t.name in needed])
            needed = [*asked, *(task.name for task in model.tasks)]
        return wanted

    def _check_fields(self, given: Mapping[str, Volume]) -> None:
        """Before anything is computed: every refining model must find its fields."""
        have = set(given)
        for model in self.models:
            names = [output.name for output in model.outputs]
            missing = [name for name in names if name not in have]
            if model.stage.refines and missing:
                raise MtlError(
                    f"Stage '{model.stage.name}' refines {', '.join(names)}, but there is no '{missing[0]}'. "
                    "Put a stage before it (--stage mti,mtr) or give an earlier result (--from FOLDER), of all these."
                )
            have.update(names)

    def _given(self, before: Mapping[str, Volume]) -> dict[str, Volume]:
        """Of an earlier run's fields those that a model knows."""
        known = {output.name for model in self.models for output in model.outputs}
        return {name: volume for name, volume in before.items() if name in known}


def check_shape(shape: tuple[int, ...], ndim: int) -> None:
    """MtlError for an image that a model of ``ndim`` dimensions cannot read."""
    if len(shape) != ndim or min(shape) < 2:
        raise MtlError(
            f"The image has the shape {tuple(shape)}: a {ndim}D model needs {ndim} axes of at least 2 samples, "
            "depth first."
        )
