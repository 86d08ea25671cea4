"""Finding and loading plugins, each one guarded: a broken plugin is a row in a table, never a crash."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

import pluggy

from mtlcore.errors import MtlError, suggestion
from mtlcore.plugin import hookspecs
from mtlcore.plugin.interfaces import API_VERSION, Backbone, Command, Format, PackagedModel, Source, Stage, Task
from mtlcore.plugin.outputs import Output
from mtlcore.plugin.registry import Registry

GROUP = "mtl"
KINDS: dict[str, type[Any]] = {
    "task": Task,
    "backbone": Backbone,
    "format": Format,
    "stage": Stage,
    "source": Source,
    "model": PackagedModel,
    "command": Command,
}
INSTANCES = (PackagedModel, Command)
"""Kinds of which plugins register objects, not classes."""


@dataclass(frozen=True)
class PluginRow:
    """What became of one plugin."""

    name: str
    status: str
    """ok, disabled, broken or incompatible"""
    distribution: str
    version: str
    error: str = ""
    provides: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The plugin's full name: entry points of several distributions may share the short one."""
        return f"{self.name} ({self.distribution} {self.version})".replace(" )", ")")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Plugins:
    """The registries, filled by the installed plugins.

    ``installed``: the distributions to search (default: all on the path). ``environ`` may hold
    MTL_DISABLE_PLUGINS (names of plugins or distributions, comma-separated) and MTL_PLUGIN_AUTOLOAD=0
    (load none).
    """

    def __init__(
        self,
        installed: Iterable[Distribution] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.registries: dict[str, Registry[Any]] = {
            kind: Registry(kind, base, instances=base in INSTANCES, variants=base is PackagedModel)
            for kind, base in KINDS.items()
        }
        self.rows: list[PluginRow] = []
        self._manager = pluggy.PluginManager("mtl")
        self._manager.add_hookspecs(hookspecs)
        for kind, registry in self.registries.items():
            getattr(self._manager.hook, f"register_{kind}s").call_historic(kwargs={"registry": registry})
        self._disabled = {name.strip() for name in environ.get("MTL_DISABLE_PLUGINS", "").split(",")}
        if environ.get("MTL_PLUGIN_AUTOLOAD", "1") != "0":
            for row, point in _entry_points(distributions() if installed is None else installed):
                self.rows.append(self._load(row, point) if point else row)

    @property
    def tasks(self) -> Registry[Any]:
        return self.registries["task"]

    @property
    def outputs(self) -> list[Output]:
        """Those of every task that loads, whichever its plugin."""
        return [output for task in self.tasks.loadable()[0].values() for output in task.outputs]

    @property
    def backbones(self) -> Registry[Any]:
        return self.registries["backbone"]

    @property
    def formats(self) -> Registry[Any]:
        return self.registries["format"]

    @property
    def stages(self) -> Registry[Any]:
        return self.registries["stage"]

    @property
    def sources(self) -> Registry[Any]:
        return self.registries["source"]

    @property
    def models(self) -> Registry[Any]:
        return self.registries["model"]

    @property
    def commands(self) -> Registry[Any]:
        return self.registries["command"]

    def load_command(self, name: str) -> Any:
        """The click command that a plugin registered under a name; MtlError where its code cannot be imported."""
        entry = self.commands.entry(name)
        return replace(entry, target=self.commands[name].target).load()

    def module_files(self) -> list[str]:
        """The source files of the loaded plugins' own modules."""
        found = (getattr(plugin, "__file__", None) for _, plugin in self._manager.list_name_plugin())
        return sorted(path for path in found if path)

    @property
    def hook(self) -> Any:
        """Call ``hook.step_finished(...)`` and the like: every listener hears it, its errors are raised."""
        return self._manager.hook

    def register(self, plugin: object, name: str) -> None:
        """Register a plugin object by hand, whole or not at all; raises what the plugin raises."""
        # Checked before anything of the plugin runs; an error below must not take away an earlier plugin.
        if self._manager.has_plugin(name) or self._manager.is_registered(plugin):
            raise MtlError(f"The plugin {name} is registered already.")
        self._check_hooks(plugin, name)
        for registry in self.registries.values():
            registry.owned_by(name)
        try:
            self._manager.register(plugin, name)
        except BaseException:
            self._manager.unregister(name=name)
            for registry in self.registries.values():
                registry.drop(name)
            raise
        finally:
            for registry in self.registries.values():
                registry.owned_by()

    @contextmanager
    def listening(self, *listeners: object) -> Iterator[None]:
        """Objects with run hooks (stage_started, ...) that listen while the block runs.

        However the block ends, a listener that has a ``close`` method is closed.
        """
        with ExitStack() as stack:
            for listener in listeners:
                if close := getattr(listener, "close", None):
                    stack.callback(close)
            for listener in listeners:
                self._check_hooks(listener, type(listener).__name__)
                stack.callback(self._forget, listener)
                self._manager.register(listener)
            yield

    def _forget(self, listener: object) -> None:
        if self._manager.is_registered(listener):
            self._manager.unregister(listener)

    def _check_hooks(self, plugin: object, name: str) -> None:
        """Refuse what pluggy would take in silence: a hook nobody calls, and a plugin without any hook."""
        marked = {
            attribute: options
            for attribute in dir(plugin)
            if (options := self._manager.parse_hookimpl_opts(plugin, attribute)) is not None
        }
        if not marked:
            raise MtlError(f"{name} implements no hook: mark its functions with @mtlcore.hookimpl.")
        known = [hook for hook in vars(self._manager.hook) if not hook.startswith("_")]
        for attribute, options in marked.items():
            hook = options.get("specname") or attribute
            if hook not in known and not options.get("optionalhook"):
                raise MtlError(f"Unknown hook '{hook}'. {suggestion(hook, known)}Hooks: {', '.join(known)}.")

    def clashes(self) -> list[dict[str, Any]]:
        """The names that several plugins claim: kind, name, plugins, and the message that using one gives."""
        return [
            {"kind": kind, "name": name, "plugins": list(owners), "error": registry.clash_message(name)}
            for kind, registry in self.registries.items()
            for name, owners in registry.clashes().items()
        ]

    def check(self) -> list[PluginRow]:
        """The rows again after importing every registered target: broken where that fails."""
        return [self._check(row) for row in self.rows]

    def _check(self, row: PluginRow) -> PluginRow:
        errors = []
        for registry in self.registries.values():
            for entry in registry.entries():
                if entry.plugin == row.owner:
                    try:
                        loaded = registry.load(entry)
                        if isinstance(loaded, Command):
                            replace(entry, target=loaded.target).load()
                    except MtlError as error:
                        errors.append(str(error))
        return replace(row, status="broken", error=" ".join(errors)) if errors else row

    def _load(self, row: PluginRow, point: EntryPoint) -> PluginRow:
        if not self._disabled.isdisjoint({row.name, row.distribution}):
            return replace(row, status="disabled")
        try:
            plugin = point.load()
            wanted = getattr(plugin, "mtl_api_version", API_VERSION)
            if wanted > API_VERSION:
                reason = f"needs plugin interface {wanted}, this mtlcore has {API_VERSION}: upgrade mtlcore"
                return replace(row, status="incompatible", error=reason)
            if wanted < API_VERSION:
                reason = f"was written for plugin interface {wanted}, this mtlcore has {API_VERSION}: update the plugin"
                return replace(row, status="incompatible", error=reason)
            self.register(plugin, row.owner)
        except (Exception, SystemExit) as error:
            return replace(row, status="broken", error=_one_line(error))
        provides = (
            f"{kind} {entry.name}"
            for kind, registry in self.registries.items()
            for entry in registry.entries()
            if entry.plugin == row.owner
        )
        return replace(row, provides=tuple(dict.fromkeys(provides)))


def _entry_points(installed: Iterable[Distribution]) -> list[tuple[PluginRow, EntryPoint | None]]:
    """Every entry point of the group with its row; no entry point where the metadata is unreadable.

    A distribution that is found twice on the path counts once. Built-ins come first.
    """
    seen: set[str] = set()
    found: list[tuple[PluginRow, EntryPoint | None]] = []
    for distribution in filter(_may_have_plugins, installed):
        name = "unknown"
        try:
            name = distribution.metadata["Name"] or name
            normalised = re.sub(r"[-_.]+", "-", name).lower()
            if normalised in seen:
                continue
            seen.add(normalised)
            version = distribution.version or ""
            points = [point for point in distribution.entry_points if point.group == GROUP]
        except Exception as error:
            reason = f"unreadable metadata: {_one_line(error)}"
            found.append((PluginRow("?", "broken", name, "", reason), None))
        else:
            found += [(PluginRow(point.name, "ok", name, version), point) for point in points]
    return sorted(found, key=lambda pair: (pair[0].distribution != "mtlcore", pair[0].distribution, pair[0].name))


def _may_have_plugins(distribution: Distribution) -> bool:
    """Whether the group is in a distribution's entry points: parsing everyone's metadata would take long."""
    try:
        return f"[{GROUP}]" in (distribution.read_text("entry_points.txt") or "")
    except (OSError, UnicodeDecodeError):
        return False


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, MtlError) else f"{type(error).__name__}: {text}".removesuffix(": ")


@cache
def current() -> Plugins:
    """The plugins of this process, loaded at the first call."""
    return Plugins()


def listener(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method of a run listener."""
    return hookspecs.hookimpl(function)
