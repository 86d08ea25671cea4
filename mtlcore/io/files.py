"""From a path to a format, and from there to a volume."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mtlcore.config import build
from mtlcore.errors import MtlError
from mtlcore.io.leftovers import recover
from mtlcore.io.volume import Volume
from mtlcore.plugin.interfaces import Format
from mtlcore.plugin.plugins import Plugins, current
from mtlcore.plugin.registry import Registry

LARGE = 2**28
"""Bytes of a file up to which all of it is hashed."""
BLOCKS, BLOCK = 256, 2**18
"""Of a larger one: blocks, and bytes of each."""


def open_volume(
    path: str | os.PathLike[str],
    format: str | None = None,
    options: Mapping[str, Any] | None = None,
    plugins: Plugins | None = None,
) -> Volume:
    """The file, or the folder of a format that writes folders, as a lazily read volume.

    ``format``: a format's name; None: chosen by the file's suffix. ``options``: those of the format that
    were given. ``plugins``: where formats are looked up; None: the installed ones.
    """
    file = Path(path)
    recover(file)
    if not file.exists():
        raise MtlError(f"{file} does not exist.")
    return make_format(file, format, options, plugins).open(file)


def make_format(
    path: Path,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    plugins: Plugins | None = None,
) -> Format:
    """The format for a path that is to be opened or created, with its options set."""
    registry: Registry[Format] = (plugins or current()).formats
    chosen = choose_format(path, name, registry)
    return build(chosen, options or {}, f"format.{chosen.name}")


def choose_format(path: Path, name: str | None, registry: Registry[Format]) -> type[Format]:
    """The class of the named format; without a name, the one whose longest suffix the path ends in."""
    if name is not None:
        named: type[Format] = registry[name]
        return named
    known: dict[str, type[Format]]
    known, broken = registry.loadable()
    file = path.name.lower()
    matches = [(len(suffix), key) for key, suffix in _suffixes(known) if file.endswith(suffix)]
    best = [key for length, key in matches if length == max(matches)[0]]
    if len(best) == 1:
        return known[best[0]]
    if best:
        raise MtlError(f"The suffix of {path} is that of {' and '.join(best)}. Use --format {best[0]}.")
    listed = ", ".join(f"{key} ({' '.join(cls.suffixes) or 'no suffix'})" for key, cls in known.items())
    failed = f" Not loaded: {', '.join(broken)} (see: mtl plugins --check)." if broken else ""
    raise MtlError(
        f"The format of {path} is not known from its suffix '{path.suffix}'. "
        f"Use --format NAME. Formats: {listed or 'none'}.{failed}"
    )


def file_size(path: Path) -> int:
    """Bytes of a regular file that can be read and is not empty; MtlError says what it is instead."""
    try:
        # Before opening: opening a pipe would wait for its other end.
        if path.is_dir():
            raise MtlError(f"{path} is a folder: expected a file.")
        if not stat.S_ISREG(path.stat().st_mode):
            raise MtlError(f"{path} is not a regular file.")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise MtlError(f"{path} does not exist.") from None
    except OSError as error:
        raise MtlError(f"{path} cannot be read: {error.strerror}.") from error
    if size == 0:
        raise MtlError(f"{path} is empty: expected samples.")
    return size


def stored_size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in _files(path))


def content_hash(path: Path) -> str:
    """SHA-256 in hexadecimal: of a file's bytes; of a folder, of its files' names and hashes, sorted by name.

    Of a file of more than LARGE bytes, of its size and of blocks spread evenly over it, the first and the last among
    them: to read the whole would take minutes in every command.
    """
    if not path.is_dir():
        return _file_hash(path)
    lines = [f"{_file_hash(file)}  {file.relative_to(path).as_posix()}\n" for file in _files(path)]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def has_known_suffix(path: Path, plugins: Plugins | None = None) -> bool:
    """Whether the name is one of a volume of an installed format."""
    known, _ = (plugins or current()).formats.loadable()
    return any(path.name.lower().endswith(suffix) for _, suffix in _suffixes(known))


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as users write it: 256x1024."""
    return "x".join(map(str, shape))


def _suffixes(known: Mapping[str, type[Format]]) -> Iterator[tuple[str, str]]:
    for name, chosen in known.items():
        for suffix in chosen.suffixes:
            yield name, suffix.lower()


def _files(path: Path) -> list[Path]:
    """The file itself, or the files in a folder in the order of their names on any system."""
    if not path.is_dir():
        return [path]
    return sorted(
        (file for file in path.rglob("*") if file.is_file()), key=lambda file: file.relative_to(path).as_posix()
    )


def _file_hash(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as stream:
        if size <= LARGE:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        digest = hashlib.sha256(str(size).encode())
        for number in range(BLOCKS):
            stream.seek((size - BLOCK) * number // (BLOCKS - 1))
            digest.update(stream.read(BLOCK))
    return digest.hexdigest()
