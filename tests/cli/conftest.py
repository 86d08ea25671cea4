"""Running ``mtl`` in this process, in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mtl_cli.main import cli

Run = Callable[..., Result]


@pytest.fixture
def mtl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``mtl`` with these arguments; keywords are environment variables."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, **variables: str) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], env=variables)

    return run
