"""What tests of several folders share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

import mtl_cli
import mtl_seismic
import mtlcore
from mtl_cli import plugin_commands

# How long an example takes says more about a shared machine than about the code.
settings.register_profile("mtlcore", deadline=None)
settings.load_profile("mtlcore")

if TYPE_CHECKING:
    from mtlcore.model.model import Model

# A shell that starts the tests in the background has Ctrl-C ignored, and so would every process that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests share their machine; this must stand before torch is imported, and processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SMALL = {"name": "unet", "widths": (4, 6), "dilations": (1,), "features": 4}
"""A backbone whose halo is 28 samples and whose stride is 4."""

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
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)

    return run


@pytest.fixture(autouse=True)
def no_note_of_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests leave the user's cache folder alone; processes that they start use it, as they should."""
    monkeypatch.setattr(plugin_commands, "note_path", lambda: tmp_path / "cache" / "commands.json")


@pytest.fixture
def make_model() -> Callable[..., Model]:
    """Make a tiny model with the weights and statistics of no training: make_model(ndim, tasks, stage, folder).

    ``tasks``: names, option tables or Task objects. ``stage``: a name or an option table. ``folder``: where to save it.
    """

    def make(
        ndim: int = 2,
        tasks: tuple[Any, ...] = ("dhr", "rgt", "fault"),
        stage: str | dict[str, Any] = "mti",
        folder: Path | None = None,
        seed: int = 0,
        backbone: dict[str, Any] = SMALL,
        **other: Any,
    ) -> Model:
        import torch

        from mtlcore.model.checkpoint import save_model
        from mtlcore.model.model import Model, Parts, build_part, describe
        from mtlcore.model.net import MultiTaskNet
        from mtlcore.plugin.plugins import current

        def task(given: Any) -> Any:
            table = {"name": given} if isinstance(given, str) else given
            return build_part("task", table, current()) if isinstance(table, dict) else table

        parts = Parts(
            build_part("stage", {"name": stage} if isinstance(stage, str) else stage, current()),
            build_part("backbone", backbone, current()),
            tuple(task(given) for given in tasks),
        )
        torch.manual_seed(seed)
        config = describe(parts, ndim, **other)
        given = [task for task in parts.tasks if task.name in config.predicted_tasks]
        model = Model(config, parts, MultiTaskNet(parts.backbone, given, config.inputs, ndim).eval())
        randomise_statistics(model.net)
        if folder is not None:
            save_model(model, folder)
            model.folder = folder
        return model

    return make


def randomise_statistics(net: Any) -> None:
    """As after some training, so that a test sees whether they are used."""
    for name, values in net.state_dict().items():
        if name.endswith(".mean"):
            values.normal_(0, 0.3)
        elif name.endswith(".variance"):
            values.uniform_(0.5, 2)


@pytest.fixture
def make_image() -> Callable[..., Any]:
    """White noise of a shape, float32."""

    def make(shape: tuple[int, ...], seed: int = 0) -> Any:
        return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)

    return make


@pytest.fixture
def infer() -> Callable[..., dict[str, Any]]:
    """A function from a model and an image that is normalised already to the outputs of tasks, tile by tile."""

    def whole_traces(values: Any, lateral: Any) -> Any:
        return values[(slice(None), *lateral)]

    def infer(model: Any, image: Any, fields: Any, tasks: Any, options: Any) -> dict[str, Any]:
        from mtlcore.inference.infer import Reader, infer_column
        from mtlcore.inference.layout import cut

        reads = {
            name: lambda lateral, values=values: values[(slice(None), *lateral)] for name, values in fields.items()
        }
        reader = Reader(partial(whole_traces, image), reads)
        (tiling,) = cut([model], image.shape, options, 10**10)
        found: dict[str, Any] = {}
        for column in tiling.columns:
            for name, values in infer_column(model, tiling, column, reader, tasks, options).outputs.items():
                found.setdefault(name, np.zeros(image.shape, np.float32))[column.core] = values
        return found

    return infer
