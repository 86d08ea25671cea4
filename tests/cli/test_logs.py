"""Logs: one row for each finished step, nothing lost."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlcore.errors import MtlError
from mtlcore.plugin.plugins import Plugins
from mtlcore.training.logs import CsvLog, JsonLinesLog, TensorBoardLog

LOGS = [JsonLinesLog, CsvLog]


def finish(log: Any, step: int, **values: object) -> None:
    """A step heard through the real hooks."""
    plugins = Plugins(installed=[], environ={})
    with plugins.listening(log):
        plugins.hook.step_finished(stage="train", step=step, total=10, values=values)


def rows_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        return list(csv.DictReader(text.splitlines()))
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("log", LOGS)
def test_a_row_for_each_step_and_appended_on_resume(log: Any, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"log.{'csv' if log is CsvLog else 'jsonl'}"
    finish(log(path), 1, loss=0.5, task="dhr")
    finish(log(path), 2, loss=0.25, task="rgt")
    rows = rows_of(path)
    assert [list(row) for row in rows] == [["time", "stage", "step", "total", "loss", "task"]] * 2
    assert [(int(row["step"]), float(row["loss"]), row["task"]) for row in rows] == [(1, 0.5, "dhr"), (2, 0.25, "rgt")]


@pytest.mark.parametrize("log", LOGS)
def test_a_row_cut_short_by_a_crash_is_dropped(log: Any, tmp_path: Path) -> None:
    path = tmp_path / f"log.{'csv' if log is CsvLog else 'jsonl'}"
    finish(log(path), 1, loss=0.5)
    finish(log(path), 2, loss=0.5)
    path.write_bytes(path.read_bytes()[:-7])
    finish(log(path), 2, loss=0.125)
    assert [float(row["loss"]) for row in rows_of(path)] == [0.5, 0.125]
    path.write_bytes(b"torn")
    finish(log(path), 3, loss=1.0)
    assert [int(row["step"]) for row in rows_of(path)] == [3]


def test_json_lines_are_valid_json(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    numbers = {"a": float("nan"), "b": float("inf"), "c": np.float32(0.5), "d": torch.tensor(2), "e": None, "f": True}
    finish(JsonLinesLog(path), 1, **numbers, g=Path("x"), h=np.zeros(2))
    row = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert [row[key] for key in "abcdefgh"] == ["nan", "inf", 0.5, 2, None, True, "x", "[0. 0.]"]


def test_csv_gains_columns_and_loses_nothing(tmp_path: Path) -> None:
    log = CsvLog(tmp_path / "log.csv")
    finish(log, 1, loss=0.5)
    finish(log, 2, loss=0.25, valid="a,b\nc")
    finish(log, 3, rate=None)
    rows = rows_of(log.path)
    assert [(row["loss"], row["valid"], row["rate"]) for row in rows] == [
        ("0.5", "", ""),
        ("0.25", "a,b c", ""),
        ("", "", ""),
    ]
    assert list(tmp_path.iterdir()) == [log.path]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
FIGURES = st.dictionaries(st.sampled_from(["loss", "valid", "rate", "note"]), st.integers() | TEXT)


@given(st.lists(st.tuples(FIGURES, st.booleans()), max_size=6))
def test_csv_holds_every_figure(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[dict[str, Any], bool]]
) -> None:
    path = tmp_path_factory.mktemp("logs") / "log.csv"
    log = CsvLog(path)
    for number, (values, resumed) in enumerate(steps):
        log = CsvLog(path) if resumed else log
        log.step_finished(stage="s", step=number, total=9, values=values)
    if not steps:
        return
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows) == len(steps)
    for row, (values, _) in zip(rows, steps, strict=True):
        assert {key: row[key] for key in values} == {
            key: " ".join(str(value).splitlines()) for key, value in values.items()
        }


@pytest.mark.parametrize("log", LOGS)
def test_a_figure_with_a_fixed_name_is_refused(log: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="may not be named 'time'"):
        finish(log(tmp_path / "log"), 1, time=5)


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_an_error(log: Any, tmp_path: Path) -> None:
    written = log(tmp_path / "log")
    finish(written, 1, loss=1.0)
    written.path.unlink()
    written.path.symlink_to("/dev/full")
    with pytest.raises(MtlError, match=r"The log .*log cannot be written: No space left on device\."):
        finish(written, 2, loss=1.0)


@pytest.mark.parametrize("log", LOGS)
def test_a_path_that_cannot_be_written_is_an_error(log: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MtlError, match="cannot be written"):
        log(tmp_path / "file" / "log")


def test_tensorboard(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = TensorBoardLog()
    log.stage_started(tmp_path)
    finish(log, 3, loss=np.float32(0.5), note="text is not drawn")
    events = accumulator.EventAccumulator(os.fspath(tmp_path / "tensorboard")).Reload()
    assert events.Tags()["scalars"] == ["train/loss"]
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(3, 0.5)]


def test_tensorboard_has_pictures_of_validation_items(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    image = pytest.importorskip("matplotlib.image")
    path = tmp_path / "epoch_002_item_5.png"
    image.imsave(path, np.linspace(0, 1, 60).reshape(6, 10))
    log = TensorBoardLog()
    log.stage_started(tmp_path)
    log.picture_drawn(stage="epoch", step=2, path=path)
    log.close()
    events = accumulator.EventAccumulator(os.fspath(tmp_path / "tensorboard")).Reload()
    assert events.Tags()["images"] == ["epoch/item 5"]
    (event,) = events.Images("epoch/item 5")
    assert (event.step, event.width, event.height) == (2, 10, 6)


def test_tensorboard_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MtlError, match=r'pip install "mtlcore\[tensorboard\]"'):
        TensorBoardLog()
