"""Commands that plugins add: found, run, listed fast, and never able to break ``mtl``."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mtl_cli import main as program
from mtl_cli import plugin_commands
from mtlcore.plugin import plugins

ROCKS = '''
import click
from mtlcore import Command, MtlError, hookimpl

@click.command()
@click.option("--hard", is_flag=True)
def rocks(hard):
    """Count rocks."""
    if hard:
        raise MtlError("Too hard.")
    click.echo("3 rocks")

number = 3

@hookimpl
def register_commands(registry):
    registry.add(Command("rocks", "throwaway_rocks:rocks", "Count rocks."))
    registry.add(Command("gone", "throwaway_rocks:gone", "Is missing."))
    registry.add(Command("number", "throwaway_rocks:number", "Is a number."))
    registry.add(Command("run", "throwaway_rocks:rocks", "Never runs."))
'''


@pytest.fixture
def mtl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run ``mtl`` where a distribution with the commands above is all that is installed."""
    folder = tmp_path / "site"
    info = folder / "rocks-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "throwaway_rocks.py").write_text(ROCKS, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rocks\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[mtl]\nrocks = throwaway_rocks\n", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    installed = plugins.Plugins(installed=distributions(path=[str(folder)]), environ={})
    monkeypatch.setattr(plugins, "current", lambda: installed)
    yield lambda *arguments, **variables: CliRunner().invoke(program.cli, list(arguments), prog_name="mtl", **variables)
    del sys.modules["throwaway_rocks"]


def test_it_runs_as_one_of_the_core(mtl: Callable[..., Result]) -> None:
    assert mtl("rocks").stdout == "3 rocks\n"
    refused = mtl("rocks", env={"MTL_ROCKS_HARD": "1"})
    assert (refused.exit_code, refused.stderr) == (1, "Error: Too hard.\n")
    assert "Did you mean 'rocks'?" in mtl("rock").stderr


def test_help_names_it_and_a_broken_one_stops_nothing_else(mtl: Callable[..., Result]) -> None:
    page = mtl("--help")
    assert page.exit_code == 0
    assert "Commands of plugins:" in page.stdout and "Count rocks." in page.stdout
    assert "Never runs." not in page.stdout
    broken = mtl("gone")
    assert broken.exit_code == 1
    assert broken.stderr.startswith("Error: 'gone' of plugin rocks (rocks 1.0) cannot be loaded")
    assert "'number' of plugin rocks (rocks 1.0) is 3: expected a click command." in mtl("number").stderr
    check = mtl("plugins", "--check")
    assert check.exit_code == 1 and "'gone'" in check.stdout
    assert "Clash: the command 'run' of plugin rocks (rocks 1.0)" in check.stdout
    assert "Infer fields from a seismic image" in " ".join(mtl("run", "--help").stdout.split())


def test_a_new_or_changed_plugin_is_listed_at_once(
    mtl: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = plugin_commands.listing()
    assert first.keys() == {"rocks", "gone", "number", "run"}
    asked = []

    def ask() -> plugins.Plugins:
        asked.append(True)
        return plugins.Plugins(installed=[], environ={})

    monkeypatch.setattr(plugins, "current", ask)
    assert plugin_commands.listing() == first and not asked
    module = tmp_path / "site" / "throwaway_rocks.py"
    os.utime(module, ns=(1, 1))
    assert plugin_commands.listing() == {} and asked


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"files": 3}', '{"files": [], "state": [], "commands": {}}'])
def test_a_damaged_note_is_not_believed(text: str, mtl: Callable[..., Result]) -> None:
    path = plugin_commands.note_path()
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    assert "rocks" in plugin_commands.listing()
    assert "rocks" in json.loads(path.read_text(encoding="utf-8"))["commands"]


LISTED = """
import sys
from mtl_cli.main import cli
try:
    cli(["--help"])
finally:
    heavy = {"torch", "numpy", "rich", "pluggy", "mtlcore", "mtl_seismic", "mtl_cli.commands"}
    print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def test_help_imports_no_command_and_the_second_time_no_plugin(tmp_path: Path) -> None:
    """That is what makes it fast (tests/benchmarks/start.py has the figures)."""
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = dict(os.environ) | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    here = tmp_path / "here"
    here.mkdir()

    def listed() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", LISTED], capture_output=True, text=True, env=environment, cwd=here, check=False
        )

    first, second = listed(), listed()
    assert "Write faults as sticks and surfaces" in first.stdout and first.stdout == second.stdout
    assert not {"torch", "numpy", "rich", "mtl_cli.commands"} & set(re.findall(r"[\w.]+", first.stderr))
    assert second.stderr.strip() == "[]"


def test_what_cannot_be_kept_is_asked_again(mtl: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    path = plugin_commands.note_path()
    path.parent.parent.joinpath("cache").write_text("a file where the folder should be", encoding="utf-8")
    assert "rocks" in plugin_commands.listing() and not path.exists()
    assert isinstance(plugin_commands.listing(), dict)


def everything(name: str) -> Any:
    return plugins.current().commands[name]


@pytest.mark.parametrize("name", ["horizons", "faults", "labels", "package", "report", "view", "synth"])
def test_help_of_each_built_in_one_begins_as_the_list_says(name: str) -> None:
    page = CliRunner().invoke(program.cli, [name, "--help"], prog_name="mtl")
    assert page.exit_code == 0, page.output
    assert everything(name).help in " ".join(page.stdout.split())
