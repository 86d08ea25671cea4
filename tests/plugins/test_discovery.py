"""Finding, loading, refusing and switching off plugins."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtlcore.errors import MtlError
from mtlcore.model.checkpoint import find_model
from mtlcore.plugin.hookspecs import hookimpl
from mtlcore.plugin.plugins import PluginRow, Plugins

HEAD = "from mtlcore import MtlError, Task, hookimpl\n"
GOOD = (
    HEAD
    + """
@hookimpl
def register_tasks(registry):
    registry.add("nowhere:Good", name="good")
"""
)

# Distribution and plugin name: the plugin's module, and what its row says of it.
BROKEN = {
    "missing-import": ("import no_such_module_anywhere", "broken", "ModuleNotFoundError"),
    "syntax-error": ("def register_tasks(registry:", "broken", "SyntaxError"),
    "exits": ("import sys\nsys.exit('leaving')", "broken", "SystemExit: leaving"),
    "wrong-argument": (HEAD + "@hookimpl\ndef register_tasks(registr): ...", "broken", "'registr'"),
    "misspelt": (
        HEAD + "@hookimpl\ndef regsiter_tasks(registry): ...",
        "broken",
        "Unknown hook 'regsiter_tasks'. Did you mean 'register_tasks'?",
    ),
    "half-way": (
        HEAD
        + """
@hookimpl
def register_tasks(registry):
    registry.add("nowhere:Half", name="half")
    registry.add("nowhere:Half", name="good")
    raise RuntimeError("in the middle")

@hookimpl
def register_backbones(registry):
    registry.add("nowhere:Half", name="half")
""",
        "broken",
        "RuntimeError: in the middle",
    ),
    "too-old": ("mtl_api_version = 1\n" + GOOD, "incompatible", "was written for plugin interface 1"),
    "too-new": ("mtl_api_version = 99\n" + GOOD, "incompatible", "needs plugin interface 99"),
    "clashing": (GOOD.replace("good", "taken"), "ok", ""),
}
OTHER_OF_CLASH = GOOD.replace("good", "taken")


def rows(plugins: Plugins) -> dict[str, PluginRow]:
    return {row.name: row for row in plugins.rows}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_a_row_and_the_others_work(site: Any, kind: str) -> None:
    source, status, error = BROKEN[kind]
    site.install(kind, source, version="2.3")
    site.install("good", GOOD)
    if kind == "clashing":
        site.install("zz-other", OTHER_OF_CLASH)
    plugins = site.load()
    row = rows(plugins)[kind]
    assert (row.status, row.distribution, row.version) == (status, kind, "2.3")
    assert error in row.error
    assert "\n" not in row.error
    assert rows(plugins)["good"] == PluginRow("good", "ok", "good", "1.0", "", ("task good",))
    assert plugins.tasks.entry("good").plugin == "good (good 1.0)"
    assert list(plugins.tasks) == (["good", "taken"] if kind == "clashing" else ["good"])
    assert list(plugins.backbones) == []


def test_all_broken_at_once_on_the_command_line(site: Any, run_mtl: Callable[..., Any]) -> None:
    for kind, (source, _, _) in BROKEN.items():
        site.install(kind, source)
    site.install("good", GOOD)
    site.install("zz-other", OTHER_OF_CLASH)
    variables = {"path": (site.folder,), "MTL_DISABLE_PLUGINS": "mtlcore"}
    assert run_mtl("--help", **variables).returncode == 0
    table = run_mtl("plugins", **variables)
    assert table.returncode == 0, table.stderr
    assert (
        "Clash: The task 'taken' is registered by clashing (clashing 1.0) and zz-other (zz-other 1.0)" in table.stdout
    )
    document = run_mtl("plugins", "--json", **variables)
    assert document.returncode == 0
    found = {row["name"]: row["status"] for row in json.loads(document.stdout)["plugins"]}
    expected = {kind: status for kind, (_, status, _) in BROKEN.items()} | {"good": "ok", "zz-other": "ok"}
    assert {name: status for name, status in found.items() if status != "disabled"} == expected
    assert json.loads(document.stdout)["clashes"][0]["name"] == "taken"
    check = run_mtl("plugins", "--check", **variables)
    assert check.returncode == 1
    assert "Traceback" not in table.stderr + document.stderr + check.stderr


def test_json_keys_are_stable(site: Any, run_mtl: Callable[..., Any]) -> None:
    site.install("good", GOOD)
    result = run_mtl("plugins", "--json", path=(site.folder,), MTL_DISABLE_PLUGINS="mtlcore")
    document = json.loads(result.stdout)
    assert list(document) == ["api_version", "plugins", "clashes"]
    assert [row for row in document["plugins"] if row["distribution"] == "good"] == [
        {
            "name": "good",
            "status": "ok",
            "distribution": "good",
            "version": "1.0",
            "error": "",
            "provides": ["task good"],
        }
    ]


def test_check_passes_when_every_target_loads(site: Any, run_mtl: Callable[..., Any]) -> None:
    site.install(
        "fine", HEAD + "@hookimpl\ndef register_formats(registry):\n    registry.add('throwaway_f:F', name='f')\n"
    )
    site.write(
        "throwaway_f",
        "from mtlcore import Format\nclass F(Format):\n    def open(self, path): ...\n    def create(self, *a): ...\n",
    )
    result = run_mtl("plugins", "--check", path=(site.folder,), MTL_DISABLE_PLUGINS="mtlcore")
    assert result.returncode == 0, result.stdout + result.stderr


def test_check_imports_every_target_and_names_each_that_fails(site: Any) -> None:
    module = site.install(
        "two",
        HEAD
        + """
class Unfinished(Task):
    name = "unfinished"

@hookimpl
def register_tasks(registry):
    registry.add(Unfinished)
    registry.add("no_such_module_anywhere:Task", name="gone")
""",
    )
    site.install("exits-late", GOOD.replace("nowhere", "throwaway_leaves"))
    site.write("throwaway_leaves", "raise SystemExit(3)")
    plugins = site.load()
    assert [row.status for row in plugins.rows] == ["ok", "ok"]
    late, two = plugins.check()
    assert (late.status, two.status) == ("broken", "broken")
    assert "SystemExit: 3" in late.error
    assert "'gone'" in two.error
    assert "Unfinished lacks head, loss, metrics" in two.error
    assert two.provides == ("task gone", "task unfinished")
    assert module in plugins.tasks.entry("unfinished").target.__module__


def test_a_clash_is_an_error_only_when_the_name_is_used(site: Any) -> None:
    site.install("first", GOOD)
    site.install("second", GOOD, version="0.2")
    plugins = site.load()
    assert "good" in plugins.tasks
    with pytest.raises(MtlError, match=r"'good' is registered by first \(first 1.0\) and second \(second 0.2\)"):
        plugins.tasks["good"]
    assert [clash["plugins"] for clash in plugins.clashes()] == [["first (first 1.0)", "second (second 0.2)"]]


@pytest.mark.parametrize("disabled", ["second", " twin-2 , x", "twin-2"])
def test_disabling_by_plugin_or_distribution(site: Any, disabled: str) -> None:
    site.install("twin-1", GOOD, plugin="first")
    site.install("twin-2", GOOD, plugin="second")
    plugins = site.load(MTL_DISABLE_PLUGINS=disabled)
    assert [row.status for row in plugins.rows] == ["ok", "disabled"]
    assert plugins.tasks.entry("good").plugin == "first (twin-1 1.0)"


def test_a_disabled_plugin_is_not_imported(site: Any) -> None:
    site.install("exits", "raise KeyboardInterrupt")
    assert site.load(MTL_DISABLE_PLUGINS="exits").rows[0].status == "disabled"


def test_no_autoload(site: Any) -> None:
    site.install("good", GOOD)
    plugins = site.load(MTL_PLUGIN_AUTOLOAD="0")
    assert plugins.rows == []
    assert list(plugins.tasks) == []


def test_entry_points_of_one_name_in_two_distributions(site: Any) -> None:
    site.install("twin-1", GOOD, plugin="twin")
    site.install("twin-2", GOOD.replace("good", "better"), plugin="twin")
    plugins = site.load()
    assert [(row.name, row.status, row.distribution) for row in plugins.rows] == [
        ("twin", "ok", "twin-1"),
        ("twin", "ok", "twin-2"),
    ]
    assert list(plugins.tasks) == ["better", "good"]


def test_two_entry_points_of_one_module_or_one_name_keep_the_first(site: Any) -> None:
    site.write("throwaway_one", GOOD)
    site.write("throwaway_two", GOOD.replace("good", "better"))
    site.describe("d", "[mtl]\na = throwaway_one\na = throwaway_two\nb = throwaway_one\n")
    plugins = site.load()
    assert sorted((row.name, row.status) for row in plugins.rows) == [("a", "broken"), ("a", "ok"), ("b", "broken")]
    assert list(plugins.tasks) == ["good"]


def test_a_distribution_found_twice_counts_once(site: Any) -> None:
    site.install("my-plugin", GOOD)
    site.describe("My.Plugin", "[mtl]\nmy-plugin = throwaway_my_plugin\n", "0.9")
    assert len(site.load().rows) == 1


@pytest.mark.parametrize(
    ("entry_points", "error"),
    [("[mtl]\nno equals sign\n", "unreadable metadata"), ("[mtl]\nx = not a module!\n", "Error")],
)
def test_damaged_entry_points(site: Any, entry_points: str, error: str) -> None:
    site.describe("damaged", entry_points)
    site.install("good", GOOD)
    plugins = site.load()
    assert [row.status for row in plugins.rows] == ["broken", "ok"]
    assert error in plugins.rows[0].error


def test_damage_of_others_is_not_our_business(site: Any) -> None:
    site.describe("damaged", "[console_scripts]\nno equals sign\n")
    (site.folder / "damaged-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[other]")
    assert site.load().rows == []


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def register_tasks(registry): ...", "implements no hook"),
        ("mtl_api_version = 'one'\n" + GOOD, "TypeError"),
        (HEAD + "@hookimpl\ndef register_tasks(registry):\n    raise MtlError('pip install segy')", "pip install segy"),
        (GOOD + "    registry.add('nowhere:Good', name='good')\n", "registered twice by odd (odd 1.0)"),
        (GOOD.replace('"good"', '"a,b"'), "may hold only"),
        (GOOD.replace("nowhere:Good", "nowhere"), "expected 'module:Class'"),
    ],
)
def test_other_mistakes(site: Any, source: str, error: str) -> None:
    site.install("odd", source)
    plugins = site.load()
    assert plugins.rows[0].status == "broken"
    assert error in plugins.rows[0].error
    assert list(plugins.tasks) == []


def test_what_the_program_adds_belongs_to_no_plugin(site: Any) -> None:
    site.install("good", GOOD)
    plugins = site.load()
    plugins.tasks.add("nowhere:Mine", name="mine")
    assert plugins.tasks.entry("mine").plugin == "this program"


def test_registering_a_name_again_keeps_the_first() -> None:
    class Extra:
        @hookimpl
        def register_tasks(self, registry: Any) -> None:
            registry.add("nowhere:Extra", name="extra")

    plugins = Plugins(installed=[], environ={})
    plugins.register(Extra(), "extra")
    with pytest.raises(MtlError, match="registered already"):
        plugins.register(Extra(), "extra")
    assert "extra" in plugins.tasks


class Recorder:
    """A listener that keeps what it hears."""

    def __init__(self, fails: bool = False) -> None:
        self.heard: list[int] = []
        self.fails = fails
        self.closed = 0

    @hookimpl
    def step_finished(self, step: int) -> None:
        if self.fails:
            raise OSError("disk full")
        self.heard.append(step)

    def close(self) -> None:
        self.closed += 1


def finish_step(plugins: Plugins, step: int) -> None:
    plugins.hook.step_finished(stage="mti", step=step, total=3, values={})


def test_listeners_hear_while_the_block_runs() -> None:
    plugins, recorder = Plugins(installed=[], environ={}), Recorder()
    finish_step(plugins, 1)
    with plugins.listening(recorder):
        finish_step(plugins, 2)
    finish_step(plugins, 3)
    assert recorder.heard == [2]
    assert recorder.closed == 1


def test_a_failing_listener_is_heard_and_all_are_closed() -> None:
    plugins, recorder, failing = Plugins(installed=[], environ={}), Recorder(), Recorder(fails=True)
    with pytest.raises(OSError, match="disk full"), plugins.listening(recorder, failing):
        finish_step(plugins, 1)
    assert (recorder.closed, failing.closed) == (1, 1)
    finish_step(plugins, 2)  # nobody listens any more


def test_a_listener_of_wrong_hooks_is_refused_and_leaves_none_behind() -> None:
    class Misspelt:
        @hookimpl
        def step_finnished(self, step: int) -> None: ...

    plugins, recorder = Plugins(installed=[], environ={}), Recorder()
    with (
        pytest.raises(MtlError, match="Did you mean 'step_finished'"),
        plugins.listening(recorder, Misspelt()),
    ):
        pass
    finish_step(plugins, 1)
    assert recorder.heard == []
    assert recorder.closed == 1


LATE = (
    HEAD
    + """
@hookimpl
def register_tasks(registry):
    registry.add("no_such_module_anywhere:T", name="late")

@hookimpl
def register_formats(registry):
    registry.add("no_such_module_anywhere:F", name="late")

@hookimpl
def register_models(registry):
    registry.add("no_such_module_anywhere:M", name="late")
"""
)


def test_what_fails_only_when_it_is_used_stops_nothing_else(
    site_apart: Any, tmp_path: Path, run_mtl: Callable[..., Any], make_model: Any, make_image: Any
) -> None:
    site_apart.install("late", LATE)
    data = tmp_path / "data"
    for folder in (data / "train", data / "valid"):
        folder.mkdir(parents=True)
        image = make_image((24, 20))
        np.savez(folder / "0.npz", image=image, dhr=image)
    (data / "dataset.json").write_text('{"layout": "npz"}')
    make_model(tasks=("dhr",), folder=tmp_path / "model")
    for command in (
        ("evaluate", "--model", "model", "--data", "data"),
        ("inspect", "data"),
        ("run", "--input", "data/valid/0.npz", "--model", "model", "--output", "out", "--no-pictures"),
        ("models",),
    ):
        arguments = [str(tmp_path / text) if (tmp_path / text).exists() or text == "out" else text for text in command]
        result = run_mtl(*arguments, path=(site_apart.folder,))
        assert result.returncode == 0, (command, result.stderr)
    refused = run_mtl("run", "--tasks", "late", path=(site_apart.folder,))
    assert refused.returncode == 1
    assert "has no task 'late'" in refused.stderr


def test_two_plugins_with_models_of_one_name_clash(site: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        site.install(
            name,
            f"""
from pathlib import Path
from mtlcore import PackagedModel, hookimpl

@hookimpl
def register_models(registry):
    registry.add(PackagedModel("ours", "mti", 2, Path({name!r})))
""",
        )
    with pytest.raises(MtlError, match=r"The model 'ours' is registered by one \(one 1.0\) and two \(two 1.0\)"):
        find_model("ours", "mti", 2, site.load())
