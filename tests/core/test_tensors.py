"""Tensors on disk, and what becomes of them where there is no room."""

from __future__ import annotations

import resource
from contextlib import contextmanager

import pytest
import torch

from mtlcore import MtlError
from mtlcore.model.tensors import load_tensors, save_tensors


@contextmanager
def no_room():
    """A limit on file sizes stands in for the full disk: the same calls fail, in the same way.

    Only while a test computes: what the tests print may go to a file that is longer.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_in_one_line_and_the_older_file_stays(tmp_path):
    file = tmp_path / "state.safetensors"
    old = {"weight": torch.arange(4.0)}
    save_tensors(old, file)
    with no_room(), pytest.raises(MtlError, match=f"Cannot write {file}: it is too large"):
        save_tensors({"weight": torch.zeros(10_000)}, file)
    assert torch.equal(load_tensors(file)["weight"], old["weight"])
    assert list(tmp_path.iterdir()) == [file]


def test_tensors_that_share_memory_come_back(tmp_path):
    shared = torch.arange(6.0)
    save_tensors({"a": shared, "b": shared[2:], "c": shared.expand(3, 6)}, tmp_path / "t")
    found = load_tensors(tmp_path / "t")
    assert torch.equal(found["b"], shared[2:]) and torch.equal(found["c"], shared.expand(3, 6))
