"""Stages in a row: from an image of any amplitude to fields, refined as often as is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError, OptionError
from mtlcore.inference.amplitude import Prepared, balance, prepare
from mtlcore.inference.averaging import spread_output
from mtlcore.inference.dead_traces import fill_traces
from mtlcore.inference.infer import InferOptions, count_steps, infer
from mtlcore.inference.resampling import resample, resample_fields, resample_nearest
from mtlcore.inference.sampling import shape_to_see
from mtlcore.model.checkpoint import load_model
from mtlcore.model.model import Model
from mtlcore.model.sections import over_sections
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.outputs import IMAGE, Output
from mtlcore.plugin.plugins import Plugins, current

Array = NDArray[np.float32]
DEFAULT_MODEL = "default"


@dataclass(frozen=True)
class Result:
    """``fields``: arrays by output name. ``changes``: per refining pass, the change of each field (see change).
    ``seen``: on how many samples of each axis the network saw the image."""

    fields: dict[str, Array]
    changes: list[dict[str, float]]
    prepared: Prepared
    seen: tuple[int, ...]


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
            if before.stage.needs_fields and not after.stage.needs_fields:
                raise MtlError(
                    f"Stage '{after.stage.name}' comes after '{before.stage.name}', whose fields it would not read: "
                    "put it first."
                )
        chain = cls(tuple(models), **options)
        if chain.iterations < 1:
            raise OptionError(f"iterations is {chain.iterations}: expected at least 1.")
        if chain.iterations > 1 and not any(model.stage.needs_fields for model in models):
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
        image: Array,
        tasks: Sequence[str] | None = None,
        fields: Mapping[str, Array] | None = None,
        live: NDArray[np.bool_] | None = None,
    ) -> Result:
        """All stages on one image (depth, ...); ``fields`` are those of an earlier run, for a refining first stage."""
        check_image(image, self.ndim)
        wanted = self._wanted(tasks)
        self._check_fields(fields or {})
        prepared = prepare(image, self.models[0].config.amplitude, live)
        if self.options.balance:
            prepared = balance(prepared)
        seen = shape_to_see(prepared.image, self.models[0].config.periods, self.options.scale)
        state = self._normalise(fields or {}, prepared)
        known = {output.name: output for model in self.models for output in model.outputs}
        state = resample_fields(known, {name: state[name] for name in state if name in known}, seen)
        changes = self._refine(_resampled(prepared, seen), state, wanted)
        given = self.outputs(tasks)
        outputs = known | {output.name: output for output in given}
        whole = resample_fields(outputs, state, prepared.image.shape)
        found = {}
        for output in given:
            values = _settled(output, whole[output.name], prepared)
            # Spreads have no offset.
            found[output.name] = _restored(output, values, prepared, prepared.offset if output.name in known else 0.0)
        return Result(found, changes, prepared, seen)

    def _refine(
        self, prepared: Prepared, state: dict[str, Array], wanted: Sequence[Sequence[str] | None]
    ) -> list[dict[str, float]]:
        """Run every stage on the state's fields, which it replaces; the changes of each refining pass."""
        changes: list[dict[str, float]] = []
        for model, names in zip(self.models, wanted, strict=True):
            for _ in range(self.iterations if model.stage.needs_fields else 1):
                before = dict(state)
                state.update(self._pass(model, prepared, state, names))
                given = [output for task in model.given for output in task.outputs_in(self.ndim)]
                changed = change(given, before, state, prepared.dead) if model.stage.needs_fields else {}
                self._tell_finished(model, changed)
                if not model.stage.needs_fields:
                    continue
                changes.append(changed)
                if max(changed.values(), default=0.0) < self.tolerance:
                    break
        return changes

    def chosen(self, names: Sequence[str] | None) -> tuple[Task, ...]:
        """The tasks of these names (None: all). A stage passes on what it does not give: the last that does counts."""
        known: dict[str, Task] = {}
        for model in self.models:
            given = (*model.config.given, *model.stage.keeps)
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
        return not any(output in task.outputs for model in self.models for task in model.given)

    def _wanted(self, tasks: Sequence[str] | None) -> list[list[str] | None]:
        """Per model, the tasks to run (None: all): those asked for, and those that the next model refines.

        A refining model always runs whole: its next pass reads all of them.
        """
        wanted: list[list[str] | None] = []
        asked = [task.name for task in self.chosen(tasks)]
        needed = list(asked)
        for model in reversed(self.models):
            wanted.insert(0, None if model.stage.needs_fields else [t.name for t in model.tasks if t.name in needed])
            needed = [*asked, *(task.name for task in model.tasks)]
        return wanted

    def _check_fields(self, given: Mapping[str, Array]) -> None:
        """Before anything is computed: every refining model must find its fields."""
        have = set(given)
        for model in self.models:
            names = [output.name for output in model.outputs]
            missing = [name for name in names if name not in have]
            if model.stage.needs_fields and missing:
                raise MtlError(
                    f"Stage '{model.stage.name}' refines {', '.join(names)}, but there is no '{missing[0]}'. "
                    "Put a stage before it (--stage mti,mtr) or give an earlier result (--from FOLDER), of all these."
                )
            have.update(names)

    def _pass(
        self, model: Model, prepared: Prepared, state: Mapping[str, Array], tasks: Sequence[str] | None
    ) -> dict[str, Array]:
        """One stage's fields from those before it, in the amplitudes of the chain's first model."""
        name = model.stage.name
        level = model.config.amplitude / self.models[0].config.amplitude
        outputs = {output.name: output for output in model.outputs}
        # Spreads are those of the last model that gives a task.
        later = {task.name for after in self.models[self.models.index(model) + 1 :] for task in after.given}
        last_of_some = any(task.name not in later for task in model.given)
        options = replace(self.options, uncertainty=self.options.uncertainty and last_of_some)
        steps = count_steps(model, prepared.image.shape, options)
        if self.plugins:
            self.plugins.hook.stage_started(stage=name, total=steps, folder=None)
        done = count(1)

        def tile_done() -> None:
            if self.plugins:
                self.plugins.hook.step_finished(stage=name, step=next(done), total=steps, values={})

        reads = outputs if model.stage.needs_fields else {}
        missing = np.asarray(prepared.dead.all(axis=0))
        given = {key: _scaled(output, fill_traces(state[key].copy(), missing), level) for key, output in reads.items()}
        image = _scaled(IMAGE, prepared.image, level)
        found = infer(model, image, given, model.chosen(tasks), options, tile_done)
        # What the next stage reads is what it would read of a finished run's files.
        outputs |= {spread.name: spread for spread in map(spread_output, model.outputs)}
        return {
            key: _settled(outputs[key], _scaled(outputs[key], values, 1 / level), prepared)
            for key, values in found.items()
        }

    def _tell_finished(self, model: Model, changed: Mapping[str, float]) -> None:
        if self.plugins:
            values = {f"change.{name}": value for name, value in changed.items()}
            self.plugins.hook.stage_finished(stage=model.stage.name, values=values)

    def _normalise(self, fields: Mapping[str, Array], prepared: Prepared) -> dict[str, Array]:
        """Given fields in the chain's amplitudes; 0 where they are unknown or the image is dead."""
        amplitudes = {output.name for model in self.models for output in model.outputs if output.amplitude}
        normalised = {}
        for name, given in fields.items():
            values: NDArray[Any] = np.asarray(given)
            if values.shape != prepared.image.shape:
                raise MtlError(
                    f"The field '{name}' has the shape {values.shape}, and the image {prepared.image.shape}: "
                    "give fields of the same image."
                )
            if name in amplitudes:
                values = (values.astype(np.float64) - prepared.offset) / prepared.scale / prepared.gain
            known = np.isfinite(values) & ~prepared.dead
            normalised[name] = np.where(known, values, 0).astype(np.float32)
        return normalised


def _resampled(prepared: Prepared, shape: tuple[int, ...]) -> Prepared:
    """An image as a network sees it on ``shape`` samples."""
    dead = prepared.dead
    for axis, size in enumerate(shape):
        dead = dead if size == dead.shape[axis] else resample_nearest(dead, size, axis)
    return replace(prepared, image=resample(IMAGE, prepared.image, shape), dead=dead)


def check_image(image: Array, ndim: int) -> None:
    """Refuse an array that a model of so many dimensions cannot read."""
    if image.ndim != ndim or min(image.shape) < 2:
        raise MtlError(
            f"The image has the shape {tuple(image.shape)}: a {ndim}D model needs {ndim} axes of at least 2 samples, "
            "depth first."
        )


def _scaled(output: Output, values: Array, factor: float) -> Array:
    """An output's values where amplitudes are so many times larger."""
    return np.asarray(values * factor, dtype=np.float32) if output.amplitude and factor != 1 else values


def _settled(output: Output, values: Array, prepared: Prepared) -> Array:
    """A pass's output within its range, and 0 where the data are dead."""
    if output.range is not None:
        values = np.clip(values, *output.range)
    return np.where(prepared.dead, np.float32(0), values)


def _restored(output: Output, values: Array, prepared: Prepared, offset: float) -> Array:
    """An output in the input's amplitudes."""
    if not output.amplitude:
        return values
    greatest = np.finfo(np.float32).max
    restored = values * np.float64(prepared.scale) * prepared.gain
    if offset:
        restored[~prepared.dead] += offset
    return np.clip(restored, -greatest, greatest).astype(np.float32)


def change(
    outputs: Sequence[Output],
    before: Mapping[str, Array],
    after: Mapping[str, Array],
    dead: NDArray[np.bool_],
) -> dict[str, float]:
    """How much a pass changed each field: root mean square of the difference over that of the field before.

    Axial angles: the mean difference over 90 degrees, where the output that masks them is above one half.
    """
    return {
        output.name: _change_of(output, before, after, ~dead)
        for output in outputs
        if output.name in before and output.name in after
    }


def _change_of(
    output: Output, before: Mapping[str, Array], after: Mapping[str, Array], live: NDArray[np.bool_]
) -> float:
    mask = output.display.mask
    if mask is not None and mask in after:
        live = live & (after[mask] > 0.5)
    old, new = before[output.name][live].astype(np.float64), after[output.name][live].astype(np.float64)
    if old.size == 0:
        return 0.0
    if output.merge == "axial":
        difference = np.abs(new - old) % 180
        return float(np.minimum(difference, 180 - difference).mean() / 90)
    size = float(np.sqrt(np.mean(old**2)))
    return float(np.sqrt(np.mean((new - old) ** 2)) / size) if size > 0 else float(np.any(new != old))


def load_chain(
    stages: Sequence[str],
    ndim: int,
    models: Sequence[str | Path] = (),
    device: str = "auto",
    plugins: Plugins | None = None,
    quiet: bool = False,
    as_sections: bool = False,
    **options: Any,
) -> Chain:
    """The models of the stages, in order: those given, each for its own stage, else the packaged default.

    ``quiet``: run listeners do not hear of the chain's progress. ``as_sections``: run 2D models over the sections of a
    volume. ``options``: of Chain.
    """
    registered = plugins or current()
    if as_sections and ndim != 3:
        raise OptionError(f"--as-sections runs 2D models on volumes, but the image is {ndim}D: leave it out.")
    for name in stages:
        registered.stages.entry(name)
    if not stages:
        raise MtlError(f"No stage was asked for: expected one or more of {', '.join(registered.stages)}.")
    stored = 2 if as_sections else ndim
    given = [_given(source, stages, stored, device, registered) for source in models]
    chosen = []
    for stage in stages:
        own = [model for model in given if model.stage.name == stage]
        model = own[0] if own else load_model(DEFAULT_MODEL, device, stage=stage, ndim=stored, plugins=registered)
        if not as_sections:
            _check_dimensions(model, ndim)
        chosen.append(model)
    _check_used(given, chosen, stages)
    if as_sections:
        chosen = [over_sections(model, registered) for model in chosen]
    return Chain.of(chosen, plugins=None if quiet else registered, **options)


def _given(source: str | Path, stages: Sequence[str], ndim: int, device: str, plugins: Plugins) -> Model:
    """A model that the user named; of a packaged name, the one of the first stage that it has."""
    for stage in stages[:-1]:
        try:
            return load_model(source, device, stage=stage, ndim=ndim, plugins=plugins)
        except MtlError:
            continue
    return load_model(source, device, stage=stages[-1], ndim=ndim, plugins=plugins)


def _check_dimensions(model: Model, ndim: int) -> None:
    if model.ndim != ndim:
        raise MtlError(
            f"The model {model.folder} is {model.ndim}D and the image {ndim}D: use a model of {ndim} dimensions"
            + (", or add --as-sections." if ndim == 3 else ".")
        )


def _check_used(given: Sequence[Model], chosen: Sequence[Model], stages: Sequence[str]) -> None:
    for model in given:
        if model not in chosen:
            raise MtlError(
                f"The model {model.folder} is of stage '{model.stage.name}' and is not used: the stages are "
                f"{', '.join(stages)}. Give one model for each, and no other."
            )


def predict(
    image: Array,
    tasks: Sequence[str] | None = None,
    stages: Sequence[str] = ("mti",),
    model: str | Path | Sequence[str | Path] | None = None,
    device: str = "auto",
    *,
    iterations: int = 1,
    tolerance: float = 0.0,
    fields: Mapping[str, Array] | None = None,
    options: InferOptions | None = None,
) -> dict[str, Array]:
    """Infer fields from a seismic image.

    ``image``: (depth, x) or (depth, inline, crossline), any amplitude; samples that are not finite and
    constant traces are dead, and 0 in the results. ``tasks``: None for all that the model has. ``stages``:
    names in order; a refining one runs ``iterations`` times, or until no field changes by more than
    ``tolerance`` (see change). ``model``: a folder or packaged name, or one for each stage; None: the packaged
    default. ``fields``: an earlier result, where the first stage refines.

    Returns float32 arrays of the image's shape by output name, such as dhr, rgt, fault_probability, fault_dip
    and in 3D fault_strike (degrees). MtlError where something asked for is not to be had.
    """
    values = np.asarray(image)
    sources = [model] if isinstance(model, str | Path) else list(model or ())
    if values.dtype.kind not in "fiub":
        raise MtlError(f"The image holds values of type {values.dtype}: expected real numbers.")
    if values.ndim not in (2, 3):
        raise MtlError(f"The image has the shape {values.shape}: expected 2 or 3 axes, depth first.")
    chain = load_chain(
        (stages,) if isinstance(stages, str) else tuple(stages),
        values.ndim,
        sources,
        device,
        iterations=iterations,
        tolerance=tolerance,
        options=options or InferOptions(),
    )
    return chain.run(values, (tasks,) if isinstance(tasks, str) else tasks, fields).fields
