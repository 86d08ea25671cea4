"""The options of a recipe as a table: what its class says of each of its fields."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from dataclasses import fields
from typing import Any


def option_rows(recipe: type[Any]) -> list[tuple[str, str, str]]:
    """Name, default and meaning (with the unit) of every option of a recipe.

    The meaning is the comment next to the field, in the class that declares it or in one that it is derived from.
    """
    meanings: dict[str, str] = {}
    for part in reversed(recipe.__mro__[:-1]):
        meanings |= _comments(part)
    return [(field.name, _plain(field.default), meanings.get(field.name, "")) for field in fields(recipe)]


def _comments(part: type[Any]) -> dict[str, str]:
    """The comment next to each field that a class declares; fields without one are left out."""
    try:
        source = textwrap.dedent(inspect.getsource(part))
    except OSError:  # a program that is shipped without its sources
        return {}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    by_line = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    (declared,) = ast.parse(source).body
    found = {}
    for line in getattr(declared, "body", []):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            texts = [by_line[number] for number in range(line.lineno, (line.end_lineno or 0) + 1) if number in by_line]
            if texts:
                found[line.target.id] = " ".join(texts)
    return found


def _plain(value: Any) -> str:
    """A default as it is written after --set."""
    if isinstance(value, tuple):
        return "[" + ",".join(_plain(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
