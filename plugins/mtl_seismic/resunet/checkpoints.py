"""Recognising and renaming the reference's checkpoints. Source: Gao 2024, GJI, doi 10.1093/gji/ggad424."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mtl_seismic.resunet.backbone import ResUNet
from mtl_seismic.resunet.reference import ReferenceFaultHead, ReferenceHead
from mtlcore.errors import MtlError

FIRST = "encoder1.conv0.c.0.weight"
"""A key that every checkpoint has, perhaps after a prefix such as "model."."""

FIELDS = {"rgt": ("rgt",), "dhr": ("dhr",), "fault": ("fault_probability", "fault_dip", "fault_strike")}
"""What each task gives, and a refinement network reads, in this order; there is no strike in 2D."""

AMPLITUDE = {2: 0.3294, 3: 0.4117}
"""Root mean square of the images that the reference trains on."""

LISTED = 8


def convert_checkpoint(state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """The configuration of a reference network and its weights under this package's names.

    ``state`` is a state dict, already loaded. None where it does not look like the reference's; MtlError
    where it does, but keys are missing, unknown or of a wrong shape.
    """
    prefix = _prefix(state)
    if prefix is None:
        return None
    found = {key.removeprefix(prefix): value for key, value in state.items()}
    ndim, tasks, stems = _dimensions(found[FIRST]), _tasks(found), _stems(found)
    read = _tasks_read(tasks, stems, ndim)
    inputs = dict.fromkeys(_fields(read, ndim), 1) if stems else {"image": 1}
    network = _network(tasks, inputs, ndim).state_dict()
    names = {_reference_key(key, inputs): key for key in network}
    _check_keys(found, names)
    _check_shapes(found, {theirs: network[ours] for theirs, ours in names.items()})
    config: dict[str, Any] = {
        "stage": {"name": "mtr", "image": False} if stems else {"name": "mti"},
        "ndim": ndim,
        "backbone": {"name": ResUNet.name},
        "tasks": [{"name": task, "variant": "reference"} for task in read],
        "inputs": inputs,
        "amplitude": AMPLITUDE[ndim],
    }
    if read != tasks:
        config["heads"] = tasks
    return config, {ours: found[theirs] for theirs, ours in names.items()}


def _prefix(state: Mapping[str, Tensor]) -> str | None:
    """What stands before all of the reference's keys, or None where there are none."""
    prefixes = (key.removesuffix(FIRST) for key in state if key.endswith(FIRST))
    return next((prefix for prefix in prefixes if not prefix or prefix.endswith(".")), None)


def _dimensions(first: Tensor) -> int:
    ndim = first.ndim - 2
    if ndim not in AMPLITUDE:
        raise MtlError(
            f"Key {FIRST} of the checkpoint has the shape {tuple(first.shape)}: "
            "expected 4 axes (of a 2D network) or 5 (3D)."
        )
    return ndim


def _tasks(keys: Iterable[str]) -> list[str]:
    present = {match[1] for key in keys if (match := re.match(r"(?:sub)?decoder_([a-z]+)[._]", key))}
    tasks = [task for task in FIELDS if task in present]
    if not tasks:
        raise MtlError(f"The checkpoint has no decoder of a task: expected decoder_{', decoder_'.join(FIELDS)}.")
    return tasks


def _stems(keys: Iterable[str]) -> int:
    """How many inputs have a stem: none in MTI."""
    return len({match[1] for key in keys if (match := re.match(r"input(\d+)\.", key))})


def _tasks_read(tasks: list[str], stems: int, ndim: int) -> list[str]:
    """The tasks whose fields the network reads: its own or, where one has no decoder any more, all."""
    for read in (tasks, list(FIELDS)):
        if not stems or stems == len(_fields(read, ndim)):
            return read
    fields = _fields(tasks, ndim)
    raise MtlError(
        f"The checkpoint reads {stems} fields, but its tasks ({', '.join(tasks)}) give {len(fields)} "
        f"in {ndim}D ({', '.join(fields)}): which stem reads which cannot be told. "
        "Import one with all of its tasks."
    )


def _fields(tasks: list[str], ndim: int) -> list[str]:
    """The fields of some tasks, in the order of the stems that read them."""
    return [name for task in tasks for name in FIELDS[task] if ndim == 3 or name != "fault_strike"]


def _network(tasks: list[str], inputs: Mapping[str, int], ndim: int) -> nn.Module:
    """The network's modules under the names that MultiTaskNet gives them, with shapes but without memory."""
    backbone = ResUNet()
    with torch.device("meta"):
        decoders = {task: backbone.decoder(task, ndim) for task in tasks}
        heads = {task: _head(task, backbone.channels, ndim) for task in tasks}
        parts = {"decoders": nn.ModuleDict(decoders), "heads": nn.ModuleDict(heads)}
        return nn.ModuleDict({"encoder": backbone.encoder(inputs, ndim), **parts})


def _head(task: str, channels: int, ndim: int) -> nn.Module:
    if task == "fault":
        return ReferenceFaultHead(channels, ndim)
    return ReferenceHead(channels, ndim, task)


def _reference_key(key: str, inputs: Iterable[str]) -> str:
    """The reference's name of a weight."""
    stems = {f"encoder.stems.{name}.": f"input{number}." for number, name in enumerate(inputs, start=1)}
    for ours, theirs in stems.items():
        if key.startswith(ours):
            return key.replace(ours, theirs, 1)
    key = re.sub(r"^encoder\.", "", key)
    key = re.sub(r"^heads\.fault\.(semantic|dip|strike)\.", r"subdecoder_fault_\1.", key)
    return re.sub(r"^(decoders|heads)\.", "decoder_", key)


def _check_keys(found: Iterable[str], expected: Iterable[str]) -> None:
    found, expected = dict.fromkeys(found), dict.fromkeys(expected)
    missing = [key for key in expected if key not in found]
    unknown = [key for key in found if key not in expected]
    wrong = [f"{kind} {_listed(keys)}" for kind, keys in (("missing", missing), ("unknown", unknown)) if keys]
    if wrong:
        raise MtlError(f"The checkpoint looks like the reference's, but has keys {'; '.join(wrong)}.")


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - LISTED} more ({len(keys)} in all)" if len(keys) > LISTED else ""
    return f"{', '.join(keys[:LISTED])}{more}"


def _check_shapes(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    for key, weight in expected.items():
        if found[key].shape != weight.shape:
            raise MtlError(
                f"Key {key} of the checkpoint has the shape {tuple(found[key].shape)}: expected {tuple(weight.shape)}."
            )
