"""Files and folders appear whole or not at all."""

import errno
import os
import resource
import stat

import numpy as np
import pytest

from mtl_seismic.formats.npy import Npy
from mtl_seismic.formats.npz import Npz
from mtl_seismic.formats.raw import Raw
from mtl_seismic.formats.vti.format import Vti
from mtl_seismic.formats.zarr_store.format import Zarr
from mtlcore import IMAGE, Geometry, MtlError
from mtlcore.io.atomic import atomic_folder, atomic_path, atomic_write_text


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


def test_other_errors_of_the_block_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        (tmp_path / "input").read_text()


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
