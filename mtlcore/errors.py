"""Errors for users: one line that names the thing, its value and the way out."""

from __future__ import annotations

from collections.abc import Iterable


class MtlError(Exception):
    """Something the user can put right; the message is one line and needs no traceback."""


class MtlWarning(UserWarning):
    """Something the user should know of, though the work goes on; the message is one line."""


class DeadInputError(MtlError):
    """An image without a single live sample: nothing can be inferred from it."""


class OptionError(MtlError):
    """An unknown or unfit option of a task, backbone, format, stage or command."""


class UnknownNameError(MtlError, KeyError):
    """A name that nothing installed answers to; a KeyError too, since registries are mappings."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__(f"Unknown {kind} '{name}'. {suggestion(name, names)}Installed: {', '.join(names) or 'none'}.")

    # KeyError shows its message in quotes.
    __str__ = Exception.__str__


def suggestion(name: str, known: Iterable[str]) -> str:
    """'Did you mean ...? ' when a known name is close to the given one, else an empty string."""
    from difflib import get_close_matches  # slow to import, and needed only where something went wrong

    by_lower_case = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), list(by_lower_case), n=1)
    return f"Did you mean '{by_lower_case[close[0]]}'? " if close else ""
