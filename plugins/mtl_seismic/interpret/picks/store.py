"""The file of the picks."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

from mtl_seismic.interpret.picks.model import Picks, parse
from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_write_text

FILE = "picks.json"


class Changed(MtlError):
    """The file is not the one that was changed: somebody else has written it meanwhile."""


@dataclass(frozen=True)
class Store:
    """The picks of one result, for several readers and writers at once."""

    folder: Path
    shape: tuple[int, ...]
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def path(self) -> Path:
        return self.folder / FILE

    def read(self) -> tuple[Picks, str]:
        """The picks and their revision; none where there is no file."""
        text = self._text()
        return self._parsed(text) if text else Picks(self.shape), revision(text)

    def write(self, picks: Picks, before: str) -> str:
        """Replace the picks that had a revision by others; the new revision. ``Changed`` where the file has another."""
        with self._lock:
            if revision(self._text()) != before:
                raise Changed(f"{self.path} was changed elsewhere: load the page again, then repeat the change.")
            text = json.dumps(picks.document(), indent=1, allow_nan=False) + "\n"
            atomic_write_text(self.path, text)
            return revision(text)

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise MtlError(f"{self.path} cannot be read: {error}.") from None

    def _parsed(self, text: str) -> Picks:
        try:
            document = json.loads(text)
        except ValueError as error:
            raise MtlError(f"{self.path} cannot be read as JSON: {error}.") from None
        return parse(document, self.shape, str(self.path))


def revision(text: str) -> str:
    """A short name of a file's content."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_picks(folder: Path, shape: tuple[int, ...]) -> Picks:
    """The picks in a result folder; none where there is no picks.json."""
    return Store(folder, shape).read()[0]
