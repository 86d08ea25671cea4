"""Registries: names to classes, loaded only when used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from mtlcore.errors import MtlError, UnknownNameError

T = TypeVar("T")

PROGRAM = "this program"
"""The owner of what is added by hand and not by a plugin."""


@dataclass(frozen=True)
class Entry:
    """One registered name: the target (an object, or "module:attribute") and who registered it."""

    name: str
    target: Any
    plugin: str

    def load(self) -> Any:
        """The object itself; importing it may fail in the plugin's code, which is said as such."""
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (Exception, SystemExit) as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise MtlError(
                f"'{self.name}' of plugin {self.plugin} cannot be loaded from {self.target}: {reason}. "
                "Update or uninstall that plugin."
            ) from error


class Registry(Mapping[str, T], Generic[T]):
    """Names to classes of one kind ("task", ...).

    Listing and ``in`` import nothing; ``registry[name]`` imports the target and checks that it is a
    finished subclass of ``base`` (``instances``: an instance of it). With ``variants`` one plugin may add
    several under one name. Two plugins may claim one name: using it is then an error that names both, and everything
    else goes on working.
    """

    def __init__(self, kind: str, base: type[Any] = object, instances: bool = False, variants: bool = False) -> None:
        self.kind = kind
        self._base = base
        self._instances = instances
        self._variants = variants
        self._entries: dict[str, list[Entry]] = {}
        self._defaults: list[str] = []
        self._plugin = PROGRAM

    def add(self, target: type[T] | T | str, name: str | None = None, *, default: bool = False) -> None:
        """Register a class under its own ``name``, or "module:Class" under the name that is given.

        ``default``: it is used where the user names none; of several defaults the first counts.
        """
        key = name or getattr(target, "name", None)
        if not isinstance(key, str) or not key:
            raise MtlError(
                f"A {self.kind} is registered without a name: {target!r}. "
                'Give the class a name = "...", or say registry.add("module:Class", name="...").'
            )
        # Names stand in comma-separated lists, in source:location, in settings (a.b=1) and in file names.
        if not re.fullmatch(r"\w[\w-]*", key):
            raise MtlError(f"The {self.kind} name '{key}' may hold only letters, digits, '_' and '-'.")
        if isinstance(target, str) and not all(target.partition(":")):
            raise MtlError(f"The {self.kind} '{key}' is registered as '{target}': expected 'module:Class'.")
        entries = self._entries.get(key, [])
        if not self._variants and any(entry.plugin == self._plugin for entry in entries):
            raise MtlError(f"The {self.kind} '{key}' is registered twice by {self._plugin}.")
        self._entries[key] = [*entries, Entry(key, target, self._plugin)]
        if default:
            self._defaults.append(key)

    @property
    def default(self) -> str:
        """The name to use where the user gives none; MtlError where no plugin that is loaded offers one."""
        for name in self._defaults:
            if name in self:
                return name
        raise MtlError(f"No {self.kind} was named, and no plugin registers a default: name one of {', '.join(self)}.")

    def __getitem__(self, name: str) -> Any:
        return self.load(self.entry(name))

    def load(self, entry: Entry) -> Any:
        """An entry's object, checked to be of this registry's kind."""
        found = entry.load()
        wanted = f"'{entry.name}' of plugin {entry.plugin} is {found!r}: expected"
        if self._instances:
            if not isinstance(found, self._base):
                raise MtlError(f"{wanted} a {self._base.__name__}.")
        elif not (isinstance(found, type) and issubclass(found, self._base)):
            raise MtlError(f"{wanted} a subclass of {self._base.__name__}.")
        elif lacking := sorted(getattr(found, "__abstractmethods__", ())):
            raise MtlError(
                f"The {self.kind} '{entry.name}' of plugin {entry.plugin} is not finished: "
                f"{found.__name__} lacks {', '.join(lacking)}."
            )
        return found

    def loadable(self) -> tuple[dict[str, Any], list[str]]:
        """What loads, by name, and the names of what does not: for uses that a broken plugin must not stop."""
        loaded: dict[str, Any] = {}
        broken: list[str] = []
        for name in self:
            try:
                loaded[name] = self[name]
            except MtlError:
                broken.append(name)
        return loaded, broken

    def entry(self, name: str) -> Entry:
        """The one entry of this name, not loaded; the first one where a name may have variants."""
        return self.entries_of(name)[0]

    def entries_of(self, name: str) -> list[Entry]:
        """Every variant of this name, not loaded: at least one, and all of one plugin."""
        entries = self._entries.get(name, [])
        if not entries:
            raise UnknownNameError(self.kind, name, self)
        if name in self.clashes():
            raise MtlError(self.clash_message(name))
        return entries

    def clashes(self) -> dict[str, tuple[str, ...]]:
        """The names that several plugins claim, with those plugins."""
        owners = {name: tuple(dict.fromkeys(e.plugin for e in self._entries[name])) for name in self}
        return {name: plugins for name, plugins in owners.items() if len(plugins) > 1}

    def clash_message(self, name: str) -> str:
        """What to tell the user about a name that several plugins claim."""
        return (
            f"The {self.kind} '{name}' is registered by {' and '.join(self.clashes()[name])}. "
            "Uninstall one, or switch it off: MTL_DISABLE_PLUGINS=plugin or distribution."
        )

    def __contains__(self, name: object) -> bool:
        # Mapping's own would load the target to find out.
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    # Mapping's own equality would load every target of both.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def entries(self) -> list[Entry]:
        """Every entry in order of name, clashing ones included."""
        return [entry for name in self for entry in self._entries[name]]

    def owned_by(self, plugin: str = PROGRAM) -> None:
        """Entries added from now on belong to this plugin."""
        self._plugin = plugin

    def drop(self, plugin: str) -> None:
        """Forget what a plugin has added: a plugin counts whole or not at all."""
        kept = {name: [entry for entry in entries if entry.plugin != plugin] for name, entries in self._entries.items()}
        self._entries = {name: entries for name, entries in kept.items() if entries}
