"""Files and folders appear whole or not at all."""

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mtl_cli
import mtl_seismic
import mtlcore
from mtl_seismic.formats.npy import Npy
from mtl_seismic.formats.npz import Npz
from mtl_seismic.formats.raw import Raw
from mtl_seismic.formats.vti.format import Vti
from mtl_seismic.formats.zarr_store.format import Zarr
from mtlcore import IMAGE, Geometry, MtlError
from mtlcore.io.atomic import atomic_folder, atomic_path, atomic_write_text
from mtlcore.io.leftovers import exchange, recover


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_text_is_written_and_replaced(tmp_path):
    file = tmp_path / "a.txt"
    for text in ("one\n", "zwölf\n"):
        atomic_write_text(file, text)
        assert file.read_bytes() == text.encode()
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file(stop, tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(stop), atomic_path(file) as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path
        raise stop
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(mask, tmp_path):
    old = os.umask(mask)
    try:
        with atomic_path(tmp_path / "a") as temporary:
            temporary.unlink()
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))  # as safetensors does
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_in_one_line(number, tmp_path):
    file = tmp_path / "a"
    with pytest.raises(MtlError, match=r"Cannot write .*/a: the disk (is full|quota is used up)\.$"), atomic_path(file):
        raise OSError(number, "full")
    assert names(tmp_path) == []


def test_a_failure_of_another_file_names_both(tmp_path):
    message = r"Cannot write .*/a: No such file or directory \(.*/input\)\."
    with pytest.raises(MtlError, match=message), atomic_path(tmp_path / "a"):
        (tmp_path / "input").read_text()
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("no/a", "folder .*/no does not exist. Create it first"), ("sub", "it is a folder"), ("pipe", "not a regular")],
)
def test_where_nothing_can_be_written(name, message, tmp_path):
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MtlError, match=message), atomic_path(tmp_path / name):
        pass


def test_links_are_followed_and_long_names_fit(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    atomic_write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "text"
    atomic_write_text(tmp_path / ("n" * 255), "text")


@pytest.mark.parametrize("cls", [Raw, Npy, Npz, Vti, Zarr])
def test_formats_on_a_full_disk(cls, tmp_path):
    if cls is Zarr:
        pytest.importorskip("zarr")
    format = cls(compression="none") if cls is Zarr else cls()
    # A limit on file sizes stands in for the full disk: the same calls fail, in the same way.
    file = tmp_path / f"a{format.suffixes[0]}"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with (
            pytest.raises(MtlError, match=f"Cannot write {file}: it is too large"),
            format.create(file, Geometry.of_shape((300, 200)), IMAGE) as writer,
        ):
            writer.write((slice(0, 300), slice(0, 200)), np.ones((300, 200), "f4"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []


@pytest.mark.parametrize("format", [Raw(), Npy(), Vti()], ids=repr)
def test_room_on_the_disk_is_taken_before_writing(format, tmp_path):
    # A memory map of a sparse file would kill the process where the disk fills up.
    with format.create(tmp_path / "a", Geometry.of_shape((1000, 1000)), IMAGE):
        (temporary,) = tmp_path.iterdir()
        assert temporary.stat().st_blocks * 512 >= 4_000_000


FOLDER_MARKER = "index"


def make_folder(path, text="old"):
    path.mkdir()
    (path / FOLDER_MARKER).write_text(text)
    return path


def test_a_folder_is_made_and_replaced(tmp_path):
    for text in ("one", "two"):
        with atomic_folder(tmp_path / "a", FOLDER_MARKER) as temporary:
            assert (temporary.parent, list(temporary.iterdir())) == (tmp_path, [])
            (temporary / FOLDER_MARKER).write_text(text)
            (temporary / "sub").mkdir()
            (temporary / "sub" / "file").write_text(text)
        assert (tmp_path / "a" / "sub" / "file").read_text() == text
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_folder(stop, tmp_path):
    folder = make_folder(tmp_path / "a")
    with pytest.raises(stop), atomic_folder(folder, FOLDER_MARKER) as temporary:
        (temporary / FOLDER_MARKER).write_text("new")
        raise stop
    assert (folder / FOLDER_MARKER).read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_failing_rename_leaves_the_old_folder(tmp_path, monkeypatch):
    folder = make_folder(tmp_path / "a")
    rename = type(folder).rename
    failing = lambda path, target: 1 / 0 if path.suffix == ".part" else rename(path, target)  # noqa: E731
    monkeypatch.setattr(type(folder), "rename", failing)
    monkeypatch.setattr("mtlcore.io.atomic.exchange", lambda one, other: False)
    with pytest.raises(ZeroDivisionError), atomic_folder(folder, FOLDER_MARKER):
        pass
    assert (folder / FOLDER_MARKER).read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_folders_of_something_else_are_not_replaced(tmp_path):
    make_folder(tmp_path / "other").joinpath(FOLDER_MARKER).rename(tmp_path / "other" / "thesis")
    (tmp_path / "file").touch()
    for name, message in [
        ("other", r"it is a folder of something else \(no index\)"),
        ("file", "it is a file"),
        ("no/a", "folder .*/no does not exist. Create it first"),
    ]:
        with pytest.raises(MtlError, match=message), atomic_folder(tmp_path / name, FOLDER_MARKER):
            pass
    assert names(tmp_path) == ["file", "other"]
    assert names(tmp_path / "other") == ["thesis"]


def test_what_appears_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(MtlError, match="something else"), atomic_folder(tmp_path / "a", FOLDER_MARKER):
        make_folder(tmp_path / "a").joinpath(FOLDER_MARKER).rename(tmp_path / "a" / "thesis")
    assert names(tmp_path / "a") == ["thesis"]


def test_an_empty_folder_and_a_link_give_way(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with atomic_folder(tmp_path / "link", FOLDER_MARKER) as temporary:
        (temporary / FOLDER_MARKER).touch()
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "target") == [FOLDER_MARKER]


def test_folders_change_places_in_one_step(tmp_path, monkeypatch):
    if not exchange(make_folder(tmp_path / "one"), make_folder(tmp_path / "other")):
        pytest.skip("this system cannot exchange two names")
    folder = make_folder(tmp_path / "a")
    # Nothing is renamed away: at each moment there is a folder of this name.
    monkeypatch.setattr(type(folder), "rename", lambda path, target: 1 / 0)
    with atomic_folder(folder, FOLDER_MARKER) as temporary:
        (temporary / FOLDER_MARKER).write_text("new")
    assert (folder / FOLDER_MARKER).read_text() == "new"
    assert names(tmp_path) == ["a", "one", "other"]


WRITER = """
import os, signal, sys
from pathlib import Path
from mtlcore.io import atomic, leftovers

what, path = sys.argv[1], Path(sys.argv[2])
if what == "old":
    atomic.exchange = lambda one, other: False
    rename = Path.rename
    def killed(one, other):
        if one.name.endswith(".part"):
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(one, other)
    Path.rename = killed
    with atomic.atomic_folder(path, "index") as temporary:
        (temporary / "index").write_text("new")
context = atomic.atomic_path(path) if what == "file" else atomic.atomic_folder(path, "index")
with context as temporary:
    print("writing", flush=True)
    sys.stdin.readline()
"""


def start_writer(what, path):
    root = str(Path(mtlcore.__path__[0]).parent)
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, what, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": root},
    )  # fmt: skip


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays(what, tmp_path, monkeypatch):
    monkeypatch.setattr("mtlcore.io.leftovers._swept", set())
    processes = [start_writer(what, tmp_path / name) for name in ("dead", "alive")]
    for process in processes:
        process.stdout.readline()
    processes[0].kill()
    processes[0].communicate()
    assert len(names(tmp_path)) == 2
    atomic_write_text(tmp_path / "other", "text")
    assert [name.split(".")[1] for name in names(tmp_path) if name != "other"] == ["alive"]
    processes[1].communicate("go on\n")
    assert names(tmp_path) == ["alive", "other"]


@pytest.mark.parametrize("look", [recover, lambda path: atomic_write_text(path.with_name("b"), "text")])
def test_a_folder_that_gave_way_before_a_kill_comes_back(look, tmp_path, monkeypatch):
    monkeypatch.setattr("mtlcore.io.leftovers._swept", set())
    folder = make_folder(tmp_path / "a")
    with start_writer("old", folder) as process:
        assert process.wait() == -9
    assert not folder.exists()
    look(folder)
    assert (folder / FOLDER_MARKER).read_text() == "old"


def test_terminating_removes_temporary_files(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((64, 64), "f4"))
    code = (
        "import os, signal\nimport mtl_cli.main as main\nfrom mtlcore.io import atomic\n"
        "atomic.flush_to_disk = lambda path: os.kill(os.getpid(), signal.SIGTERM)\nmain.main()\n"
    )
    roots = os.pathsep.join(str(Path(package.__path__[0]).parent) for package in (mtlcore, mtl_cli, mtl_seismic))
    done = subprocess.run(
        [sys.executable, "-c", code, "convert", tmp_path / "a.npy", tmp_path / "b.raw"],
        env=os.environ | {"PYTHONPATH": roots}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.splitlines()[-1]) == (143, "Terminated.")
    assert names(tmp_path) == ["a.npy"]


def test_any_failure_of_the_system_is_one_line(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from mtl_cli.main import cli

    np.save(tmp_path / "a.npy", np.zeros((64, 64), "f4"))
    failing = {
        "os.fsync": OSError(5, "Input/output error"),
        "mtlcore.io.files.stat.S_ISREG": PermissionError(13, "Permission denied", str(tmp_path / "a.npy")),
        "mtlcore.io.volume._as_float32": MemoryError("Unable to allocate 9 TiB"),
    }
    for name, error in failing.items():
        with monkeypatch.context() as patched:
            patched.setattr(name, lambda *arguments, error=error: (_ for _ in ()).throw(error))
            result = CliRunner().invoke(cli, ["convert", str(tmp_path / "a.npy"), str(tmp_path / "b.raw")])
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith("Error: ")
        assert "Traceback" not in result.output
        assert names(tmp_path) == ["a.npy"]
