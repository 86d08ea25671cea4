"""The example plugin, and the one of README.md word for word, installed by pip as anybody would and used."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mtlcore import Task
from mtlcore.config import build
from mtlcore.errors import OptionError
from mtlcore.plugin.plugins import Plugins

PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")


ROOT = Path(__file__).parents[2]
SHAPE = (48, 40)


def install(project: Path, target: Path) -> Path:
    """A site-packages folder with the project in it."""
    options = ("--no-index", "--no-deps", "--no-build-isolation", "--target", str(target))
    result = subprocess.run([*PIP, *options, str(project)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(Path(__file__).parent, tmp_path_factory.mktemp("site-packages"))


@pytest.fixture(scope="module")
def from_readme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has who copies both files out of the README."""
    text, project = (ROOT / "README.md").read_text(encoding="utf-8"), tmp_path_factory.mktemp("project")
    (described,) = re.findall(r"```toml\n(# pyproject.toml\n.*?)```", text, re.DOTALL)
    (module,) = re.findall(r"```python\n(from dataclasses import dataclass\n.*?)```", text, re.DOTALL)
    # Pip's own default would need setuptools, or a network to fetch it from.
    builder = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    (project / "pyproject.toml").write_text(builder + described, encoding="utf-8")
    (project / "mtl_salt.py").write_text(module, encoding="utf-8")
    return install(project, tmp_path_factory.mktemp("site-packages"))


@pytest.fixture
def salt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Task]]:
    monkeypatch.syspath_prepend(folder)
    yield Plugins(installed=distributions(path=[str(folder)]), environ={}).tasks["salt"]
    for name in [name for name in sys.modules if name.split(".")[0] == "mtl_salt"]:
        del sys.modules[name]


def test_it_is_listed_and_every_target_loads(folder: Path, run_mtl: Callable[..., Any]) -> None:
    result = run_mtl("plugins", "--json", "--check", path=(folder,), MTL_DISABLE_PLUGINS="mtlcore")
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [row for row in json.loads(result.stdout)["plugins"] if row["distribution"] == "mtl-salt"]
    assert rows == [
        {
            "name": "salt",
            "status": "ok",
            "distribution": "mtl-salt",
            "version": "0.1.0",
            "error": "",
            "provides": ["task salt", "command salt-share"],
        }
    ]


def test_listing_it_imports_no_torch(folder: Path) -> None:
    code = f"""
import sys
sys.path[:0] = {[str(folder), *sys.path]}
from mtlcore.plugin.plugins import current
assert "salt" in current().tasks
assert "torch" not in sys.modules, "torch"
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 5)])
def test_its_head_loss_and_metrics(salt: type[Task], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    task = build(salt, {"weight": 2, "salt_weight": 3}, "task salt")
    raw = task.head(channels=4, ndim=len(shape))(torch.randn(2, 4, *shape))
    assert raw["salt"].shape == (2, 1, *shape)
    label = (torch.rand(2, 1, *shape) > 0.5).float()
    label[0, 0, :3] = torch.nan
    label[1] = torch.nan
    loss = task.loss(raw, {"salt": label})
    loss.backward()
    assert torch.isfinite(loss)
    # A mean over items of a value per item: two ranks with one item each agree with one rank.
    halves = [task.loss({"salt": raw["salt"][i : i + 1]}, {"salt": label[i : i + 1]}) for i in range(2)]
    assert torch.allclose(loss, (halves[0] + halves[1]) / 2)
    field = task.decode(raw)["salt"].detach()
    assert ((field >= 0) & (field <= 1)).all()
    perfect = np.nan_to_num(label[0, 0].numpy())
    assert task.metrics({"salt": perfect}, {"salt": label[0, 0].numpy()}) == {"intersection_over_union": 1.0}
    assert task.metrics({"salt": 1 - perfect}, {"salt": label[0, 0].numpy()}) == {"intersection_over_union": 0.0}


def test_its_options(salt: type[Task]) -> None:
    with pytest.raises(OptionError, match=r"task salt has no option 'saltweight'\. Did you mean 'salt_weight'"):
        build(salt, {"saltweight": 3}, "task salt")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small data set in which salt is loud."""
    for split, count in (("train", 4), ("valid", 1)):
        for kind in ("data", "target"):
            (tmp_path / f"{kind}_{split}").mkdir()
        for item in range(count):
            image = np.random.default_rng(item).standard_normal(SHAPE).astype("<f4")
            label = np.zeros(SHAPE, "<f4")
            label[10:30, 5:25] = 1
            image[label > 0] *= 5
            image.T.tofile(tmp_path / f"data_{split}" / f"{item}.bin")
            label.T.tofile(tmp_path / f"target_{split}" / f"{item}_salt.bin")
    return tmp_path


@pytest.mark.parametrize("site", ["folder", "from_readme"])
def test_it_trains_evaluates_and_runs(
    site: str, data: Path, run_mtl: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    def mtl(*arguments: object) -> str:
        result = run_mtl(*map(str, arguments), path=(request.getfixturevalue(site),))
        assert result.returncode == 0, result.stderr
        return str(result.stdout)

    shape, run, out = "x".join(map(str, SHAPE)), data / "run", data / "out"
    small = ("--set", "backbone.widths=[8,16]", "--set", "train.batch_size=2", "--set", "tasks.salt.salt_weight=2")
    mtl("train", "--data", data, "--shape", shape, "--tasks", "salt", "--epochs", 2, "--output", run, *small)
    found = json.loads(mtl("evaluate", "--model", run, "--data", data, "--shape", shape, "--json"))
    assert 0 <= found["mean"]["salt.intersection_over_union"] <= 1
    mtl("run", "--model", run, "--input", data / "data_valid/0.bin", "--shape", shape, "--output", out)
    field = np.load(out / "salt.npy")
    assert field.shape == SHAPE and 0 <= field.min() < field.max() <= 1
    assert (out / "section.png").is_file()


def test_its_command_reads_a_result_and_what_it_wrote_goes_with_that_result(
    folder: Path, tmp_path: Path, run_mtl: Callable[..., Any]
) -> None:
    def mtl(*arguments: object, **variables: str) -> str:
        result = run_mtl(*map(str, arguments), path=(folder,), **variables)
        assert result.returncode == 0, result.stderr
        return str(result.stdout)

    assert "salt-share" in mtl("--help") and "Write how much of a result is salt." in mtl("--help")
    image, out = tmp_path / "image.npy", tmp_path / "out"
    np.save(image, np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32))
    mtl("run", "--input", image, "--tasks", "dhr", "--output", out, "--no-pictures")
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    record["outputs"]["salt"] = record["outputs"]["dhr"] | {"file": "salt.npy"}
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")
    np.save(out / "salt.npy", np.repeat(np.float32([0.9, 0.1]), SHAPE[0] * SHAPE[1] // 2).reshape(SHAPE))
    assert json.loads(mtl("salt-share", out, "--json", MTL_SALT_SHARE_THRESHOLD="0.05")) == {"share": 1.0}
    assert mtl("salt-share", out) == f"50.0% of {out} is salt.\n"
    (out / "picks.json").write_text("{}", encoding="utf-8")
    again = ("run", "--input", str(image), "--tasks", "dhr", "--output", str(out), "--force", "--no-pictures")
    replaced = run_mtl(*again, path=(folder,))
    assert not (out / "salt_share.json").exists()
    assert f"{out / 'picks.json'} is kept, but belongs to the result that this one replaces." in replaced.stderr
    assert (out / "picks.json").read_text(encoding="utf-8") == "{}"
