"""Which process writes what: plans that are refused, and real processes that keep to one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mtl_seismic
import mtlcore
from mtl_seismic.formats.zarr_store.format import Zarr
from mtlcore import IMAGE, Geometry, MtlError
from mtlcore.plans import check_plan, share_out

SHAPE, GRAIN = (10, 9, 8), (4, 4, 8)


def window(*spans):
    return tuple(slice(*span) for span in spans)


@pytest.mark.parametrize("processes", [1, 2, 5, 20])
def test_shares_are_even_and_cover_the_volume_once(processes):
    plan = share_out(SHAPE, GRAIN, processes)
    check_plan(plan, SHAPE, GRAIN)
    counts = np.zeros(SHAPE, int)
    for windows in plan:
        for part in windows:
            counts[part] += 1
    assert (counts == 1).all()
    assert len(plan) == processes
    assert max(map(len, plan)) - min(map(len, plan)) <= 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (window((0, 3), (0, 9), (0, 8)), window((3, 10), (0, 9), (0, 8))),
        (window((0, 4), (0, 9), (0, 4)), window((0, 4), (0, 9), (4, 8))),
        (window((0, 1), (0, 1), (0, 1)), window((3, 4), (3, 4), (7, 8))),
    ],
)
def test_two_processes_in_one_block_are_refused(first, second):
    problem = (
        r"^Processes 0 and 2 would both write to the block 0:4 x 0:4 x 0:8 of the volume 10x9x8, and one would undo "
        r"what the other wrote: align their windows to multiples of 4x4x8\.$"
    )
    with pytest.raises(MtlError, match=problem):
        check_plan([[first], [], [second]], SHAPE, GRAIN)
    check_plan([[first, second], []], SHAPE, GRAIN)


def test_a_format_for_one_process_takes_one():
    check_plan([[window((0, 5), (0, 9), (0, 8)), window((5, 10), (0, 9), (0, 8))], []], SHAPE, None)
    with pytest.raises(
        MtlError, match="2 processes cannot write one file of this format: use one, or a format made for several"
    ):
        check_plan([[window((0, 5), (0, 9), (0, 8))], [window((5, 10), (0, 9), (0, 8))]], SHAPE, None)


@pytest.mark.parametrize(
    "wrong", [window((0, 11), (0, 9), (0, 8)), window((0, 4), (0, 4)), window((4, 4), (0, 4), (0, 8))]
)
def test_windows_must_be_the_volumes(wrong):
    with pytest.raises(MtlError, match=r"window \d+:\d+ x .*, which is none of the volume 10x9x8"):
        check_plan([[wrong]], SHAPE, GRAIN)


WORKER = """
import sys
from pathlib import Path
import numpy as np
from mtl_seismic.formats.zarr_store.format import Zarr

started, rank, spans = Path(sys.argv[1]), sys.argv[2], eval(sys.argv[3])
values = np.arange(10 * 9 * 8, dtype="f4").reshape(10, 9, 8)
with Zarr().join(started, f"rank {rank}") as writer:
    print("joined", flush=True)
    sys.stdin.readline()  # until all have joined
    for span in spans:
        window = tuple(slice(*edges) for edges in span)
        writer.write(window, values[window])
"""
VALUES = np.arange(10 * 9 * 8, dtype="f4").reshape(10, 9, 8)


def write_together(started, plan):
    """Carry a plan out in real processes that are inside join() at the same time; what each says on stderr."""
    roots = ":".join(str(Path(package.__path__[0]).parent) for package in (mtlcore, mtl_seismic))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, started, str(rank), repr([[(p.start, p.stop) for p in w] for w in windows])],
            env={"PYTHONPATH": roots, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, windows in enumerate(plan)
    ]
    for process in processes:
        process.stdout.readline()
    return [process.communicate("go\n", timeout=60)[1] for process in processes]


def test_two_processes_write_one_store(tmp_path):
    pytest.importorskip("zarr")
    format, path = Zarr(chunk=2, shard=4), tmp_path / "a.zarr"
    geometry = Geometry.of_shape(SHAPE)
    plan = share_out(SHAPE, format.grain(geometry), 2)
    check_plan(plan, SHAPE, format.grain(geometry))
    started = format.begin(path, geometry, IMAGE)
    assert write_together(started, plan) == ["", ""]
    format.commit(started, path)
    np.testing.assert_array_equal(format.open(path).load(), VALUES)
    assert [each.name for each in tmp_path.iterdir()] == ["a.zarr"]


def test_processes_that_do_not_keep_to_a_plan_are_stopped(tmp_path):
    pytest.importorskip("zarr")
    format, path = Zarr(chunk=2, shard=4), tmp_path / "a.zarr"
    plan = [[window((0, 5), (0, 9), (0, 8))], [window((5, 10), (0, 9), (0, 8))]]
    with pytest.raises(MtlError, match="Processes 0 and 1 would both write to the block 4:8 x 0:4 x 0:4"):
        check_plan(plan, SHAPE, format.grain(Geometry.of_shape(SHAPE)))
    started = format.begin(path, Geometry.of_shape(SHAPE), IMAGE)
    complaints = write_together(started, plan)
    assert sum("both write to shard" in text for text in complaints) in (1, 2)
    with pytest.raises(MtlError, match=r"lacks the part of rank \d"):
        format.commit(started, path)
    assert not path.exists()
    format.abandon(started)
    assert not list(tmp_path.iterdir())
