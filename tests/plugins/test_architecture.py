"""Who may import whom, and what is documented."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtl_seismic
import mtlcore
from mtlcore.plugin import hookspecs

ROOT = Path(__file__).parents[2]


def sources(package: object) -> list[Path]:
    return sorted(Path(package.__path__[0]).rglob("*.py"))  # type: ignore[attr-defined]


def imports(path: Path) -> Iterator[str]:
    """Every module and every module.name that a file imports, wherever in it; relative ones with their dots."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sources(mtlcore), ids=str)
def test_the_core_knows_no_plugin_and_no_terminal(path: Path) -> None:
    forbidden = {"mtl_seismic", "mtl_cli", "click", "rich"}
    assert not forbidden & {name.split(".")[0] for name in imports(path)}


def test_built_in_plugins_use_only_the_public_core() -> None:
    for path in sources(mtl_seismic):
        private = [
            name
            for name in imports(path)
            if name.startswith("mtlcore.") and any(part.startswith("_") for part in name.split("."))
        ]
        assert not [name for name in private if name != "mtlcore.__version__"], path
        terminal = {"mtl_cli", "click", "rich"} & {name.split(".")[0] for name in imports(path)}
        assert not terminal or path.name == "command.py", path


def hooks() -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(inspect.signature(function).parameters)
        for name, function in vars(hookspecs).items()
        if hasattr(function, "mtl_spec")
    }


def test_every_hook_is_documented_with_its_exact_arguments() -> None:
    """README.md has one line for each: - `step_finished(stage, step, total, values)`: ..."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^- `(\w+)\(([\w, ]*)\)`: \S", readme, flags=re.MULTILINE)
    documented = {name: tuple(re.split(r", *", arguments)) for name, arguments in found}
    assert {name: arguments for name, arguments in documented.items() if name in hooks()} == hooks()
    # What looks like a hook but is none is a slip of the pen or a hook that has gone.
    assert not [n for n in documented if n.startswith(("register_", "stage_", "step_")) and n not in hooks()]


def test_the_folders_of_the_built_in_plugins_form_no_circle() -> None:
    """No folder imports another that imports it, directly or through others, wherever in a file it does so."""
    root = Path(mtl_seismic.__path__[0])
    arrows: dict[str, set[str]] = {}
    for path in sources(mtl_seismic):
        folder = path.relative_to(root).parts[0]
        others = {name.split(".")[1] for name in imports(path) if name.startswith("mtl_seismic.")}
        arrows.setdefault(folder, set()).update(others - {folder})
    while leaves := {folder for folder in arrows if not arrows[folder] & arrows.keys()}:
        arrows = {folder: others for folder, others in arrows.items() if folder not in leaves}
    assert not arrows
