"""A tiny data set, and short runs on it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from mtl_seismic.datasets.reference import write_item
from mtl_seismic.synth.items import generate
from mtl_seismic.synth.recipes import RECIPES
from mtlcore.plugin.plugins import Plugins, current
from mtlcore.training.job import Job
from mtlcore.training.train import train

SHAPE = (48, 48)
BACKBONE = {"name": "unet", "widths": [8, 16], "dilations": [1], "features": 4}
OPTIONS = {
    "epochs": 2,
    "batch_size": 2,
    "crop": [32, 32],
    "warmup_steps": 2,
    "metric_items": 1,
    "pictures": 0,
    "learning_rate": 3e-3,
}
TIMES = ("time", "hours", "seconds_per_step", "waiting_share")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    """Six training items and two for validation in the reference's layout, with refinement inputs."""
    folder = tmp_path_factory.mktemp("data")
    recipe = RECIPES["rgm2d"](shape=SHAPE)
    outputs = [output for name in current().tasks for output in current().tasks[name].outputs]
    for split, count, first in (("train", 6, 0), ("valid", 2, 100)):
        for index in range(count):
            item = generate(recipe, 0, first + index, refinement_inputs=True)
            write_item(folder, split, index, item, outputs)
    (folder / "dataset.json").write_text('{"shape": [48, 48]}')
    return folder


@pytest.fixture
def job(dataset):
    """Make a job: job(stage=..., tasks=..., epochs=3, ...); what is no field of Job is an option of training."""

    def make(**options) -> Job:
        given = {name: options.pop(name) for name in ("stage", "tasks", "augment", "data", "source") if name in options}
        defaults = {"data": str(dataset), "backbone": BACKBONE, "device": "cpu"}
        return Job(**(defaults | given), train=OPTIONS | options)

    return make


@pytest.fixture
def run(job, tmp_path):
    """Train in a new folder and return it."""
    counter = iter(range(100))

    def do(**options) -> Path:
        folder = tmp_path / f"run{next(counter)}"
        train(job(**options), folder, Plugins())
        return folder

    return do


@pytest.fixture
def figures():
    """The epochs of a run as they are logged, without their times."""

    def read(folder: Path) -> list[dict[str, str]]:
        with (folder / "epochs.csv").open() as file:
            rows = list(csv.DictReader(file))
        return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]

    return read


SCRIPT = """
import json, sys, torch
from pathlib import Path
from mtlcore.training.job import Job
from mtlcore.training.train import train

torch.set_num_threads(1)

if __name__ == "__main__":
    try:
        train(Job(**json.loads(sys.argv[1])), Path(sys.argv[2]))
    except KeyboardInterrupt as stop:
        print(stop)
        sys.exit(130)
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT))
    return path


@pytest.fixture
def on_two_processes(script):
    """Train a job on two processes of one core each; fails if they do."""

    def act(job: Job, folder: Path) -> None:
        command = [
            sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1",
            "--master-port", str(free_port()), str(script), json.dumps(asdict(job)), str(folder),
        ]  # fmt: skip
        environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
        process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True)
        try:
            _, errors = process.communicate(timeout=300)
        finally:
            # torchrun's processes would outlive it.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0, errors[-3000:]
        assert "deprecated" not in errors

    return act


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
