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
from mtlcore.io.leftovers import BEGUN, DIGITS, OLD, PART, exchange, hold, recover, release, remove_file, sweep

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "it is too large",
}
BLOCK = 2**20
MANY = 1000


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` (an empty file) that takes its name when the block ends well.

    On any exception the temporary file is removed and an old file at ``path`` stays as it was; after a kill, the next
    writer to the folder removes it. A symbolic link is followed. The new file has the permissions that the umask
    gives. MtlError, naming ``path``, where it cannot be written, and for any OSError inside the block.
    """
    final = Path(os.path.realpath(path))
    with _temporary_file(path, final) as (temporary, mode):
        yield temporary
        # Some writers (safetensors) make files that only their owner can read.
        temporary.chmod(mode)
        flush_to_disk(temporary)
        temporary.replace(final)
    _flush_folder(final.parent)


@contextmanager
def scratch_path(path: Path) -> Iterator[Path]:
    """An empty file next to ``path`` for what is needed while that is written; it goes when the block ends."""
    with _temporary_file(path, Path(os.path.realpath(path))) as (scratch, _):
        yield scratch


@contextmanager
def atomic_folder(path: Path, marker: str) -> Iterator[Path]:
    """``atomic_path`` for a folder: a temporary empty one beside ``path``.

    An older folder at ``path`` gives way only if it is empty or holds a file called ``marker``: it is one of
    the same kind. The two change places in one step where the system can; else the old one is renamed to
    ``.NAME.XXXX.old`` first, and put back when it is next looked for, should the process be killed in between.
    """
    temporary = start_folder(path, marker)
    held = _held(temporary)
    try:
        with naming_failures(path):
            yield temporary
        finish_folder(temporary, path, marker)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        release(held)


def start_folder(path: Path, marker: str, suffix: str = PART) -> Path:
    """The temporary folder of ``atomic_folder``, for writers that outlive one ``with`` block or process.

    ``suffix``: BEGUN for one that is to survive the process.
    """
    final = Path(os.path.realpath(path))
    sweep(final.parent)
    recover(final)
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
    with naming_failures(path):
        _flush_all(temporary)
        # Again: hours may have passed since the start.
        _refuse_another_kind(path, final, marker)
        if not final.exists():
            temporary.rename(final)
        elif exchange(temporary, final):
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            _replace_in_two_steps(temporary, final)
        _flush_folder(final.parent)


def _flush_all(folder: Path) -> None:
    """Return when a folder with all in it is on the disk."""
    entries = [*folder.rglob("*"), folder]
    if len(entries) > MANY and hasattr(os, "sync"):
        # One after another, thousands of files would take minutes.
        os.sync()
        return
    for entry in entries:
        (_flush_folder if entry.is_dir() else flush_to_disk)(entry)


def _replace_in_two_steps(temporary: Path, final: Path) -> None:
    old = temporary.with_suffix(OLD)
    final.rename(old)
    try:
        temporary.rename(final)
    except BaseException:
        old.rename(final)
        raise
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
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        _write_holes(path)  # the file system cannot allocate ahead
    finally:
        os.close(descriptor)


def _write_holes(path: Path) -> None:
    """Write 0 where a file has never been written to: the last bytes of each block that is there stay."""
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        for start in range(0, size, BLOCK):
            file.seek(start)
            content = file.read(BLOCK)
            if not any(content):
                file.seek(start)
                file.write(content)


def _temporary_name(final: Path, suffix: str = PART) -> Path:
    return final.with_name(f".{final.name[:40]}.{secrets.token_hex(DIGITS // 2)}{suffix}")


@contextmanager
def _temporary_file(path: Path, final: Path) -> Iterator[tuple[Path, int]]:
    """An empty temporary file that goes when the block ends, whatever it is called then; its permission bits."""
    _refuse_other_than_file(path, final)
    sweep(final.parent)
    temporary = _temporary_name(final)
    held = None
    try:
        with _saying_why_not(path, final):
            descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            finally:
                os.close(descriptor)
            held = hold(temporary)
        with naming_failures(path):
            yield temporary, mode
    finally:
        # A drive may fail once: what is left is swept only when somebody writes there again.
        if not remove_file(temporary):
            remove_file(temporary)
        release(held)


def _held(temporary: Path) -> int | None:
    with suppress(OSError):
        return hold(temporary)
    return None


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
        raise MtlError(f"Cannot write {path}: {reason(error)}.") from error


@contextmanager
def naming_failures(path: Path) -> Iterator[None]:
    """A failure of the system in the block as an MtlError that names the file and the cause."""
    try:
        yield
    except (BrokenPipeError, BlockingIOError, InterruptedError):
        raise  # of whoever reads the output, not of the file
    except OSError as error:
        raise MtlError(f"Cannot write {path}: {reason(error)}{_other_file(error, path)}.") from error


def reason(error: OSError) -> str:
    """What went wrong, in a few words."""
    text = _REASONS.get(error.errno or 0) or error.strerror or " ".join(str(error).split())
    return (text or type(error).__name__).rstrip(".")


def _other_file(error: OSError, path: Path) -> str:
    """Which file it was, where it was another one."""
    if error.filename is None:
        return ""
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
    return "" if Path(name).name.startswith(f".{path.name[:40]}.") else f" ({name})"


def _flush_folder(folder: Path) -> None:
    """Make the renaming last through a power cut, where the system can (Windows cannot open folders)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
