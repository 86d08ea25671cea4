"""Configuration: TOML files, ``a.b=value`` settings, and dataclasses built from them, every key checked."""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from mtlcore.errors import MtlError, OptionError, suggestion

T = TypeVar("T")


def build(cls: type[T], options: Mapping[str, Any], where: str) -> T:
    """An instance of a dataclass from plain values; unknown keys and wrong types are refused by name.

    A ValueError of the class itself (``__post_init__``) counts as an unfit option.
    """
    known = {item.name: item for item in fields(cls) if item.init}  # type: ignore[arg-type]
    for key in options:
        if key not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise OptionError(f"{where} has no option '{key}'. {suggestion(key, known)}Options: {listed}.")
    missing = [n for n, f in known.items() if n not in options and f.default is f.default_factory is MISSING]
    if missing:
        raise OptionError(f"{where} needs the option '{missing[0]}'.")
    hints = _hints(cls, where)
    values = {key: _convert(value, hints[key], f"{where}.{key}") for key, value in options.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise OptionError(f"{where}: {error}") from error


def _hints(cls: type[Any], where: str) -> dict[str, Any]:
    """The types of a class's fields."""
    try:
        return get_type_hints(cls)
    except NameError as error:
        raise MtlError(
            f"The options of {where} cannot be read: {error}. "
            f"Module {cls.__module__} must import it outside of TYPE_CHECKING."
        ) from error


def _convert(value: Any, kind: Any, where: str) -> Any:
    """The value as the annotated type, or an OptionError."""
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        return _convert_union(value, kind, where)
    if origin is tuple and isinstance(value, list | tuple):
        return _convert_tuple(value, arguments or (Any, ...), where)
    if origin in (list, Sequence) and isinstance(value, list | tuple):
        return list(_convert_tuple(value, (*(arguments or (Any,)), ...), where))
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        of_values = arguments[1] if arguments else Any
        return {key: _convert(item, of_values, f"{where}.{key}") for key, item in value.items()}
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, Mapping):
        return build(kind, value, where)
    if _fits(value, kind):
        return Path(value) if kind is Path else float(value) if kind is float else value
    raise OptionError(f"{where} is {value!r}: expected {_describe(kind)}.")


def _fits(value: Any, kind: Any) -> bool:
    """Whether a plain value may stand for a plain type. True and False are no numbers here."""
    if get_origin(kind) is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(kind))
    if kind is float:
        # A whole number may be too large for a float.
        return isinstance(value, float) or (type(value) is int and abs(value) < 2**1000)
    if kind is int:
        return type(value) is int
    return isinstance(value, str | Path if kind is Path else kind) if isinstance(kind, type) else False


def _convert_union(value: Any, kind: Any, where: str) -> Any:
    kinds = get_args(kind)
    # The exact type first: of float | int, 1 is the int.
    for member in sorted(kinds, key=lambda member: type(value) is not member):
        if member is NoneType:
            if value is None:
                return None
            continue
        try:
            return _convert(value, member, where)
        except OptionError as error:
            others = [other for other in kinds if other not in (member, NoneType)]
            if not others:
                raise error
    raise OptionError(f"{where} is {value!r}: expected {_describe(kind)}.")


def _convert_tuple(value: Sequence[Any], kinds: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise OptionError(f"{where} has {len(value)} values: expected {len(kinds)}.")
    pairs = zip(value, kinds, strict=True)
    return tuple(_convert(item, kind, f"{where}[{index}]") for index, (item, kind) in enumerate(pairs))


_DESCRIPTIONS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: 'text ("..." where it could be read as something else)',
    Path: "a path",
    NoneType: "nothing",
}


def _describe(kind: Any) -> str:
    """A type in the words of a message."""
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_describe(member) for member in arguments if member is not NoneType)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin in (tuple, list, Sequence):
        return "a list"
    if origin in (dict, Mapping) or is_dataclass(kind):
        return "a table"
    return _DESCRIPTIONS.get(kind) or str(getattr(kind, "__name__", kind))


def read_file(path: Path) -> dict[str, Any]:
    """A TOML configuration file, or the configuration in the record of a run (run.json)."""
    kind = "JSON" if path.suffix == ".json" else "TOML"
    try:
        # Some editors begin a file with a byte order mark, which TOML forbids.
        text = path.read_text(encoding="utf-8-sig")
        values = json.loads(text)["config"] if kind == "JSON" else tomllib.loads(text)
    except FileNotFoundError:
        raise MtlError(f"Configuration file {path} does not exist.") from None
    except (KeyError, TypeError):
        raise MtlError(
            f"Configuration file {path} contains no configuration: expected a run.json of mtl run."
        ) from None
    except (OSError, ValueError) as error:
        raise MtlError(f"Configuration file {path} cannot be read as {kind}: {error}.") from None
    if not isinstance(values, dict):
        raise MtlError(f"Configuration file {path} contains no table of options.")
    return values


def apply_settings(config: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """A copy of a configuration with ``a.b=value`` settings laid over it; values are written as in TOML."""
    result = merge({}, config)
    for setting in settings:
        key, equals, text = setting.partition("=")
        *sections, last = (part.strip() for part in key.split("."))
        if not equals or not all([*sections, last]):
            raise OptionError(f"Setting '{setting}' is not understood: expected key=value or section.key=value.")
        table = result
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise OptionError(f"Setting '{setting}': '{section}' is a value, not a section.")
        value, before = parse_value(text), table.get(last)
        if isinstance(before, dict) and not isinstance(value, dict):
            raise OptionError(f"Setting '{setting}': '{last}' is a section; say {key.strip()}.option=value.")
        table[last] = merge(before, value) if isinstance(before, dict) else value
    return result


def parse_value(text: str) -> Any:
    """A value written as in TOML; anything else is taken as a string, and so are dates: no option is one."""
    text = text.strip()
    try:
        table = tomllib.loads(f"value = {text}")
    except ValueError:
        return text
    # A line break in the text can begin another key.
    if len(table) > 1 or isinstance(table["value"], datetime.date | datetime.time):
        return text
    return table["value"]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Two nested tables in one; where both have a value, the second's counts."""
    result = {key: merge(value, {}) if isinstance(value, dict) else value for key, value in base.items()}
    for key, value in over.items():
        below = result.get(key)
        if isinstance(value, dict):
            result[key] = merge(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = value
    return result
