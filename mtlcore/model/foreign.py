"""Checkpoints of other programs, turned into models by plugins that know them; nothing in them is executed."""

from __future__ import annotations

import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.model.checkpoint import fill, save_model
from mtlcore.model.model import Model, ModelConfig
from mtlcore.plugin.plugins import Plugins, current


def import_checkpoint(path: Path, folder: Path, plugins: Plugins | None = None) -> Model:
    """A foreign checkpoint as a model folder (see convert_foreign)."""
    model = convert_foreign(path, plugins)
    save_model(model, folder)
    return model


def convert_foreign(path: Path, plugins: Plugins | None = None) -> Model:
    """A foreign checkpoint (a Lightning file or a bare state dict) as a model; nothing in it is executed."""
    registered = plugins or current()
    state = _read_foreign(path)
    try:
        converted = registered.hook.convert_checkpoint(state=state)
    except MtlError as error:
        raise MtlError(f"{path}: {error}") from None
    if converted is None:
        keys = ", ".join(list(state)[:4])
        raise MtlError(f"{path} is not a checkpoint that an installed plugin knows: its keys begin with {keys}.")
    options, weights = converted
    model = Model.new(build(ModelConfig, options, str(path)), registered)
    fill(model, weights, path)
    return model


def _read_foreign(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise MtlError(f"Checkpoint {path} does not exist.") from None
    except Exception as error:
        # torch raises many kinds here; its message may run over a page, and advises to execute the file.
        reason = "" if isinstance(error, UnpicklingError) else f" ({type(error).__name__})"
        raise MtlError(
            f"{path} is not a checkpoint of tensors alone{reason}: anything else in it would have to be executed, "
            "and is not. Save its state_dict by itself."
        ) from None
    state = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise MtlError(f"{path} contains no state dict: expected a Lightning checkpoint or a dict of tensors.")
    return {str(name): value for name, value in state.items()}
