"""From a path to a format."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mtl_seismic.formats import plugin
from mtlcore import Format, MtlError, hookimpl
from mtlcore.errors import OptionError, UnknownNameError
from mtlcore.io.files import choose_format, file_size, make_format, open_volume
from mtlcore.plugin.plugins import Plugins


@pytest.fixture
def plugins():
    found = Plugins(installed=[])
    found.register(plugin, "formats")
    return found


@dataclass(frozen=True)
class Other(Format):
    name = "other"
    suffixes = (".dat", ".tar.npz")

    def open(self, path): ...

    def create(self, path, geometry, output): ...


class OtherPlugin:
    @hookimpl
    def register_formats(self, registry):
        registry.add(Other)
        registry.add("no_such_module:Format", name="lame")


def test_listing_the_formats_loads_none(plugins):
    assert list(plugins.formats) == ["hdf5", "npy", "npz", "raw", "reference", "vti", "zarr"]
    assert all(isinstance(entry.target, str) for entry in plugins.formats.entries())


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.npy", "npy"),
        ("b.c/A.NPZ", "npz"),
        ("a.bin", "raw"),
        ("x.f32", "raw"),
        ("a.npy.raw", "raw"),
        ("a.zarr", "zarr"),
    ],
)
def test_the_suffix_chooses(file, name, plugins):
    assert choose_format(Path(file), None, plugins.formats).name == name


def test_a_name_overrules_the_suffix(plugins):
    assert choose_format(Path("a.npy"), "raw", plugins.formats).name == "raw"
    with pytest.raises(UnknownNameError, match=r"Unknown format 'nppy'\. Did you mean 'npy'\?"):
        choose_format(Path("a.npy"), "nppy", plugins.formats)


def test_an_unknown_suffix_lists_the_formats(plugins):
    with pytest.raises(MtlError, match=r"a\.sgy .*'\.sgy'.* --format NAME.* npy \(\.npy\), npz \(\.npz\), raw \(\.bin"):
        choose_format(Path("a.sgy"), None, plugins.formats)


def test_third_party_formats_count(plugins):
    plugins.register(OtherPlugin(), "third party")
    assert choose_format(Path("a.tar.npz"), None, plugins.formats) is Other
    assert choose_format(Path("a.npz"), None, plugins.formats).name == "npz"
    with pytest.raises(MtlError, match=r"suffix of a\.dat is that of other and raw\. Use --format other"):
        choose_format(Path("a.dat"), None, plugins.formats)
    with pytest.raises(MtlError, match=r"Not loaded: lame \(see: mtl plugins --check"):
        choose_format(Path("a.xyz"), None, plugins.formats)


def test_volumes_open_with_options(plugins, tmp_path):
    values = np.arange(12, dtype="<i2").reshape(3, 4)
    values.T.tofile(tmp_path / "a.bin")
    volume = open_volume(str(tmp_path / "a.bin"), options={"shape": [3, 4], "dtype": "int16"}, plugins=plugins)
    np.testing.assert_array_equal(volume.load(), values)
    with pytest.raises(OptionError, match=r"format.raw has no option 'shap'. Did you mean 'shape'\?"):
        make_format(tmp_path / "a.bin", None, {"shap": 3}, plugins)
    with pytest.raises(OptionError, match=r"format.raw.dtype is 'float31'.*float32, float64"):
        make_format(tmp_path / "a.bin", None, {"dtype": "float31"}, plugins)


def test_a_missing_file_is_said_before_its_suffix(plugins):
    with pytest.raises(MtlError, match=r"/no/a\.xyz does not exist"):
        open_volume("/no/a.xyz", plugins=plugins)


def test_file_size(tmp_path):
    (tmp_path / "full").write_bytes(b"abc")
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    assert file_size(tmp_path / "full") == 3
    for name, message in [
        ("empty", "empty is empty"),
        ("none", "none does not exist"),
        ("", "is a folder"),
        ("pipe", "not a regular file"),
        ("full/below", "cannot be read: Not a directory"),
    ]:
        with pytest.raises(MtlError, match=message):
            file_size(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_forbidden_file(tmp_path):
    (tmp_path / "secret").write_bytes(b"abc")
    (tmp_path / "secret").chmod(0)
    with pytest.raises(MtlError, match="secret cannot be read: Permission denied"):
        file_size(tmp_path / "secret")
