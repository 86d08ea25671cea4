"""What the wheel holds."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"mtlcore": "mtlcore", "mtl_seismic": "plugins/mtl_seismic", "mtl_cli": "cli/mtl_cli"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages folder with the wheel in it."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def info_of(folder: Path) -> Path:
    (info,) = folder.glob("*.dist-info")
    return info


def test_it_claims_our_packages_and_nothing_else(names: set[str]) -> None:
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)
    assert not [name for name in names if "test" in name.split("/")[-2] or "__pycache__" in name]


def test_it_holds_every_module(names: set[str]) -> None:
    for package, folder in PACKAGES.items():
        source = ROOT / folder
        assert f"{package}/py.typed" in names
        assert f"{package}/__init__.py" in names
        expected = {f"{package}/{path.relative_to(source).as_posix()}" for path in source.rglob("*.py")}
        assert expected <= names


def test_its_metadata(installed: Path) -> None:
    info = info_of(installed)
    metadata = Parser().parsestr((info / "METADATA").read_text(encoding="utf-8"))
    assert metadata["Name"] == "mtlcore"
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"
    assert (info / "licenses" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    needed = {line.split(">")[0] for line in metadata.get_all("Requires-Dist") if "extra ==" not in line}
    assert needed == {"torch", "pluggy", "click", "numpy", "rich", "safetensors"}


def test_its_entry_points_are_in_it(installed: Path) -> None:
    points = configparser.ConfigParser()
    points.read(info_of(installed) / "entry_points.txt", encoding="utf-8")
    assert dict(points["console_scripts"]) == {"mtl": "mtl_cli.main:main"}
    modules = [installed.joinpath(*module.split(".")) for module in points["mtl"].values()]
    missing = [path for path in modules if not path.with_suffix(".py").exists() and not (path / "__init__.py").exists()]
    assert not missing


def run_python(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with the wheel's modules, not the work tree's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MTL_")}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment | {"PYTHONPATH": str(installed)},
        cwd=installed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_built_in_plugin_works_from_it(installed: Path) -> None:
    result = run_python(installed, "-m", "mtl_cli.main", "plugins", "--json", "--check")
    rows = [row for row in json.loads(result.stdout)["plugins"] if row["distribution"] == "mtlcore"]
    assert rows
    assert [(row["name"], row["error"]) for row in rows if row["status"] != "ok"] == []
    assert json.loads(result.stdout)["clashes"] == []


def test_listing_the_built_ins_imports_no_torch(installed: Path) -> None:
    code = "import sys; from mtlcore.plugin.plugins import current; current(); sys.exit('torch' in sys.modules)"
    assert run_python(installed, "-c", code).returncode == 0
