"""Parameter types that commands share: names of registered things, shapes, factors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from mtlcore.plugin.registry import Registry


class Name(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic since click 8.4
    """The name of something that a plugin provides ("task", "backbone", ...); nothing of it is imported.

    ``many``: a comma-separated list, converted to a tuple of different names. ``or_path``: an existing path
    is taken as it is, a name or not.
    """

    def __init__(self, kind: str, many: bool = False, or_path: bool = False) -> None:
        self.name = f"{kind}s" if many else kind
        self.kind = kind
        self.many = many
        self.or_path = or_path

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        if not self.many:
            self._check(value)
            return value
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        if not names:
            self.fail(f"name at least one {self.kind}.", param, ctx)
        for name in names:
            if names.count(name) > 1:
                self.fail(f"'{name}' is named twice.", param, ctx)
            self._check(name)
        return names

    def _check(self, name: str) -> None:
        """Raise what using the name would raise: it is unknown, or two plugins claim it."""
        if not (self.or_path and Path(name).exists()):
            self._registry().entry(name)

    def _registry(self) -> Registry[Any]:
        from mtlcore.plugin import plugins

        return plugins.current().registries[self.kind]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",") if self.many else ("", "", incomplete)
        taken = before.split(",")
        names = [name for name in self._registry() if name.startswith(last) and name not in taken]
        items = [CompletionItem(before + comma + name) for name in names]
        # The shell itself completes paths.
        return items + ([CompletionItem(incomplete, type="file")] if self.or_path else [])


class ModelName(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A model's folder or packaged name. Not checked here: of one name there may be several, by stage."""

    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from mtlcore.model.checkpoint import packaged_models
        from mtlcore.plugin import plugins

        names = sorted({model.name for model in packaged_models(plugins.current())})
        found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return [*found, CompletionItem(incomplete, type="dir")]


class Shape(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Two or three positive sizes, depth first: 360x256 or 360,256,128; converted to a tuple."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        sizes = re.split(r"\s*[x×,]\s*", str(value).strip().lower())
        if not (2 <= len(sizes) <= 3 and all(re.fullmatch("0*[1-9][0-9]*", size) for size in sizes)):
            self.fail(
                f"'{value}' is not a shape: expected two or three positive sizes, depth first, as 360x256.",
                param,
                ctx,
            )
        return tuple(map(int, sizes))


class Scale(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A factor, one for each axis as in 1,2, or ``auto``, which becomes None."""

    name = "auto|factor|factors"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | tuple[float, ...] | None:
        if value == "auto":
            return None
        parts = value if isinstance(value, list | tuple) else str(value).split(",")
        try:
            factors = tuple(float(part) for part in parts)
        except (TypeError, ValueError):
            self.fail(f"'{value}' is not a factor: expected a number as 0.5, one per axis as 1,2, or auto.", param, ctx)
        return factors[0] if len(factors) == 1 else factors


class Bytes(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """An amount of memory: 4G, 500M, or a number of bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)I?B?\s*", str(value).upper())
        if not found or not float(found[1]):
            self.fail(f"'{value}' is not an amount of memory: expected one as 4G or 500M.", param, ctx)
        return int(float(found[1]) * 1000 ** " KMGT".index(found[2] or " "))
