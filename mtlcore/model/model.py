"""A model: a network with what is needed to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtlcore.config import build
from mtlcore.errors import MtlError, OptionError
from mtlcore.model.net import MultiTaskNet, flatten, input_channels, parameter_count
from mtlcore.plugin.interfaces import Backbone, Stage, Task
from mtlcore.plugin.outputs import Output
from mtlcore.plugin.plugins import Plugins, current

Array = NDArray[np.float32]
SCHEMA = 1


@dataclass(frozen=True)
class ModelConfig:
    """What config.json holds: how to build the network, and what it was trained on.

    ``amplitude``: root mean square to which images are normalised. ``inputs``: channels that the network
    reads, by name. ``periods``: samples along depth that periods of the training data had, from and to: images of
    others are resampled (see sampling.py). ``ranges``: from and to of the numbers that describe its images (see
    descriptors.py): users are told of images beyond them. ``note``: said on the terminal whenever the model is used.
    ``heads``: the tasks that the network gives, by name (empty: all); a part of a refining model still reads the fields
    of the others. ``shared_weights``: by the prefix of their names, the model folder next to this one that has a part
    of the weights. ``weights_sha256``: of the weights' file as it was saved (see seal.py); only in files.
    """

    stage: dict[str, Any]
    ndim: int
    backbone: dict[str, Any]
    tasks: tuple[dict[str, Any], ...]
    inputs: dict[str, int]
    heads: tuple[str, ...] = ()
    shared_weights: dict[str, str] = field(default_factory=dict)
    weights_sha256: str = ""
    amplitude: float = 1.0
    periods: tuple[float, float] | None = None
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    note: str = ""
    units: dict[str, str] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    schema: int = SCHEMA

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def predicted_tasks(self) -> tuple[str, ...]:
        """Names of the tasks that the network gives."""
        return self.heads or tuple(str(task["name"]) for task in self.tasks)


@dataclass(frozen=True)
class Parts:
    """The objects that a configuration names."""

    stage: Stage
    backbone: Backbone
    tasks: tuple[Task, ...]


def build_part(kind: str, options: Mapping[str, Any], plugins: Plugins) -> Any:
    """An instance of a registered class from a table with its ``name`` and options."""
    rest = dict(options)
    name = rest.pop("name", None)
    if not isinstance(name, str):
        raise MtlError(
            f"A {kind} without a name: {dict(options)!r}. Say name = one of {', '.join(plugins.registries[kind])}."
        )
    return build(plugins.registries[kind][name], rest, f"{kind} {name}")


def build_parts(config: ModelConfig, plugins: Plugins) -> Parts:
    """Stage, backbone and tasks of a configuration."""
    return Parts(
        build_part("stage", config.stage, plugins),
        build_part("backbone", config.backbone, plugins),
        tuple(build_part("task", task, plugins) for task in config.tasks),
    )


def part_options(part: Any) -> dict[str, Any]:
    """The table that builds a part again, as JSON has it."""
    return {"name": part.name, **_listed(asdict(part))}


def _listed(value: Any) -> Any:
    """Lists for tuples, so that a configuration is the same before and after it was saved."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def describe(parts: Parts, ndim: int, **other: Any) -> ModelConfig:
    """The configuration of a network of these parts."""
    from mtlcore import __version__

    outputs = [output for task in parts.tasks for output in task.outputs_in(ndim)]
    return ModelConfig(
        heads=_heads(parts) if parts.stage.keeps else (),
        stage=part_options(parts.stage),
        ndim=ndim,
        backbone=part_options(parts.backbone),
        tasks=tuple(part_options(task) for task in parts.tasks),
        inputs=input_channels(parts.stage, parts.tasks, ndim),
        units={output.name: output.unit for output in outputs},
        version=__version__,
        **other,
    )


def _heads(parts: Parts) -> tuple[str, ...]:
    """Names of the tasks that a stage does not keep."""
    names, keeps = [task.name for task in parts.tasks], parts.stage.keeps
    heads = tuple(name for name in names if name not in keeps)
    if not heads or not set(keeps) <= set(names):
        raise OptionError(f"stage.keeps is {', '.join(keeps)}: expected some, not all, of {', '.join(names)}.")
    return heads


class Model:
    """A network ready for use: ``predict`` gives fields, ``raw`` the network's own numbers.

    ``fingerprint`` is the SHA-256 of the weights' file, empty for a model that is not stored.
    """

    def __init__(
        self,
        config: ModelConfig,
        parts: Parts,
        net: MultiTaskNet,
        folder: Path | None = None,
        fingerprint: str = "",
    ) -> None:
        self.config = config
        self.stage, self.backbone, self.tasks = parts.stage, parts.backbone, parts.tasks
        self.net = net
        self.folder = folder
        self.fingerprint = fingerprint

    @classmethod
    def new(cls, config: ModelConfig, plugins: Plugins | None = None) -> Model:
        """A model of random weights."""
        parts = build_parts(config, plugins or current())
        given = [task for task in parts.tasks if task.name in config.predicted_tasks]
        net = MultiTaskNet(parts.backbone, given, config.inputs, config.ndim)
        return cls(config, parts, net.eval())

    @property
    def ndim(self) -> int:
        return self.config.ndim

    @property
    def device(self) -> torch.device:
        return next(self.net.parameters()).device

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Those of all its tasks; a refining model reads them."""
        return tuple(output for task in self.tasks for output in task.outputs_in(self.ndim))

    @property
    def predicted_tasks(self) -> tuple[Task, ...]:
        """The tasks that it gives: a part of a refining model reads the fields of others too."""
        return tuple(task for task in self.tasks if task.name in self.config.predicted_tasks)

    def to(self, device: torch.device | str) -> Model:
        """The same model, moved to a device."""
        self.net.to(device)
        return self

    def chosen(self, names: Sequence[str] | None) -> tuple[Task, ...]:
        """The tasks of these names (None: all); one that the model lacks is an error."""
        have = {task.name: task for task in self.predicted_tasks}
        if names is not None and not names:
            raise MtlError(f"No task was asked for: expected one or more of {', '.join(have)}.")
        for name in names or ():
            if name not in have:
                where = f" {self.folder}" if self.folder else ""
                raise MtlError(
                    f"The model{where} has no task '{name}': it has {', '.join(have)}. "
                    "Ask for one of these with --tasks, or use another model."
                )
        return tuple(have.values()) if names is None else tuple(have[name] for name in names)

    @torch.inference_mode()
    def raw(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The network's own outputs by name, before any post-processing.

        ``inputs``: (depth, ...) arrays, or (channel, depth, ...) where a name has several channels, exactly
        as the network reads them (not normalised here). One channel comes back as (depth, ...).
        """
        missing = [name for name in self.config.inputs if name not in inputs]
        if missing:
            raise MtlError(f"The model reads {', '.join(self.config.inputs)}: '{missing[0]}' is not among the inputs.")
        tensors = {name: self._tensor(inputs[name], name) for name in self.config.inputs}
        return {name: to_array(value) for name, value in flatten(self.net(tensors)).items()}

    def _tensor(self, values: Array, name: str) -> torch.Tensor:
        array = np.ascontiguousarray(values, dtype=np.float32)
        if array.ndim == self.ndim:
            array = array[None]
        if array.ndim != self.ndim + 1 or array.shape[0] != self.config.inputs[name]:
            raise MtlError(
                f"Input '{name}' has the shape {values.shape}: expected {self.config.inputs[name]} channel(s) "
                f"of {self.ndim} dimensions, depth first."
            )
        return torch.from_numpy(array)[None].to(self.device)

    def predict(
        self,
        image: Any,
        fields: Mapping[str, Any] | None = None,
        tasks: Sequence[str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Fields by name from an image of any kind and amplitude, as mtlcore.predict gives them.

        A refining model also needs ``fields``. ``options``: those of InferOptions, such as ``tta=True``.
        """
        from mtlcore.inference.api import infer_options, predict_with
        from mtlcore.inference.chain import Chain

        return predict_with(Chain.of([self], options=infer_options(options)), image, tasks, fields)

    def __repr__(self) -> str:
        tasks = ", ".join(task.name for task in self.predicted_tasks)
        stored = f", {self.folder}" if self.folder else ""
        return (
            f"<Model {self.stage.name} {self.ndim}D: {tasks}; {self.backbone.name}, {parameter_count(self.net):,} "
            f"parameters, on {self.device}{stored}>"
        )


def to_array(value: torch.Tensor) -> Array:
    """A batch of one as (depth, ...) for one channel, (channel, depth, ...) for several; float32."""
    array = value[0].float().cpu().numpy()
    return array[0] if array.shape[0] == 1 else array
