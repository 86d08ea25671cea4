"""Files and folders that appear whole or not at all: written under a temporary name, flushed, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtlcore.errors import MtlError

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "it is too large",
}

PART, BEGUN = ".part", ".begun"
"""How temporary names end: of what goes when its writer does, and of what several processes write and may resume."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` (an empty file) that takes its name when the block ends well.

    On any exception the temporary file is removed and an old file at ``path`` stays as it was. A symbolic
    link is followed. The new file has the permissions that the umask gives. MtlError, naming ``path``,
    where it cannot be written; also where the disk fills up inside the block.
    """
    final = Path(os.path.realpath(path))
    temporary = _temporary_name(final)
    mode = _start(path, final, temporary)
    try:
        with _saying_what_is_full(path):
            yield temporary
            # Some writers (safetensors) make files that only their owner can read.
            temporary.chmod(mode)
            flush_to_disk(temporary)
            temporary.replace(final)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    _flush_folder(final.parent)


@contextmanager
def scratch_path(path: Path) -> Iterator[Path]:
    """An empty file next to ``path`` for what is needed while that is written; it goes when the block ends."""
    final = Path(os.path.realpath(path))
    scratch = _temporary_name(final)
    _start(path, final, scratch)
    try:
        with _saying_what_is_full(path):
            yield scratch
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, marker: str) -> Iterator[Path]:
    """``atomic_path`` for a folder: a temporary empty one beside ``path``.

    An older folder at ``path`` gives way only if it is empty or holds a file called ``marker``: it is one of
    the same kind. It is renamed to ``.NAME.XXXX.old``, the new one takes its name, then it is deleted.
    """
    temporary = start_folder(path, marker)
    try:
        with _saying_what_is_full(path):
            yield temporary
        finish_folder(temporary, path, marker)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def start_folder(path: Path, marker: str, suffix: str = PART) -> Path:
    """The temporary folder of ``atomic_folder``, for writers that outlive one ``with`` block or process.

    ``suffix``: BEGUN for one that is to survive the process.
    """
    final = Path(os.path.realpath(path))
    _refuse_another_kind(path, final, marker)
    temporary = _temporary_name(final, suffix)
    with _saying_why_not(path, final):
        temporary.mkdir()
    return temporary


def begin_file(path: Path) -> Path:
    """A temporary folder for the parts of a file that several processes write, and that survives them."""
    final = Path(os.path.realpath(path))
    _refuse_other_than_file(path, final)
    temporary = _temporary_name(final, BEGUN)
    with _saying_why_not(path, final):
        temporary.mkdir()
    return temporary


def finish_folder(temporary: Path, path: Path, marker: str) -> None:
    """Flush a temporary folder of ``start_folder`` and give it its final name."""
    final = Path(os.path.realpath(path))
    with _saying_what_is_full(path):
        for entry in [*temporary.rglob("*"), temporary]:
            (_flush_folder if entry.is_dir() else flush_to_disk)(entry)
    # Again: hours may have passed since the start.
    _refuse_another_kind(path, final, marker)
    old = temporary.with_suffix(".old") if final.exists() else None
    if old:
        final.rename(old)
    try:
        temporary.rename(final)
    except BaseException:
        if old:
            old.rename(final)
        raise
    _flush_folder(final.parent)
    if old:
        shutil.rmtree(old, ignore_errors=True)


def atomic_write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def flush_to_disk(path: Path) -> None:
    """Return when the file's bytes are on the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reserve(path: Path) -> None:
    """Allocate the disk blocks of a sparse file, OSError where there is no room for them.

    Writing to a memory map of a sparse file on a full disk kills the process (SIGBUS); this fails before.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        size = os.fstat(descriptor).st_size
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # file systems that cannot allocate ahead
            raise
    finally:
        os.close(descriptor)


def _temporary_name(final: Path, suffix: str = PART) -> Path:
    return final.with_name(f".{final.name[:40]}.{secrets.token_hex(4)}{suffix}")


def _start(path: Path, final: Path, temporary: Path) -> int:
    """Create the empty temporary file; its permission bits."""
    _refuse_other_than_file(path, final)
    with _saying_why_not(path, final):
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)


def _refuse_other_than_file(path: Path, final: Path) -> None:
    if final.exists() and not final.is_file():
        kind = "a folder" if final.is_dir() else "not a regular file"
        raise MtlError(f"Cannot write {path}: it is {kind}. Choose another name.")


def _refuse_another_kind(path: Path, final: Path, marker: str) -> None:
    """MtlError where a new folder would take the place of something that is not its older version."""
    if not final.exists():
        return
    if not final.is_dir():
        raise MtlError(f"Cannot write {path}: it is a file, and a folder would take its place. Choose another name.")
    if any(final.iterdir()) and not (final / marker).is_file():
        raise MtlError(f"Cannot write {path}: it is a folder of something else (no {marker}). Choose another name.")


@contextmanager
def _saying_why_not(path: Path, final: Path) -> Iterator[None]:
    """The failure to begin a file or folder as an MtlError."""
    try:
        yield
    except FileNotFoundError:
        raise MtlError(f"Cannot write {path}: the folder {final.parent} does not exist. Create it first.") from None
    except OSError as error:
        reason = _FULL.get(error.errno or 0) or error.strerror
        raise MtlError(f"Cannot write {path}: {reason}.") from error


@contextmanager
def _saying_what_is_full(path: Path) -> Iterator[None]:
    """A full disk as an MtlError; other errors stay what they are."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise MtlError(f"Cannot write {path}: {_FULL[error.errno]}.") from error
        raise


def _flush_folder(folder: Path) -> None:
    """Make the renaming last through a power cut, where the system can (Windows cannot open folders)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
