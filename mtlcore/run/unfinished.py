"""The mark of a run that is not complete: what it does, so that it can be resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_write_text
from mtlcore.run.scratch import NAME, Scratch

MARK = "unfinished.json"


def begin(folder: Path, config: Mapping[str, Any], described: Mapping[str, Any]) -> None:
    """Mark a folder, or check that the mark there is of the same image: MtlError where that has changed."""
    if (folder / MARK).exists():
        before = read(folder)["input"]
        if before != json.loads(json.dumps(described, default=str)):
            raise MtlError(
                f"The input of the unfinished run in {folder} has changed since it began: start it again with --force."
            )
        return
    text = json.dumps({"config": dict(config), "input": dict(described)}, indent=2, default=str)
    atomic_write_text(folder / MARK, text + "\n")


def end(folder: Path) -> None:
    """The run is complete, or left nothing to go on from."""
    (folder / MARK).unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Forget what an earlier run left, because another one begins in its folder."""
    end(folder)
    Scratch(folder / NAME).remove()


def is_marked(folder: Path) -> bool:
    """Whether a run in the folder has begun and not ended."""
    return (folder / MARK).is_file()


def read(folder: Path) -> dict[str, Any]:
    """The mark: ``config``, as run.json has it, and ``input``."""
    path = folder / MARK
    try:
        mark = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MtlError(
            f"{folder} has no unfinished run: {MARK} not found. Start one with mtl run --output {folder}."
        ) from None
    except (OSError, ValueError) as error:
        raise MtlError(f"{path} cannot be read as JSON: {error}.") from None
    if (
        not isinstance(mark, dict)
        or not isinstance(mark.get("config"), dict)
        or not isinstance(mark.get("input"), dict)
    ):
        raise MtlError(f"{path} is not the mark of an unfinished run: expected 'config' and 'input'. Start it again.")
    return mark
