"""The command line's own behaviour: help, errors, exit codes, completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from mtl_cli import main as program
from mtl_cli.parameters import Name, Shape
from mtlcore.errors import MtlError, OptionError, UnknownNameError
from mtlcore.plugin import plugins


def invoke(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(program.cli, list(arguments), prog_name="mtl", **options)


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Result:
    """The result of a command that raises."""

    @click.command()
    def fail() -> None:
        raise error

    module = ModuleType("throwaway_command")
    module.fail = fail  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "throwaway_command", module)
    monkeypatch.setitem(program.COMMANDS, "fail", ("throwaway_command:fail", "Fail."))
    return invoke("fail")


def test_help_names_every_command(run_mtl: Callable[..., Any]) -> None:
    result = run_mtl("--help")
    assert result.returncode == 0
    assert all(name in result.stdout and text in result.stdout for name, (_, text) in program.COMMANDS.items())


def roots() -> dict[str, str]:
    """An environment in which a process finds what this one has imported."""
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_has_help_that_begins_as_the_table_says(name: str) -> None:
    result = invoke(name, "--help")
    assert result.exit_code == 0, result.output
    assert program.COMMANDS[name][1] in " ".join(result.stdout.split())


def test_version() -> None:
    assert invoke("--version").stdout.startswith("mtl 0.")


def test_unknown_command_and_option() -> None:
    result = invoke("plugin")
    assert result.exit_code == 2
    assert "Error: Unknown command 'plugin'. Did you mean 'plugins'?" in result.stderr
    assert invoke("--nothing").exit_code == 2
    assert invoke("plugins", "--nothing").exit_code == 2


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (MtlError("File x does not exist."), 1, "Error: File x does not exist.\n"),
        (OptionError("task x has no option 'y'."), 2, "Error: task x has no option 'y'.\n"),
        (UnknownNameError("task", "a", ["b"]), 2, "Error: Unknown task 'a'. Installed: b.\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (KeyboardInterrupt("Resume with: mtl train --resume r"), 130, "Resume with: mtl train --resume r\n"),
    ],
)
def test_errors_are_one_line(error: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = fails_with(error, monkeypatch)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", line)


def test_other_errors_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    result = fails_with(ZeroDivisionError("a mistake of ours"), monkeypatch)
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.skipif(os.name == "nt", reason="no pipes that break")
@pytest.mark.parametrize("arguments", [["--help"], ["plugins"]])
def test_a_reader_that_leaves_early(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "mtl_cli.main", *arguments]
    process = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, env=roots(), check=False)
    os.close(writing)
    assert process.stderr == ""
    assert process.returncode == 1


def test_options_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "current", lambda: plugins.Plugins(installed=[], environ={}))
    result = invoke("plugins", env={"MTL_PLUGINS_JSON": "1"})
    assert json.loads(result.stdout) == {"api_version": 2, "plugins": [], "clashes": []}
    assert invoke("plugins").stdout == "No plugins.\n"


def test_the_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from mtl_cli.commands.plugins import print_table

    monkeypatch.setenv("COLUMNS", "200")
    row = plugins.PluginRow("salt", "broken", "mtl-salt", "1.0", "ImportError: [odd] brackets")
    print_table([row])
    assert "ImportError: [odd] brackets" in capsys.readouterr().out


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> plugins.Plugins:
    installed = plugins.Plugins(installed=[], environ={})
    for name in ("dhr", "fault", "rgt"):
        installed.tasks.add("no_such_module_anywhere:Task", name=name)
    installed.tasks.owned_by("other")
    installed.tasks.add("no_such_module_anywhere:Task", name="rgt")
    monkeypatch.setattr(plugins, "current", lambda: installed)
    return installed


def command_with(kind: click.ParamType) -> click.Command:
    @click.command()
    @click.option("--value", type=kind)
    def show(value: object) -> None:
        click.echo(repr(value))

    return show


def convert(kind: click.ParamType, text: str) -> Result:
    return CliRunner().invoke(command_with(kind), ["--value", text])


def test_names(registered: plugins.Plugins, tmp_path: Path) -> None:
    assert convert(Name("task"), "dhr").stdout == "'dhr'\n"
    assert convert(Name("task", many=True), "dhr, fault,").stdout == "('dhr', 'fault')\n"
    assert convert(Name("task", or_path=True), str(tmp_path)).stdout == f"'{tmp_path}'\n"
    unknown = convert(Name("task", many=True), "dhr,falt").exception
    assert str(unknown) == "Unknown task 'falt'. Did you mean 'fault'? Installed: dhr, fault, rgt."
    assert isinstance(unknown, UnknownNameError)
    assert "registered by this program and other" in str(convert(Name("task"), "rgt").exception)
    for text, message in [("dhr,dhr", "'dhr' is named twice"), (",", "name at least one task")]:
        refused = convert(Name("task", many=True), text)
        assert refused.exit_code == 2
        assert message in refused.stderr


@pytest.mark.parametrize("text", ["360x256", "360,256", " 360 X 256 ", "360×256"])
def test_shape_in_2d(text: str) -> None:
    assert convert(Shape(), text).stdout == "(360, 256)\n"


def test_shape_in_3d() -> None:
    assert convert(Shape(), "128x064x32").stdout == "(128, 64, 32)\n"


@pytest.mark.parametrize("text", ["360", "1x2x3x4", "0x5", "-1x5", "ax5", "1.5x2", "1_0x2", "x", "", "5x"])
def test_what_is_no_shape(text: str) -> None:
    result = convert(Shape(), text)
    assert result.exit_code == 2
    assert "expected two or three positive sizes, depth first, as 360x256" in result.stderr


def completions(command: click.Command, arguments: list[str], incomplete: str) -> list[str]:
    completer = ShellComplete(command, {}, "mtl", "_MTL_COMPLETE")
    return [item.value for item in completer.get_completions(arguments, incomplete)]


def test_completion(registered: plugins.Plugins) -> None:
    assert completions(command_with(Name("task")), ["--value"], "") == ["dhr", "fault", "rgt"]
    assert completions(command_with(Name("task", many=True)), ["--value"], "dhr,f") == ["dhr,fault"]
    assert completions(command_with(Name("task", many=True)), ["--value"], "dhr,") == ["dhr,fault", "dhr,rgt"]
    assert completions(command_with(Name("task", or_path=True)), ["--value"], "dh") == ["dhr", "dh"]
    assert completions(program.cli, [], "plu") == ["plugins"]
    assert completions(program.cli, ["plugins"], "--ch") == ["--check"]
    assert "no_such_module_anywhere" not in sys.modules
