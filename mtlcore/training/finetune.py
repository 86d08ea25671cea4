"""Training that starts from a model: its weights are taken over, and parts of it may stay as they are."""

from __future__ import annotations

import copy
from collections.abc import Container, Sequence
from pathlib import Path

import torch
from torch import nn

from mtlcore.errors import OptionError, suggestion
from mtlcore.model.checkpoint import load_model
from mtlcore.model.model import Model
from mtlcore.model.net import MultiTaskNet
from mtlcore.plugin.plugins import Plugins
from mtlcore.training.job import Job
from mtlcore.training.sources import open_items

BODY = ("backbone", "encoder", "decoder")
"""Names of a network's parts beside those of tasks: ``decoder`` is the one that all tasks share."""


def starting_model(job: Job, plugins: Plugins, ndim: int | None = None) -> Model:
    """The model that training starts from; of packaged ones, that of NAME@STAGE, or of the job's stage.

    Of several it is the one of ``ndim`` axes (None: as many as the data have).
    """
    if ndim is None:
        ndim = len(open_items(job.data, job.source, "train", (), plugins).shape)
    name, _, stage = job.start.partition("@")
    if Path(job.start).exists():
        name, stage = job.start, ""
    return load_model(name, stage=stage or job.stage.get("name") or plugins.stages.default, ndim=ndim, plugins=plugins)


@torch.no_grad()
def copy_matching_weights(model: Model, start: Model) -> None:
    """Copy into ``model`` the weights of ``start``; tasks that ``start`` lacks keep their new ones.

    The body must be the same or have fewer steps, and every task that both have must be the same. Where ``model``
    reads more than ``start``, as a refining stage reads fields beside the image, it begins by paying them no
    attention: their weights are 0.
    """
    read, known = list(model.config.inputs.items()), list(start.config.inputs.items())
    if model.backbone.name != start.backbone.name or read[: len(known)] != known:
        raise _other_body(model, start)
    new_tasks = {task.name for task in model.tasks} - {task.name for task in start.tasks}
    weights = start.net.state_dict()
    grows = model.backbone.grows_from(start.backbone)
    for name, value in model.net.state_dict().items():
        if owner(name) in new_tasks or (grows and name not in weights):
            continue
        if name in weights and _reads_more(weights[name].shape, value.shape) and len(read) > len(known):
            value.zero_()
            value[:, : weights[name].shape[1]] = weights[name]
            continue
        if name not in weights or weights[name].shape != value.shape:
            if not owner(name):
                raise _other_body(model, start)
            raise OptionError(
                f"The model {start.folder} has no weights that fit '{name}': "
                f"give task '{owner(name)}' the options that it was trained with (mtl inspect shows them)."
            )
        value.copy_(weights[name])


@torch.no_grad()
def interpolate_weights(model: Model, start: Model, interpolation: float) -> None:
    """Interpolate a fine-tuned model's weights back towards ``start`` (Wortsman et al. 2022, WiSE-FT).

    ``interpolation``: 0 leaves the tuned model, 1 gives the starting one. Models between the two often keep what the
    former was good at and most of what was learned. Tasks that ``start`` lacks stay as they are.
    """
    began = copy.deepcopy(model)
    copy_matching_weights(began, start)
    weights = began.net.state_dict()
    for name, value in model.net.state_dict().items():
        if value.is_floating_point():
            value.lerp_(weights[name], interpolation)


def _other_body(model: Model, start: Model) -> OptionError:
    return OptionError(
        f"The model {start.folder} has the backbone {start.backbone} and reads {_reads(start)}; "
        f"the training has {model.backbone} and reads {_reads(model)}: leave both out to use the model's."
    )


def _reads_more(old: torch.Size, new: torch.Size) -> bool:
    return len(old) == len(new) > 1 and old[1] < new[1] and (*old[:1], *old[2:]) == (*new[:1], *new[2:])


def _reads(model: Model) -> str:
    return ", ".join(model.config.inputs)


def owner(parameter: str) -> str:
    """The task that a parameter belongs to, by its name; empty for one of the body."""
    part, _, rest = parameter.partition(".")
    name = rest.partition(".")[0]
    return "" if part == "encoder" or name == "shared" else name


def parts_named(net: MultiTaskNet, names: Sequence[str], new_tasks: Container[str] = ()) -> list[nn.Module]:
    """The modules of a network that names stand for: those of BODY, and tasks.

    To the backbone belongs all but the heads, without what it has for new tasks alone, whose weights know nothing.
    """
    tasks = list(net.heads)
    modules: list[nn.Module] = []
    for name in names:
        if name not in (*BODY, *tasks):
            known = [*BODY, *tasks]
            raise OptionError(
                f"train.freeze names '{name}'. {suggestion(name, known)}Expected some of {', '.join(known)}."
            )
        if name in ("backbone", "encoder"):
            modules.append(net.encoder)
        if name == "backbone":
            own = (*net.decoders.items(), *net.necks.items())
            modules += [module for task, module in own if task not in new_tasks]
        if name == "decoder" and net.shared:
            modules.append(net.decoders["shared"])
        if name in tasks:
            modules += [parts[name] for parts in (net.decoders, net.necks, net.heads) if name in parts]
    return modules
