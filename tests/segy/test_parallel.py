"""Several processes write one file, and a file that changes while it is read is noticed."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from mtl_seismic.segy.format import SegY
from mtlcore import IMAGE
from mtlcore.errors import MtlError
from mtlcore.io.parallel_write import share_out

WRITE = """
import pickle, sys
from pathlib import Path
import numpy as np
from mtl_seismic.segy.format import SegY
started, owner, windows = pickle.load(sys.stdin.buffer)
with SegY().join(Path(started), owner) as writer:
    for window in windows:
        shape = [part.stop - part.start for part in window]
        depth, row, column = np.ogrid[window]
        writer.write(window, (depth + 100 * row + 10_000 * column).astype(np.float32))
"""


def values(shape):
    depth, row, column = np.ogrid[tuple(slice(0, size) for size in shape)]
    return (depth + 100 * row + 10_000 * column).astype(np.float32)


def in_process(started, owner, windows):
    import pickle

    process = subprocess.Popen([sys.executable, "-c", WRITE], stdin=subprocess.PIPE)
    process.communicate(pickle.dumps((str(started), owner, windows)))
    return process.returncode


@pytest.mark.parametrize("sorting", ["inline", "crossline", "random"])
@pytest.mark.parametrize("code", [1, 5])
def test_processes_write_what_one_writes(make_cube, tmp_path, sorting, code):
    path, *_ = make_cube(sorting=sorting, code=code, size=(12, 40, 22))
    geometry = SegY().open(path).geometry
    one, several = tmp_path / "one.sgy", tmp_path / "several.sgy"
    with SegY().create(one, geometry, IMAGE) as writer:
        writer.write(tuple(slice(0, size) for size in geometry.shape), values(geometry.shape))
    started = SegY().begin(several, geometry, IMAGE)
    plan = share_out(geometry.shape, SegY().block_shape(geometry), 2)
    assert [in_process(started, f"rank {rank}", windows) for rank, windows in enumerate(plan)] == [0, 0]
    assert not several.exists()
    SegY().commit(started, several)
    assert several.read_bytes() == one.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.sgy", "several.sgy", "survey.sgy"]


def test_repeated_traces_are_repeated(make_cube, tmp_path, recwarn):
    path, *_ = make_cube()
    content = path.read_bytes()
    path.write_bytes(content + content[3600 + 5 * 320 :][:320])
    geometry = SegY(duplicates="first").open(path).geometry
    started = SegY().begin(tmp_path / "new.sgy", geometry, IMAGE)
    with SegY().join(started, "all") as writer:
        writer.write(tuple(slice(0, size) for size in geometry.shape), values(geometry.shape))
    SegY().commit(started, tmp_path / "new.sgy")
    made = (tmp_path / "new.sgy").read_bytes()
    assert made[3600 + 5 * 320 + 240 : 3600 + 6 * 320] == made[-80:] != bytes(80)


@pytest.mark.parametrize("change", ["shorter", "longer", "rewritten", "replaced"])
def test_a_file_that_changes_while_it_is_read(make_cube, tmp_path, change):
    path, array, _ = make_cube()
    volume = SegY().open(path)
    window = tuple(slice(0, size) for size in array.shape)
    volume.read(window)
    content = path.read_bytes()
    if change == "shorter":
        os.truncate(path, len(content) // 2)
    elif change == "longer":
        path.write_bytes(content + b"more")
    elif change == "rewritten":
        path.write_bytes(content)
        os.utime(path, ns=(1, 1))
    else:
        (tmp_path / "other").write_bytes(content)
        (tmp_path / "other").replace(path)
    with pytest.raises(MtlError, match=r"survey.sgy .* while it was read"):
        volume.read(window)


def test_reading_touches_the_traces_of_the_window_alone(make_cube, monkeypatch):
    """Part of a few traces: no byte of another trace is read."""
    path, *_ = make_cube(size=(600, 40, 50))
    volume = SegY().open(path)
    read = []
    real = os.preadv
    monkeypatch.setattr(
        os, "preadv", lambda fd, buffers, offset: read.append(len(buffers[0])) or real(fd, buffers, offset)
    )
    volume.read((slice(100, 110), slice(3, 5), slice(0, 50)))
    assert sum(read) <= 100 * (240 + 4 * 600)
