"""Model folders: config.json, model.safetensors and a model card. Nothing is ever pickled or executed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from mtlcore.config import build
from mtlcore.device import resolve
from mtlcore.errors import MtlError, OptionError, UnknownNameError, suggestion
from mtlcore.io.atomic import atomic_folder, atomic_write_text
from mtlcore.io.folders import claim
from mtlcore.model.card import model_card
from mtlcore.model.model import SCHEMA, Model, ModelConfig
from mtlcore.model.network_size import check_network_size
from mtlcore.model.seal import check_seal, file_hash, integrity, sealed_card
from mtlcore.model.shared_weights import common_prefix, prefixed, sibling
from mtlcore.model.tensors import load_tensors, save_tensors
from mtlcore.plugin.interfaces import PackagedModel
from mtlcore.plugin.plugins import Plugins, current
from mtlcore.plugin.registry import Entry

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
BEST, LAST = "best", "last"
"""Where a training run keeps its best model, and that of its last epoch."""


def save_model(
    model: Model, folder: Path, card: str | None = None, half: bool = False, shared: Path | None = None
) -> None:
    """Write a model folder, whole or not at all; in a folder that has other files too, each file is.

    ``half``: weights in 16 bits on disk. ``shared``: a model folder next to this one, whose weights are a part of the
    model's and are left out here.
    """
    config, weights = model.config, model.net.state_dict()
    if shared is not None:
        others = load_tensors(shared / WEIGHTS)
        prefix = common_prefix(weights, others, shared / WEIGHTS)
        config = replace(config, shared_weights={prefix: sibling(shared, folder)})
        weights = {name: value for name, value in weights.items() if name not in prefixed(others, prefix)}
    claim(folder, force=True)
    if half:
        weights = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    text = model_card(model) if card is None else card
    if {path.name for path in folder.iterdir()} <= {CONFIG, WEIGHTS, CARD}:
        # All three at once: each has the hash of another.
        with atomic_folder(folder, CONFIG) as temporary:
            _write_files(temporary, config, weights, text)
    else:
        _write_files(folder, config, weights, text)


def _write_files(folder: Path, config: ModelConfig, weights: Mapping[str, Tensor], card: str) -> None:
    save_tensors(weights, folder / WEIGHTS)
    values = replace(config, weights_sha256=file_hash(folder / WEIGHTS)).as_dict()
    atomic_write_text(folder / CONFIG, json.dumps(values, indent=2) + "\n")
    atomic_write_text(folder / CARD, sealed_card(card, values))


def load_model(
    source: str | Path,
    device: str = "cpu",
    *,
    stage: str | None = None,
    ndim: int | None = None,
    plugins: Plugins | None = None,
    check: bool = True,
) -> Model:
    """A model from its folder, or from a packaged model's name.

    ``stage`` and ``ndim`` choose among packaged models of one name ("default" has several). MtlError where weights
    or configuration are not as they were saved, unless ``check`` is false (see seal.py).
    """
    registered = plugins or current()
    folder = find_model(source, stage, ndim, registered)
    config = read_config(folder)
    weights, fingerprint = _stored_weights(folder, config)
    if check:
        check_seal(read_values(folder), folder / WEIGHTS, file_hash(folder / WEIGHTS), folder / CARD)
    try:
        check_network_size(config, _weight_files(folder, config), registered)
        model = Model.new(config, registered)
    except UnknownNameError as error:
        raise MtlError(f"The model {folder} needs a plugin that is not installed: {error}") from None
    fill(model, weights, folder / WEIGHTS)
    # Saved again, it has all its weights.
    model.config = replace(config, shared_weights={}, weights_sha256="")
    model.folder, model.fingerprint = folder, fingerprint
    return model.to(resolve(device))


def model_integrity(folder: Path) -> str:
    """In words for people: whether a model folder's weights and configuration are as they were saved."""
    return integrity(read_values(folder), folder / WEIGHTS, file_hash(folder / WEIGHTS), folder / CARD)


def _weight_files(folder: Path, config: ModelConfig) -> list[Path]:
    return [folder / WEIGHTS, *(folder.parent / name / WEIGHTS for name in config.shared_weights.values())]


def _stored_weights(folder: Path, config: ModelConfig) -> tuple[dict[str, Tensor], str]:
    """A model's weights, with those that a model next to it has, and the SHA-256 of the file, or of their hashes."""
    weights, hashes = load_tensors(folder / WEIGHTS), [file_hash(folder / WEIGHTS)]
    for prefix, name in config.shared_weights.items():
        path = folder.parent / name / WEIGHTS
        if not path.is_file():
            raise MtlError(
                f"The model {folder} lacks the weights that it shares with {path.parent}, which is not there: "
                "copy both, or make a copy that has all its weights, mtl export."
            )
        weights |= prefixed(load_tensors(path), prefix)
        hashes.append(file_hash(path))
    return weights, hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def find_model(source: str | Path, stage: str | None, ndim: int | None, plugins: Plugins) -> Path:
    """The folder of a model: a path (a training run stands for its best model), else a packaged name."""
    folder = Path(source)
    for place in (folder, folder / BEST):
        if (place / CONFIG).is_file():
            return place
    if folder.exists():
        raise MtlError(f"{folder} is not a model folder: {CONFIG} not found. Create one with mtl export or mtl import.")
    found = [(entry.plugin, model) for entry, model in _packaged(plugins) if model.name == str(source)]
    if len(owners := list(dict.fromkeys(plugin for plugin, _ in found))) > 1:
        raise MtlError(
            f"The model '{source}' is registered by {' and '.join(owners)}. "
            "Uninstall one, or switch it off: MTL_DISABLE_PLUGINS=plugin or distribution."
        )
    for _, model in found:
        if stage in (None, model.stage) and ndim in (None, model.ndim):
            return model.folder
    if found:
        raise OptionError(
            f"The packaged model '{source}' has no {ndim}D model of stage '{stage}'. "
            "See mtl models, or train one with mtl train."
        )
    names = sorted({model.name for model in packaged_models(plugins)})
    raise OptionError(
        f"No model '{source}': it is neither a folder nor a packaged model. {suggestion(str(source), names)}"
        f"Packaged: {', '.join(names) or 'none'}."
    )


def packaged_models(plugins: Plugins) -> list[PackagedModel]:
    """Every model that a plugin ships and that loads: a broken plugin does not stop the rest."""
    return [model for _, model in _packaged(plugins)]


def _packaged(plugins: Plugins) -> Iterator[tuple[Entry, PackagedModel]]:
    for entry in plugins.models.entries():
        with suppress(MtlError):
            yield entry, plugins.models.load(entry)


def read_values(folder: Path) -> dict[str, Any]:
    """The table in a model folder's config.json, as it stands."""
    path = folder / CONFIG
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MtlError(f"{folder} is not a model folder: {CONFIG} not found.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise MtlError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(values, dict):
        raise MtlError(f"{path} contains no table: it is not a model's configuration.")
    return values


def read_config(folder: Path) -> ModelConfig:
    """A model folder's config.json, checked."""
    path, values = folder / CONFIG, read_values(folder)
    schema = values.get("schema", SCHEMA)
    if isinstance(schema, int) and schema > SCHEMA:
        raise MtlError(f"{path} has schema {schema}, this mtlcore reads up to {SCHEMA}: upgrade mtlcore.")
    return _checked(build(ModelConfig, values, str(path)), path)


def _checked(config: ModelConfig, path: Path) -> ModelConfig:
    """Refuse values that no network has."""
    if config.ndim not in (2, 3):
        raise MtlError(f"{path}: ndim is {config.ndim}, expected 2 or 3.")
    if not (config.tasks and config.inputs and min(config.inputs.values()) > 0):
        raise MtlError(f"{path} has no tasks or no inputs: it is not a model's configuration.")
    if unknown := set(config.heads) - {task.get("name") for task in config.tasks}:
        raise MtlError(f"{path}: heads names '{min(unknown)}', which is none of its tasks.")
    if not 0 < config.amplitude < math.inf:
        raise MtlError(f"{path}: amplitude is {config.amplitude}, expected more than 0.")
    return config


def fill(model: Model, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put weights into the network; names and shapes must agree one by one."""
    expected = model.net.state_dict()
    for name in expected:
        if name not in tensors:
            raise MtlError(f"{path} lacks '{name}', which config.json's network has.")
    for name, value in tensors.items():
        if name not in expected:
            raise MtlError(f"{path} holds '{name}', which config.json's network does not have.")
        if value.shape != expected[name].shape:
            raise MtlError(
                f"{path}: '{name}' has the shape {tuple(value.shape)}, expected {tuple(expected[name].shape)}."
            )
    model.net.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    )
