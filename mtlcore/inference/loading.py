"""The models of a chain: those given, each for its own stage, else the packaged ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtlcore.errors import MtlError, OptionError
from mtlcore.inference.chain import Chain
from mtlcore.model.checkpoint import find_model, load_model, read_config
from mtlcore.model.model import Model
from mtlcore.model.sections import over_sections
from mtlcore.plugin.plugins import Plugins, current

DEFAULT_MODEL = "default"


def load_chain(
    stages: Sequence[str],
    ndim: int,
    models: Sequence[str | Path] = (),
    device: str = "auto",
    plugins: Plugins | None = None,
    quiet: bool = False,
    as_sections: bool = False,
    has_fields: bool = False,
    **options: Any,
) -> Chain:
    """The models of the stages, in order: those given, each for its own stage, else the packaged default.

    ``stages``: empty for those of the models (see choose_stages). ``has_fields``: there are fields to begin with.
    ``quiet``: run listeners do not hear of the chain's progress. ``as_sections``: run 2D models over the sections of a
    volume. ``options``: of Chain.
    """
    registered = plugins or current()
    if as_sections and ndim != 3:
        raise OptionError(f"--as-sections runs 2D models on volumes, but the image is {ndim}D: leave it out.")
    for name in stages:
        registered.stages.entry(name)
    stored = 2 if as_sections else ndim
    stages = tuple(stages) or choose_stages(models, stored, registered, has_fields)
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


def choose_stages(
    models: Sequence[str | Path], ndim: int, plugins: Plugins, has_fields: bool = False
) -> tuple[str, ...]:
    """The stages of the models given, in their order; without models the default stage, or one that refines fields.

    Where a refining stage would come first and there are no fields, the default stage goes before it.
    """
    names = [str(read_config(find_model(model, None, ndim, plugins)).stage["name"]) for model in models]
    if not names:
        refining = [name for name in plugins.stages if has_fields and plugins.stages[name].refines]
        return (*refining[:1],) or (plugins.stages.default,)
    needs_first = plugins.stages[names[0]].refines and not has_fields
    return (plugins.stages.default, *names) if needs_first else tuple(names)


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
