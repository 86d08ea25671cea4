"""A few faults of each kind; harness.py and mutations.py do as many as one likes (see their figures)."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mtl_cli
import mtl_seismic
import mtlcore

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from harness import BAD, FORMATS  # noqa: E402

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="copies processes and reads /proc")
NEEDED = {"hdf5": "h5py", "gzip": "h5py", "zarr": "zarr"}


def outcomes(script, *arguments, library=None):
    roots = os.pathsep.join(str(Path(package.__path__[0]).parent) for package in (mtlcore, mtl_cli, mtl_seismic))
    environment = os.environ | {"PYTHONPATH": roots, "OMP_NUM_THREADS": "1"}
    if library:
        environment["LD_PRELOAD"] = str(library)
    done = subprocess.run(
        [sys.executable, HERE / script, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def need(name):
    if name in NEEDED:
        pytest.importorskip(NEEDED[name])


def check(kind, command, trials, library=None):
    found = outcomes("harness.py", kind, command, "--trials", trials, library=library)
    assert sum(row["count"] for row in found) == trials
    assert [row for row in found if row["outcome"] in BAD] == []
    return {row["outcome"]: row["count"] for row in found}


@pytest.mark.parametrize("name", ["npy", "gzip", "zarr"])
def test_a_kill_leaves_the_old_file_or_the_new_one(name):
    need(name)
    found = check("kills", f"convert-{name}", 4)
    assert "killed: old" in found


@pytest.mark.parametrize("command", ["convert-npz", "convert-hdf5", "convert-zarr", "synth-npz"])
def test_files_that_may_not_grow_are_said_in_a_line(command):
    need(command.split("-")[1])
    assert "refused" in check("sizes", command, 4)


@pytest.mark.parametrize("command", ["convert-vti", "synth-memmap"])
def test_terminating_leaves_nothing(command):
    check("signals", command, 4)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    path = tmp_path_factory.mktemp("library") / "failing_calls.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", path, HERE / "failing_calls.c", "-ldl"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("the compiler makes no library")
    return path


@pytest.mark.parametrize("command", ["convert-npy", "convert-gzip", "convert-zarr", "synth-reference"])
def test_any_call_of_the_system_may_fail(command, library):
    need(command.split("-")[1])
    found = check("calls", command, 6, library)
    assert "refused" in found


@pytest.mark.parametrize("name", list(FORMATS))
def test_damaged_files_are_refused_or_read(name):
    need(name)
    (found,) = outcomes("mutations.py", "--trials", 8, name)
    assert sum(found["outcomes"].values()) == 8
    assert found["bad"] == {}


WRITER = """
import sys
import numpy as np
from pathlib import Path
from mtlcore import IMAGE, Geometry
from mtlcore.io.files import make_format
path, value = Path(sys.argv[1]), float(sys.argv[2])
for _ in range(5):
    with make_format(path).create(path, Geometry.of_shape((16, 12)), IMAGE) as writer:
        writer.write((slice(0, 16), slice(0, 12)), np.full((16, 12), value, "f4"))
print("done")
"""


@pytest.mark.parametrize("name", ["npy", "hdf5", "zarr"])
def test_two_writers_of_one_name_each_leave_a_whole_file(name, tmp_path):
    need(name)
    from mtlcore.io.files import open_volume

    path = tmp_path / FORMATS[name]
    roots = os.pathsep.join(str(Path(package.__path__[0]).parent) for package in (mtlcore, mtl_seismic))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, path, value], env=os.environ | {"PYTHONPATH": roots},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for value in ("1", "2")
    ]  # fmt: skip
    ends = [writer.communicate(timeout=120) for writer in writers]
    assert ends == [("done\n", "")] * 2
    values = open_volume(path).load()
    assert np.unique(values).tolist() in ([1.0], [2.0])
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
