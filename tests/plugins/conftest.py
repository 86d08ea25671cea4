"""A throw-away site-packages folder, so that no test touches the plugins that are really installed."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

from mtlcore.plugin.plugins import Plugins


class Site:
    """A folder of distributions with plugins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, module: str, source: str) -> None:
        """A module, without a distribution."""
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        importlib.invalidate_caches()

    def install(self, distribution: str, source: str, *, plugin: str | None = None, version: str = "1.0") -> str:
        """A distribution of one module with one entry point; the module's name."""
        module = "throwaway_" + distribution.replace("-", "_")
        self.write(module, source)
        self.describe(distribution, f"[mtl]\n{plugin or distribution} = {module}\n", version)
        return module

    def describe(self, distribution: str, entry_points: str, version: str = "1.0") -> None:
        """A distribution's metadata alone."""
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "entry_points.txt").write_text(entry_points, encoding="utf-8")

    def load(self, **environ: str) -> Plugins:
        """What mtlcore makes of this folder."""
        return Plugins(installed=distributions(path=[str(self.folder)]), environ=environ)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(tmp_path)
    yield Site(tmp_path)
    for name in [name for name in sys.modules if name.startswith("throwaway_")]:
        del sys.modules[name]


@pytest.fixture
def site_apart(tmp_path: Path) -> Site:
    """One that this process does not see: only run_mtl(..., path=(site_apart.folder,)) does."""
    (tmp_path / "apart").mkdir()
    return Site(tmp_path / "apart")
