"""Results on disk: one file for each output, and run.json with all that is needed to repeat the run."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_write_text
from mtlcore.io.files import content_hash, open_volume
from mtlcore.io.volume import Volume
from mtlcore.model.model import Model
from mtlcore.plugin.plugins import Plugins
from mtlcore.run import inputs, unfinished
from mtlcore.run.inputs import part_of, same_input

Array = NDArray[np.float32]
RECORD = "run.json"


def listed(folder: Path) -> set[Path]:
    """The files of an earlier run in a folder, by its record."""
    if not (folder / RECORD).is_file():
        return set()
    record = read_record(folder)
    names = [entry["file"] for entry in record["outputs"].values()] + record.get("pictures", [])
    return {folder / Path(name).name for name in (*names, *(f"{name}.json" for name in names))}


def remove_stale(folder: Path, earlier: set[Path], keep: Path | None = None) -> None:
    """Delete what an earlier run wrote and the present one has not: it belongs to another image or model."""
    for path in earlier - listed(folder):
        if keep is not None and path.resolve() == keep.resolve():
            continue
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def derived(folder: Path, plugins: Plugins) -> list[Path]:
    """The files and folders that commands have written from a result into its folder, as their plugins declare."""
    commands = plugins.commands.loadable()[0].values()
    return [path for command in commands for name in command.writes if (path := folder / name).exists()]


def made_by_hand(folder: Path, plugins: Plugins) -> list[Path]:
    """The files in a result folder that hold users' own work, as the plugins of commands declare."""
    commands = plugins.commands.loadable()[0].values()
    return [path for command in commands for name in command.keeps if (path := folder / name).exists()]


def read_record(folder: Path) -> dict[str, Any]:
    """The run.json of a result folder."""
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if unfinished.is_marked(folder):
            raise MtlError(f"The run in {folder} is not finished. Go on with: mtl run --resume {folder}") from None
        raise MtlError(
            f"{folder} is not a result folder: {RECORD} not found. Create one with mtl run --output {folder}."
        ) from None
    except (OSError, ValueError) as error:
        raise MtlError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(record, dict) or "outputs" not in record:
        raise MtlError(f"{path} is not a record of mtl run: it lists no outputs.")
    return record


def open_fields(folder: Path, plugins: Plugins) -> dict[str, Volume]:
    """The fields of a result folder as volumes, by output name; nothing is loaded."""
    record = read_record(folder)
    name = record["format"]["name"]
    options = record["format"].get("options", {})
    return {
        output: open_volume(folder / entry["file"], name, options, plugins)
        for output, entry in record["outputs"].items()
    }


def open_image(folder: Path, plugins: Plugins) -> Volume:
    """The image, or the part of it, that a result folder was computed from, as a volume; MtlError where it is gone or
    has changed."""
    record = read_record(folder)
    path, config = same_input(record, folder), record["config"]
    given = config.get("run", {})
    return inputs.open_image(path, given.get("format"), config.get("format", {}), part_of(given), plugins)


def remove_record(folder: Path) -> None:
    """Take the record of an earlier run away, whose files are about to be replaced."""
    (folder / RECORD).unlink(missing_ok=True)


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write run.json."""
    atomic_write_text(folder / RECORD, json.dumps(record, indent=2, allow_nan=False, default=str) + "\n")


def hashes(record: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of what a run read, by path: its input, the fields that it refined, and its models' folders."""
    read = [record.get("input", {}), record.get("from") or {}]
    found = {described["path"]: described["sha256"] for described in read if "path" in described}
    return found | {model["folder"]: model["sha256"] for model in record.get("models", ())}


def describe_start(folder: Path) -> dict[str, str]:
    """What run.json says of an earlier result whose fields are refined: where it is, and the hash of all its fields."""
    lines = [
        f"{content_hash(folder / entry['file'])}  {name}\n" for name, entry in read_record(folder)["outputs"].items()
    ]
    return {"path": str(folder.resolve()), "sha256": hashlib.sha256("".join(lines).encode()).hexdigest()}


def describe_model(model: Model, passes: int) -> dict[str, Any]:
    """What run.json says of a model."""
    return {
        "stage": model.stage.name,
        "folder": str(model.folder.resolve()) if model.folder else None,
        "sha256": model.fingerprint,
        "passes": passes,
        "note": model.config.note,
    }


def versions() -> dict[str, str]:
    """Versions that results can depend on."""
    names = ("mtlcore", "torch", "numpy", "safetensors", "pluggy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def peak_memory(device: torch.device) -> dict[str, int]:
    """Bytes at the highest: of this process, and of the GPU where one computed."""
    peak = {"process": _peak_of_process()}
    if device.type == "cuda":
        peak["device"] = torch.cuda.max_memory_allocated(device)
    return peak


def _peak_of_process() -> int:
    try:
        import resource
    except ImportError:  # Windows has no such module
        return 0
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
