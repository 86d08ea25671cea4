"""The loop over stages and passes: every step over columns, done once, even in a run that was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count

import numpy as np
from numpy.typing import NDArray

from mtlcore.inference.averaging import spread_output
from mtlcore.inference.change import Change
from mtlcore.inference.infer import solves
from mtlcore.inference.runner import Runner
from mtlcore.inference.work import Pass, Work
from mtlcore.model.model import Model
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.plugins import Plugins

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Inferred:
    """``state``: where the store keeps each output, by name; ``changes``: per refining pass, of each field."""

    state: Mapping[str, str]
    changes: list[dict[str, float]]


@dataclass(frozen=True, eq=False)
class Passes:
    """``iterations``, ``tolerance``: how often a refining model runs; ``plugins``: whose listeners hear of it."""

    work: Work
    runner: Runner
    iterations: int
    tolerance: float
    plugins: Plugins | None

    def run(self, wanted: Sequence[Sequence[str] | None]) -> Inferred:
        """Every model on the image, with the tasks wanted of each (None: all)."""
        if self.work.before:
            self._each("earlier", "take_earlier", range(len(self.work.columns)))
        state: Mapping[str, str] = {name: f"earlier/{name}" for name in self.work.before}
        changes: list[dict[str, float]] = []
        numbers = count()
        for index, (model, names) in enumerate(zip(self.work.models, wanted, strict=True)):
            for number in range(1, 1 + (self.iterations if model.stage.refines else 1)):
                step = Pass(next(numbers), index, self._names(model, names), state, self._uncertain(index))
                changed = self._pass(step, model, number)
                state = self._after(step, state)
                if not model.stage.refines:
                    continue
                changes.append(changed)
                if max(changed.values(), default=0.0) < self.tolerance:
                    break
        return Inferred(state, changes)

    def _pass(self, step: Pass, model: Model, number: int) -> dict[str, float]:
        """One pass, by its number among the model's own; its changes, if it refines."""
        mark = f"{step.number}/pass"
        done = self.work.store.finished(mark)
        if done is not None:
            return {name: float(value) for name, value in json.loads(done).items()}
        self._network(step, model, number)
        # Most of what is kept: no later step reads it.
        self.work.store.drop(f"{step.number}/sections")
        for task in self._solving(step):
            if self.work.store.finished(f"{step.number}/solved/{task.name}") is None:
                self._solve(step, model, task)
        changed = self._changes(step) if model.stage.refines else {}
        self.work.store.drop(f"{step.number}/decoded")
        self.work.store.finish(mark, json.dumps(changed))
        self._tell("stage_finished", stage=model.stage.name, values={f"change.{k}": v for k, v in changed.items()})
        return changed

    def _network(self, step: Pass, model: Model, number: int) -> None:
        """All columns through the network, of the image and of the copies that tasks are solved for."""
        tiling, columns = self.work.tilings[step.model], range(len(self.work.columns))
        by_sample = any(not solves(task) for task in self.work.tasks(step))
        copies = len(self.work.copies(step)) if by_sample else 1
        slabs = range(len(self.work.slabs(step)))
        seen = len(self.work.copies(step)) if slabs else 0
        total = (tiling.steps * copies if self.runner.by_tile else len(tiling.columns)) + len(slabs) * seen
        self._tell("stage_started", stage=model.stage.name, total=total, folder=None)
        steps = count(1)
        values = {"pass": number} if model.stage.refines and self.iterations > 1 else {}

        def done() -> None:
            self._tell("step_finished", stage=model.stage.name, step=next(steps), total=total, values=values)

        for copy in range(seen):
            self._each(f"{step.number}/sections-{copy}", "sections", slabs, step, copy, done=done, parts=False)
        self._each(f"{step.number}/network", "network", columns, step, done=done)
        for copy in range(1, len(self.work.copies(step))):
            if self.work.tasks(step, copy):
                self._each(f"{step.number}/network-{copy}", "network", columns, step, copy)

    def _each(
        self,
        mark: str,
        method: str,
        numbers: Sequence[int],
        *arguments: object,
        done: Callable[[], None] | None = None,
        parts: bool = True,
    ) -> None:
        """A method of the work for all columns, or slabs, that are not done yet. ``done`` hears of every tile, if
        there are ``parts`` of them and whoever runs them tells, else of every column."""
        store = self.work.store
        left = [number for number in numbers if store.finished(f"{mark}/{number}") is None]
        by_part = parts and self.runner.by_tile
        for number, _ in self.runner.each(method, left, *arguments, tile_done=done if by_part else None):
            store.finish(f"{mark}/{number}")
            if done and not by_part:
                done()

    def _solving(self, step: Pass) -> list[Task]:
        return [task for task in self.work.tasks(step) if solves(task)]

    def _solve(self, step: Pass, model: Model, task: Task) -> None:
        name = f"{model.stage.name} {task.name}"
        heard = -1

        def progress(done: float, total: float) -> None:
            nonlocal heard
            percent = int(100 * done / total) if total else 100
            if heard < 0:
                self._tell("stage_started", stage=name, total=100, folder=None)
            if percent > heard:
                self._tell("step_finished", stage=name, step=percent, total=100, values={})
            heard = max(heard, percent)

        self.work.solve(step, task, progress)
        self.work.store.finish(f"{step.number}/solved/{task.name}")
        if heard >= 0:
            self._tell("stage_finished", stage=name, values={})

    def _changes(self, step: Pass) -> dict[str, float]:
        found = dict(self.runner.each("change", range(len(self.work.columns)), step))
        sums: list[dict[str, Change]] = [found[column] for column in sorted(found)]
        return {name: reduce(Change.plus, (part[name] for part in sums)).relative for name in sums[0]}

    def _after(self, step: Pass, state: Mapping[str, str]) -> dict[str, str]:
        """Where the fields are after a pass; those that it has replaced are dropped."""
        ndim = len(self.work.conditioning.shape)
        given = [output for task in self.work.tasks(step) for output in task.outputs_in(ndim)]
        if step.uncertainty:
            given += [spread_output(output) for output in given]
        new = {output.name: step.key(output.name) for output in given}
        for name in new.keys() & state.keys():
            self.work.store.drop(state[name])
        return {**state, **new}

    def _names(self, model: Model, names: Sequence[str] | None) -> tuple[str, ...]:
        return tuple(task.name for task in model.chosen(names))

    def _uncertain(self, index: int) -> bool:
        """Spreads are those of the last model that gives a task."""
        later = {task.name for after in self.work.models[index + 1 :] for task in after.predicted_tasks}
        return self.work.options.uncertainty and any(
            task.name not in later for task in self.work.models[index].predicted_tasks
        )

    def _tell(self, hook: str, **values: object) -> None:
        if self.plugins:
            getattr(self.plugins.hook, hook)(**values)
