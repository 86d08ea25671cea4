"""A device is the one that was asked for, or an error: never another one."""

from __future__ import annotations

import pytest
import torch

from mtlcore.device import describe, resolve
from mtlcore.errors import MtlError
from mtlcore.model.checkpoint import load_model


@pytest.mark.parametrize("name", ["gpu", "", "cpux", "CUDA", "cuda:x", "meta", "xpu"])
def test_an_unknown_device_is_an_error_that_lists_the_known_ones(name):
    with pytest.raises(MtlError, match="expected auto, cpu, cuda, cuda:N or mps"):
        resolve(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_a_missing_gpu_is_an_error_with_a_way_out(make_model, tmp_path, monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(MtlError, match=f"'{name}' is not available.*--device cpu"):
        resolve(name)
    make_model(folder=tmp_path / "model")
    with pytest.raises(MtlError, match="not available"):
        load_model(tmp_path / "model", name)


def test_a_gpu_beyond_the_last_is_missing(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve("cuda:1") == torch.device("cuda:1")
    with pytest.raises(MtlError, match="2 CUDA devices"):
        resolve("cuda:2")


def test_missing_mps_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(MtlError, match=r"mps.*not available"):
        resolve("mps")


def test_auto_takes_what_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve("auto") == torch.device("cpu")
    assert "thread" in describe(torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve("auto") == torch.device("cuda")
