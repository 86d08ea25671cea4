"""The work of a chain of models on one image, as steps over columns that any process may take.

A step reads what it needs from the image and the store, and writes whole columns to the store; results never travel
between processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mtlcore.inference.averaging import spread_output
from mtlcore.inference.change import Change, change
from mtlcore.inference.conditioning import Conditioning, scaled, settled, whole_window
from mtlcore.inference.infer import Cells, InferOptions, Reader, combined, infer_column, infer_slab, solves
from mtlcore.inference.sections import Along, Kept, Slab, slabs
from mtlcore.inference.solving import SolveWork
from mtlcore.inference.store import FieldSpec, FieldStore
from mtlcore.inference.tiles import Tile, Tiling
from mtlcore.inference.variants import PLAIN, Variant, variants
from mtlcore.io.volume import Volume, Window
from mtlcore.model.model import Model
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.outputs import IMAGE, Output

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Pass:
    """One run of a model over the image. ``number``: counts all passes; ``model``: its place in the chain; ``tasks``:
    the names of those that run; ``state``: the keys of the fields that there are, by output name; ``uncertainty``:
    give spreads too."""

    number: int
    model: int
    tasks: tuple[str, ...]
    state: Mapping[str, str]
    uncertainty: bool

    def key(self, name: str) -> str:
        """Where the pass keeps an output."""
        return f"{self.number}/{name}"

    def decoded_key(self, task: str, name: str, copy: int) -> str:
        """Where it keeps a decoded array of a task that solves, of one of the copies of the image."""
        return f"{self.number}/decoded/{copy}/{task}/{name}"

    def sections_key(self, axis: int, name: str, copy: int) -> str:
        """Where it keeps a tensor of the sections along an axis."""
        return f"{self.number}/sections/{copy}/{axis}/{name.replace('/', '.')}"


@dataclass(frozen=True, eq=False)
class Work:
    """``models``: of the chain; ``tilings``: how each of them cuts the image, into the same columns; ``before``: fields
    of an earlier run; ``memory``: bytes that may be used at once."""

    models: tuple[Model, ...]
    options: InferOptions
    conditioning: Conditioning
    store: FieldStore
    tilings: tuple[Tiling, ...]
    before: Mapping[str, Volume]
    memory: int

    @property
    def columns(self) -> list[Tile]:
        return self.tilings[0].columns

    @cached_property
    def outputs(self) -> dict[str, Output]:
        """All that the models know of, by name, and their spreads."""
        known = {output.name: output for model in self.models for output in model.outputs}
        return known | {spread.name: spread for spread in map(spread_output, known.values())}

    def take_earlier(self, column: int) -> None:
        """Put a column of an earlier run's fields into the store, as networks read them."""
        window = self.columns[column].core
        for name, values in self.conditioning.given(self.outputs, self.before, window[1:]).items():
            self.store.write(f"earlier/{name}", FieldSpec(self.conditioning.shape), window, values[None])

    def slabs(self, step: Pass) -> list[Slab]:
        """The slabs of sections that a pass' network begins with; none where it reads columns alone."""
        model = self.models[step.model]
        return slabs(model, self.conditioning.shape, self.memory) if model.backbone.section_axes else []

    def sections(self, number: int, step: Pass, copy: int = 0) -> None:
        """One slab of sections, of the image or of a copy, through the network."""
        model, slab, shape = self.models[step.model], self.slabs(step)[number], self.conditioning.shape
        reader = self._reader(step).of(model, self.copies(step)[copy], shape)
        for name, (spec, window, values) in infer_slab(model, slab, shape, reader, self.options).items():
            self.store.write(step.sections_key(slab.axis, name, copy), spec, window, values)

    def network(self, column: int, step: Pass, copy: int = 0, tile_done: Callable[[], None] = lambda: None) -> None:
        """One column through the network: outputs, and decoded arrays of the tasks that solve afterwards.

        ``copy``: 0 for the image as it is; for others only what has to be solved is kept.
        """
        model, variant = self.models[step.model], self.copies(step)[copy]
        tasks = self.tasks(step, copy)
        options = replace(self.options, uncertainty=step.uncertainty) if copy == 0 else _plain(self.options)
        reader = self._reader(step).of(model, variant, self.conditioning.shape)
        tile, shape = self.columns[column], self.conditioning.shape
        found = infer_column(model, self.tilings[step.model], tile, reader, tasks, options, tile_done)
        half = {name for task in tasks for name in task.half_precision}
        for owner, arrays in found.decoded.items():
            for name, cells in arrays.items():
                self._keep(step.decoded_key(owner, name, copy), column, cells, name in half)
        for name, values in found.outputs.items():
            key = step.key(name) if copy == 0 else step.decoded_key("of_copy", name, copy)
            self.store.write(key, FieldSpec(shape), tile.core, self._outward(model, name, values)[None])
        if options.mirrored_average:
            # Solutions of the image as it is follow from its own fields, not from means.
            for name in {read for task in tasks for read in task.solve_inputs} & found.plain.keys():
                values = self._outward(model, name, found.plain[name])
                key = step.decoded_key("of_copy", name, 0)
                self.store.write(key, FieldSpec(shape), tile.core, values[None])

    def solve(self, step: Pass, task: Task, progress: Callable[[float, float], None]) -> None:
        """A task's last step, on the image and on copies of it where they count."""
        copies = self.copies(step) if self.needs_copies(step, task) else [PLAIN]
        for copy, variant in enumerate(copies):
            self._solve_copy(step, task, variant, copy, len(copies) > 1, progress)
        if len(copies) > 1:
            self._combine_copies(step, task, copies)

    def change(self, column: int, step: Pass) -> dict[str, Change]:
        """How much a pass has changed each of its fields over a column."""
        window = self.columns[column].core
        outputs = [
            output for task in self.models[step.model].predicted_tasks for output in task.outputs_in(len(window))
        ]
        dead = self.conditioning.seen_dead(window[1:])
        names = [output.name for output in outputs]
        before = {name: self._settled(step.state[name], name, window, dead) for name in names if name in step.state}
        after = {name: self._settled(step.key(name), name, window, dead) for name in names}
        return change(outputs, before, after, dead)

    def restored(self, state: Mapping[str, str], names: Sequence[str], window: Window) -> dict[str, Array]:
        """Outputs over a window of the image's traces, in its samples and amplitudes."""
        lateral = window[1:]
        dead = self.conditioning.seen_dead(lateral)
        seen = (slice(0, self.conditioning.shape[0]), *lateral)
        if self.conditioning.needs_whole:
            seen = whole_window(self.conditioning.shape)
            dead = self.conditioning.seen_dead(seen[1:])
        fields = {name: self._settled(state[name], name, seen, dead) for name in names}
        spreads = frozenset(name for name in names if name not in {o.name for m in self.models for o in m.outputs})
        return self.conditioning.restored(self.outputs, fields, lateral, spreads)

    @property
    def restore_windows(self) -> list[Window]:
        """Windows of the image that ``restored`` is asked for, one after the other."""
        height = slice(0, self.conditioning.height)
        if self.conditioning.needs_whole:
            return [whole_window(self.conditioning.volume.shape)]
        return [(height, *column.core[1:]) for column in self.columns]

    def copies(self, step: Pass) -> list[Variant]:
        """The image as it is and its copies, of which tasks that solve are solved where they are needed."""
        return variants(len(self.conditioning.shape), self.options.mirrored_average, step.uncertainty)

    def needs_copies(self, step: Pass, task: Task) -> bool:
        """Whether a task that solves is solved for copies of the image as well."""
        return step.uncertainty or (self.options.mirrored_average and task.averages_copies)

    def tasks(self, step: Pass, copy: int = 0) -> list[Task]:
        """The tasks of a pass, after those of the model whose outputs they solve with; of copies those that count."""
        model = self.models[step.model]
        asked = list(model.chosen(step.tasks))
        if copy:
            asked = [task for task in asked if solves(task) and self.needs_copies(step, task)]
        read = {name for task in asked for name in task.solve_inputs}
        helpers = [task for task in model.predicted_tasks if any(output.name in read for output in task.outputs)]
        return [*helpers, *(task for task in asked if task not in helpers)]

    def _solve_copy(
        self,
        step: Pass,
        task: Task,
        variant: Variant,
        copy: int,
        several: bool,
        progress: Callable[[float, float], None],
    ) -> None:
        model, shape = self.models[step.model], self.conditioning.shape
        names = [output.name for output in task.outputs_in(len(shape))]
        outputs = {name: step.decoded_key("solved", name, copy) if several else step.key(name) for name in names}
        work = SolveWork(
            task,
            shape,
            [column.core for column in self.columns],
            self.memory,
            self.store,
            self._solve_keys(step, task, copy),
            outputs,
            self._reader(step).of(model, variant, shape).image,
            progress,
            f"{step.number}/decoded/{copy}/solving",
        )
        task.solve_columns(work)

    def _solve_keys(self, step: Pass, task: Task, copy: int) -> dict[str, str]:
        """Keys of what a task's last step reads: its decoded arrays, and outputs of others."""
        own = self.store.names(f"{step.number}/decoded/{copy}/{task.name}")
        keys = {name: step.decoded_key(task.name, name, copy) for name in own}
        given = {output.name for helper in self.tasks(step, copy) for output in helper.outputs}
        for name in task.solve_inputs:
            averaged = copy == 0 and self.options.mirrored_average
            if name in given:
                keys[name] = step.decoded_key("of_copy", name, copy) if copy or averaged else step.key(name)
            elif name in step.state:
                keys[name] = step.state[name]
        return keys

    def _combine_copies(self, step: Pass, task: Task, copies: Sequence[Variant]) -> None:
        """One set of outputs from those of all copies, over the whole volume."""
        model, shape = self.models[step.model], self.conditioning.shape
        names = [output.name for output in task.outputs_in(len(shape))]
        found = [
            {
                name: variant.applied(model, name, self.store.load(step.decoded_key("solved", name, copy))[0])
                for name in names
            }
            for copy, variant in enumerate(copies)
        ]
        options = replace(self.options, uncertainty=step.uncertainty)
        for name, values in combined([task], found, len(shape), options).items():
            for window in (column.core for column in self.columns):
                self.store.write(step.key(name), FieldSpec(shape), window, values[window][None])

    def _reader(self, step: Pass) -> Reader:
        """What the pass' network reads, in the amplitudes of its model."""
        model = self.models[step.model]
        level = self._level(model)
        reads = {o.name: o for o in model.outputs} if model.stage.refines else {}

        def image(lateral: Window) -> Array:
            return scaled(IMAGE, self.conditioning.image(lateral), level)

        def field(output: Output) -> Callable[[Window], Array]:
            def stored(lateral: Window) -> Array:
                window = (slice(0, self.conditioning.shape[0]), *lateral)
                dead = self.conditioning.seen_dead(lateral)
                return self._settled(step.state[output.name], output.name, window, dead)

            return lambda lateral: scaled(output, self.conditioning.filled(stored(lateral), lateral, stored), level)

        def along(variant: Variant, axis: int, lateral: Window) -> Along:
            prefix = step.sections_key(axis, "", copies.index(variant))
            return {
                name.replace(".", "/"): self._kept(f"{prefix}{name}", lateral) for name in self.store.names(prefix[:-1])
            }

        copies = self.copies(step)
        fields = {name: field(output) for name, output in reads.items()}
        return Reader(image, fields, along if model.backbone.section_axes else None)

    def _kept(self, key: str, lateral: Window) -> Kept:
        spec = self.store.spec(key)
        window = spec.coarse((slice(0, spec.shape[0]), *lateral))
        return Kept(self.store.read(key, window), spec.all_ratios, spec.half)

    def _outward(self, model: Model, name: str, values: Array) -> Array:
        """A model's output in the amplitudes of the chain's first one."""
        return scaled(self.outputs[name], values, 1 / self._level(model))

    def _level(self, model: Model) -> float:
        return model.config.amplitude / self.models[0].config.amplitude

    def _settled(self, key: str, name: str, window: Window, dead: NDArray[np.bool_]) -> Array:
        return settled(self.outputs[name], self.store.read(key, window)[0], dead)

    def _keep(self, key: str, column: int, cells: Cells, half: bool) -> None:
        """Store a decoded array of a column, however coarse it is."""
        spec = FieldSpec(self.conditioning.shape, cells.values.shape[0], cells.ratios, half)
        self.store.write(key, spec, spec.coarse(self.columns[column].core), cells.values)


def _plain(options: InferOptions) -> InferOptions:
    return replace(options, mirrored_average=False, uncertainty=False)
