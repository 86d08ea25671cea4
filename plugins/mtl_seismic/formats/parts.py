"""Which part of a file that several processes write is whose: small files in the folder that was begun."""

from __future__ import annotations

import glob
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from urllib.parse import quote, unquote

from mtlcore.errors import MtlError
from mtlcore.io.parallel_write import Block

JOINED = ".joined"


class Parts:
    """One file for each block that an owner has claimed, and one for each owner that has joined and not left.

    ``marker``: a file that the folder has once it may be joined.
    """

    def __init__(self, started: Path, marker: str) -> None:
        if not (started / marker).is_file():
            raise MtlError(f"{started} was not begun, or is committed already: begin a file, then join it.")
        self._started = started
        self._folder = started / ".parts"

    @contextmanager
    def joined(self, owner: str) -> Iterator[Callable[[Block], None]]:
        """Join; a function that claims a block for the owner before the first sample is written to it."""
        self._folder.mkdir(exist_ok=True)
        name = quote(owner, safe="")
        # What is left of an earlier attempt that failed.
        for old in self._folder.glob(f"{glob.escape(name)}.????????{JOINED}"):
            old.unlink(missing_ok=True)
        joined = self._folder / f"{name}.{secrets.token_hex(4)}{JOINED}"
        joined.touch()
        yield lambda block: self._claim(block, owner)
        try:
            joined.unlink()
        except FileNotFoundError:
            raise MtlError(
                f"'{owner}' joined {self._started} a second time before it had left: processes need different names."
            ) from None

    def close(self) -> None:
        """MtlError unless all who joined have left; then the notes are removed."""
        left = sorted(unquote(path.name.removesuffix(JOINED)[:-9]) for path in self._folder.glob(f"*{JOINED}"))
        if left:
            raise MtlError(f"{self._started} lacks the part of {', '.join(left)}: write it again, then commit.")
        rmtree(self._folder, ignore_errors=True)

    def _claim(self, block: Block, owner: str) -> None:
        path = self._folder / ".".join(map(str, block))
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(owner)
        except FileExistsError:
            other = path.read_text(encoding="utf-8")
            if other != owner:
                raise MtlError(
                    f"'{owner}' and '{other}' both write to block {path.name} of {self._started}, and one would undo "
                    "what the other wrote: check the plan first (mtlcore.io.parallel_write.check_plan)."
                ) from None
