"""What tests of several folders share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

import mtl_cli
import mtl_seismic
import mtlcore

# How long an example takes says more about a shared machine than about the code.
settings.register_profile("mtlcore", deadline=None)
settings.load_profile("mtlcore")

RunMtl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_mtl() -> RunMtl:
    """Run ``mtl`` in a process of its own: run_mtl("plugins", path=[folder], MTL_PLUGIN_AUTOLOAD="0").

    It finds the packages under test, installed or not, and the folders of ``path``.
    """

    def run(*arguments: str, path: tuple[Path, ...] = (), **variables: str) -> subprocess.CompletedProcess[str]:
        roots = [str(Path(package.__path__[0]).parent) for package in (mtlcore, mtl_seismic, mtl_cli)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MTL_")}
        environment = kept | {"PYTHONPATH": os.pathsep.join([*map(str, path), *roots])} | variables
        command = [sys.executable, "-m", "mtl_cli.main", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run
