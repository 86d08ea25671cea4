"""The hooks that a plugin may implement, each with ``@mtlcore.hookimpl``. Take only the arguments you need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from torch import Tensor

    from mtlcore.plugin.interfaces import Backbone, Command, Format, PackagedModel, Source, Stage, Task
    from mtlcore.plugin.registry import Registry

hookspec = pluggy.HookspecMarker("mtl")
hookimpl = pluggy.HookimplMarker("mtl")


@hookspec(historic=True)
def register_tasks(registry: Registry[Task]) -> None:
    """Add tasks: ``registry.add(MyTask)`` or ``registry.add("my_module:MyTask", name="my_task")``."""


@hookspec(historic=True)
def register_backbones(registry: Registry[Backbone]) -> None:
    """Add backbones."""


@hookspec(historic=True)
def register_formats(registry: Registry[Format]) -> None:
    """Add file formats."""


@hookspec(historic=True)
def register_stages(registry: Registry[Stage]) -> None:
    """Add stages."""


@hookspec(historic=True)
def register_sources(registry: Registry[Source]) -> None:
    """Add sources of training data: ``mtl train --data NAME:LOCATION``."""


@hookspec(historic=True)
def register_models(registry: Registry[PackagedModel]) -> None:
    """Add trained models: ``mtl run --model NAME``."""


@hookspec(historic=True)
def register_commands(registry: Registry[Command]) -> None:
    """Add commands to ``mtl``: ``registry.add(Command("name", "my_module:click_command", "One line of help."))``."""


@hookspec(firstresult=True)
def convert_checkpoint(state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Recognise a foreign checkpoint by its state dict: a model's configuration, and the weights renamed.

    None where it is not of the kind that you know; MtlError where it is, but something is wrong with it.
    """


@hookspec
def stage_started(stage: str, total: int, folder: Path | None) -> None:
    """A stage (training, evaluation, inference) begins, of so many steps; its results go to the folder."""


@hookspec
def step_finished(stage: str, step: int, total: int, values: Mapping[str, object]) -> None:
    """A step of a stage is done; ``values`` are its figures (loss, rate, change of a field, ...)."""


@hookspec
def stage_finished(stage: str, values: Mapping[str, object]) -> None:
    """A stage is done, with its figures."""


@hookspec
def picture_drawn(stage: str, step: int, path: Path) -> None:
    """A picture of a step of a stage lies at the path: in training, what the model makes of a validation item."""
