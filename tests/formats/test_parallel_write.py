"""Which process writes what: plans that are refused, and real processes that keep to one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mtl_seismic
import mtlcore
from mtl_seismic.formats.hdf5_file.format import Hdf5
from mtl_seismic.formats.npy import Npy
from mtl_seismic.formats.raw import Raw
from mtl_seismic.formats.vti.format import Vti
from mtl_seismic.formats.zarr_store.format import Zarr
from mtlcore import IMAGE, Axis, Geometry, MtlError
from mtlcore.io.parallel_write import check_plan, share_out

pytest.importorskip("zarr")
pytest.importorskip("h5py")

SHAPE, BLOCKS = (10, 9, 8), (4, 4, 8)


def window(*spans):
    return tuple(slice(*span) for span in spans)


@pytest.mark.parametrize("processes", [1, 2, 5, 20])
def test_shares_are_even_and_cover_the_volume_once(processes):
    plan = share_out(SHAPE, BLOCKS, processes)
    check_plan(plan, SHAPE, BLOCKS)
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
        check_plan([[first], [], [second]], SHAPE, BLOCKS)
    check_plan([[first, second], []], SHAPE, BLOCKS)


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
        check_plan([[wrong]], SHAPE, BLOCKS)


WORKER = """
import sys
from pathlib import Path
import numpy as np
from mtlcore.io.files import make_format

started, name, rank, spans = Path(sys.argv[1]), sys.argv[2], sys.argv[3], eval(sys.argv[4])
values = np.arange(10 * 40 * 35, dtype="f4").reshape(10, 40, 35)
with make_format(started, name).join(started, f"rank {rank}") as writer:
    print("joined", flush=True)
    sys.stdin.readline()  # until all have joined
    for span in spans:
        window = tuple(slice(*edges) for edges in span)
        writer.write(window, values[window])
"""
VALUES = np.arange(10 * 40 * 35, dtype="f4").reshape(10, 40, 35)


def write_together(started, name, plan):
    """Carry a plan out in real processes that are inside join() at the same time; what each says on stderr."""
    roots = ":".join(str(Path(package.__path__[0]).parent) for package in (mtlcore, mtl_seismic))
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                WORKER,
                started,
                name,
                str(rank),
                repr([[(p.start, p.stop) for p in w] for w in windows]),
            ],
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


FORMATS = [Raw(), Npy(), Vti(), Hdf5(chunk=8), Zarr(chunk=4, shard=8)]


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_two_processes_write_one_file(format, tmp_path):
    path = tmp_path / f"a{format.suffixes[0]}"
    axes = (Axis("time", 10, 100, 4, "ms"), Axis("inline", 40, 7, 2, "line"), Axis("crossline", 35, 900, 1, "line"))
    geometry = Geometry(axes, live=np.arange(40 * 35).reshape(40, 35) % 7 > 0)
    plan = share_out(geometry.shape, format.block_shape(geometry), 2)
    check_plan(plan, geometry.shape, format.block_shape(geometry))
    started = format.begin(path, geometry, IMAGE)
    assert write_together(started, format.name, plan) == ["", ""]
    assert not path.exists()
    format.commit(started, path)
    volume = format.open(path)
    np.testing.assert_array_equal(volume.load(), VALUES)
    assert volume.geometry.axes == geometry.axes
    np.testing.assert_array_equal(volume.geometry.live, geometry.live)
    assert {each.name for each in tmp_path.iterdir()} <= {path.name, f"{path.name}.json"}


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_what_was_begun_survives_a_writer_that_dies(format, tmp_path):
    path, geometry = tmp_path / f"a{format.suffixes[0]}", Geometry.of_shape(VALUES.shape)
    first, second = share_out(VALUES.shape, format.block_shape(geometry), 2)
    started = format.begin(path, geometry, IMAGE)
    with format.join(started, "first") as writer:
        for part in first:
            writer.write(part, VALUES[part])
    with pytest.raises(RuntimeError), format.join(started, "second") as writer:
        writer.write(second[0], VALUES[second[0]] + 1)
        raise RuntimeError("unplugged")
    with pytest.raises(MtlError, match="lacks the part of second: write it again, then commit"):
        format.commit(started, path)
    with format.join(started, "second") as writer:
        for part in second:
            writer.write(part, VALUES[part])
    format.commit(started, path)
    np.testing.assert_array_equal(format.open(path).load(), VALUES)


def test_compressed_hdf5_has_one_writer(tmp_path):
    with pytest.raises(MtlError, match=r"a\.h5 from several processes: HDF5 files with compression gzip have one"):
        Hdf5(compression="gzip").begin(tmp_path / "a.h5", Geometry.of_shape((4, 3)), IMAGE)
    assert not list(tmp_path.iterdir())


def test_processes_that_do_not_keep_to_a_plan_are_stopped(tmp_path):
    format, path = Zarr(chunk=2, shard=4), tmp_path / "a.zarr"
    plan = [[window((0, 5), (0, 9), (0, 8))], [window((5, 10), (0, 9), (0, 8))]]
    with pytest.raises(MtlError, match="Processes 0 and 1 would both write to the block 4:8 x 0:4 x 0:4"):
        check_plan(plan, SHAPE, format.block_shape(Geometry.of_shape(SHAPE)))
    started = format.begin(path, Geometry.of_shape(SHAPE), IMAGE)
    complaints = write_together(started, format.name, plan)
    assert sum("both write to block" in text for text in complaints) in (1, 2)
    with pytest.raises(MtlError, match=r"lacks the part of rank \d"):
        format.commit(started, path)
    assert not path.exists()
    format.abandon(started)
    assert not list(tmp_path.iterdir())
