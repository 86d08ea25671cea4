"""The commands of plugins, and a note of their names so that ``mtl --help`` need not load the plugins to list them.

Loading the plugins takes 0.04 s of CPU time, as much again as the rest of ``mtl --help``. What they registered is
therefore kept in a file in the user's cache folder. It is read only where commands are listed, never where one is
run, and only while everything that could change the answer is as it was: the folders on Python's path (installing
or removing a distribution changes one), the plugins' own files, and the variables that switch plugins off.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click

    from mtlcore.plugin.plugins import Plugins

VARIABLES = ("MTL_DISABLE_PLUGINS", "MTL_PLUGIN_AUTOLOAD")


def exists(name: str) -> bool:
    """Whether a plugin registered a command under this name."""
    from mtlcore.plugin import plugins

    return name in plugins.current().commands


def load(name: str) -> click.Command | None:
    """A plugin's command; None where no plugin has it, MtlError where it is broken or two plugins claim it."""
    import click

    from mtlcore.errors import MtlError
    from mtlcore.plugin import plugins

    installed = plugins.current()
    if name not in installed.commands:
        return None
    command = installed.load_command(name)
    if not isinstance(command, click.Command):
        owner = installed.commands.entry(name).plugin
        raise MtlError(f"The command '{name}' of plugin {owner} is {command!r}: expected a click command.")
    return command


def listing() -> dict[str, str]:
    """Names and lines of help, from the note where it still holds."""
    path = note_path()
    if (commands := _read(path)) is None:
        from mtlcore.plugin import plugins

        installed = plugins.current()
        found = installed.commands.loadable()[0]
        commands = {name: command.help for name, command in found.items()}
        _write(path, commands, installed)
    return commands


def note_path() -> Path:
    """The file of the note."""
    given = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    # One for each environment: several would take turns in overwriting it.
    name = f"commands-{zlib.crc32(sys.prefix.encode()):08x}.json"
    return Path(given or os.path.expanduser("~/.cache"), "mtlcore", name)  # noqa: PTH111  # never raises


def _read(path: Path) -> dict[str, str] | None:
    """What the note says; None where there is none, or where it may no longer be true."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        if note["state"] == _state(note["files"]):
            return dict(note["commands"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _write(path: Path, commands: dict[str, str], installed: Plugins) -> None:
    """Leave a note, where the user's cache folder can be written and no plugin is about to be mended."""
    if any(row.status in ("broken", "incompatible") for row in installed.rows):
        return
    files = installed.module_files()
    text = json.dumps({"files": files, "state": _state(files), "commands": commands})
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()


def _state(files: list[str]) -> list[Any]:
    """All that decides which commands there are; equal where nothing has changed."""
    places = [__file__, *sys.path, *files]
    return [[sys.prefix, *map(os.environ.get, VARIABLES)], [[place, _changed(place)] for place in places]]


def _changed(place: str) -> int:
    """When a file or folder was last changed, in nanoseconds; 0 where there is none."""
    try:
        return os.stat(place or ".").st_mtime_ns  # noqa: PTH116  # a Path for each would cost as much as the rest
    except OSError:
        return 0
