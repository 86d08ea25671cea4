"""Output folders: never overwritten by accident."""

from __future__ import annotations

from pathlib import Path

from mtlcore.errors import MtlError


def claim(folder: Path, force: bool = False) -> Path:
    """Make an output folder, or take one that is empty or, with ``force``, one that is not."""
    if folder.exists() and not folder.is_dir():
        raise MtlError(f"The output {folder} is a file: expected a folder.")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise MtlError(f"The output folder {folder} is not empty: choose another one, or add --force to write into it.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MtlError(f"The output folder {folder} cannot be made: {error.strerror}.") from None
    return folder


def next_numbered(parent: Path) -> Path:
    """A new folder parent/001, 002, ...: the next number that is free."""
    parent = claim(parent, force=True)
    numbers = [int(path.name) for path in parent.iterdir() if path.name.isdecimal()]
    number = max(numbers, default=0)
    while True:
        number += 1
        folder = parent / f"{number:03d}"
        try:
            # Another process may be about to take the same number.
            folder.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise MtlError(f"The output folder {folder} cannot be made: {error.strerror}.") from None
        return folder
