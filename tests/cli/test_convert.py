"""mtl convert: between all formats, piece by piece, never over what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from mtl_cli.commands.convert import windows
from mtl_cli.main import cli
from mtlcore import IMAGE, Axis, Geometry, Volume
from mtlcore.io.files import make_format, open_volume
from mtlcore.plugin import plugins

GEOMETRY = Geometry(
    (
        Axis("time", 20, 100.0, 4.0, "ms"),
        Axis("inline", 5, 10.0, 2.0, "line"),
        Axis("crossline", 6, 300.0, 1.0, "line"),
    ),
    live=np.arange(30).reshape(5, 6) % 7 != 0,
    coordinates=((500_000.0, 12.5, 0.25), (6_000_000.0, -0.25, 12.5)),
)


def mtl(*arguments: Any) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="mtl")


@pytest.fixture
def values() -> Any:
    random = np.random.default_rng(0).standard_normal(GEOMETRY.shape).astype(np.float32)
    return np.where(GEOMETRY.live, random, np.float32(0))


@pytest.fixture
def survey(tmp_path: Path, values: Any) -> Path:
    """A volume with all that a geometry can say."""
    path = tmp_path / "survey.npy"
    with make_format(path).create(path, GEOMETRY, IMAGE) as writer:
        writer.write(tuple(slice(0, size) for size in GEOMETRY.shape), values)
    return path


def same_geometry(volume: Volume) -> None:
    assert volume.geometry.axes == GEOMETRY.axes
    assert np.array_equal(volume.geometry.live, GEOMETRY.live)  # type: ignore[arg-type]
    assert volume.geometry.coordinates == GEOMETRY.coordinates


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".bin", ".sgy", ".zarr"])
@pytest.mark.parametrize("other", [".npy", ".bin", ".sgy", ".zarr"])
def test_between_formats(survey: Path, values: Any, tmp_path: Path, suffix: str, other: str) -> None:
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{other}"
    for one, two in ((survey, first), (first, second)):
        result = mtl("convert", one, two, "-q")
        assert result.exit_code == 0, result.output
    volume = open_volume(second)
    same_geometry(volume)
    alive = np.broadcast_to(GEOMETRY.live, values.shape)  # type: ignore[arg-type]
    np.testing.assert_array_equal(volume.load()[alive], values[alive])


def test_every_installed_format_can_be_written(survey: Path, values: Any, tmp_path: Path) -> None:
    formats = plugins.current().formats
    for name in formats:
        if formats[name].suffixes:
            target = tmp_path / f"made{formats[name].suffixes[0]}"
            result = mtl("convert", survey, target, "--to", name, "-q")
            assert result.exit_code == 0, result.output
            assert open_volume(target, name).shape == values.shape


def test_raw_files_need_a_shape(tmp_path: Path) -> None:
    path = tmp_path / "section.bin"
    np.arange(12, dtype="<f4").tofile(path)
    assert "--shape" in mtl("convert", path, tmp_path / "out.npy").stderr
    assert mtl("convert", path, tmp_path / "out.npy", "--shape", "3x4").exit_code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), np.arange(12).reshape(4, 3).T)


def test_nothing_is_overwritten_without_force(survey: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.sgy"
    target.write_text("precious")
    result = mtl("convert", survey, target)
    assert result.exit_code == 1 and "--force" in result.stderr and target.read_text() == "precious"
    assert mtl("convert", survey, target, "--force", "-q").exit_code == 0
    assert open_volume(target).shape == GEOMETRY.shape
    result = mtl("convert", survey, survey, "--force")
    assert result.exit_code == 1 and "is the input itself" in result.stderr


def test_a_failure_leaves_what_was_there(survey: Path, tmp_path: Path) -> None:
    array = np.load(survey, mmap_mode="r+")
    array[3, 3, 4] = np.nan
    array.flush()
    target = tmp_path / "out.sgy"
    target.write_text("precious")
    result = mtl("convert", survey, target, "--force", "--set", "to.write_as=ibm")
    assert result.exit_code == 1 and "write_as=ieee" in result.stderr
    assert target.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.sgy", "survey.npy", "survey.npy.json"]


def test_options_of_both_formats(survey: Path, values: Any, tmp_path: Path) -> None:
    made = tmp_path / "made.sgy"
    mtl("convert", survey, made, "--set", "to.write_as=ibm", "--set", "to.text=HELLO")
    assert "HELLO" in made.read_bytes()[:3200].decode("cp037")
    turned = tmp_path / "turned.npy"
    result = mtl("convert", made, turned, "--set", "from.inline=193", "--set", "from.crossline=189", "-q")
    assert result.exit_code == 0, result.output
    np.testing.assert_allclose(np.load(turned), values.swapaxes(1, 2), rtol=2**-20)
    for settings, said in (("to.colour=1", "no option 'colour'"), ("form.x=1", "no section 'form'")):
        result = mtl("convert", survey, tmp_path / "x.sgy", "--set", settings)
        assert result.exit_code == 2 and said in result.stderr


def test_json(survey: Path, tmp_path: Path) -> None:
    result = mtl("convert", survey, tmp_path / "x.npz", "--json")
    facts = json.loads(result.stdout)
    assert facts["format"] == "npz" and facts["shape"] == [20, 5, 6] and not result.stderr


def test_a_field_of_a_result_keeps_its_name(tmp_path: Path, make_model: Any, make_image: Any) -> None:
    make_model(folder=tmp_path / "model")
    np.save(tmp_path / "image.npy", make_image((32, 32)))
    out = tmp_path / "out"
    mtl("run", "-i", tmp_path / "image.npy", "-m", tmp_path / "model", "-o", out, "--no-pictures", "-q")
    assert mtl("convert", out / "fault_dip.npy", tmp_path / "dip.sgy", "-q").exit_code == 0
    assert "fault_dip" in (tmp_path / "dip.sgy").read_bytes()[:3200].decode("cp037")


@pytest.mark.parametrize("shape", [(7, 9), (64, 5), (10, 12, 8), (1, 1, 1), (100, 3, 50)])
@pytest.mark.parametrize("block_shape", [1, 4])
@pytest.mark.parametrize("budget", [1, 50, 10**9])
def test_windows_cover_a_volume_once_in_whole_blocks(shape: tuple[int, ...], block_shape: int, budget: int) -> None:
    count = np.zeros(shape, int)
    for window in windows(shape, (block_shape,) * len(shape), budget):
        count[window] += 1
        assert all(part.start % block_shape == 0 for part in window)
        size = count[window].size
        assert size <= max(budget, block_shape ** len(shape))
    assert (count == 1).all()


def bare(path: Path, values: Any) -> Path:
    """A file of samples alone."""
    np.save(path, values)
    return path


def test_the_geometry_and_headers_of_another_file(survey: Path, values: Any, tmp_path: Path) -> None:
    original = tmp_path / "original.sgy"
    assert mtl("convert", survey, original, "-q").exit_code == 0
    result = mtl("convert", bare(tmp_path / "dhr.npy", values), tmp_path / "dhr.sgy", "--like", original, "-q")
    assert result.exit_code == 0, result.output
    made = open_volume(tmp_path / "dhr.sgy")
    same_geometry(made)
    assert (tmp_path / "dhr.sgy").read_bytes()[3200:] == original.read_bytes()[3200:]
    refused = mtl("convert", bare(tmp_path / "x.npy", values[:9]), tmp_path / "x.sgy", "--like", original)
    assert refused.exit_code == 1 and "9x5x6" in refused.stderr and not (tmp_path / "x.sgy").exists()


def test_options_of_the_file_whose_geometry_is_taken(survey: Path, values: Any, tmp_path: Path) -> None:
    original = tmp_path / "original.sgy"
    assert mtl("convert", survey, original, "-q").exit_code == 0
    field = bare(tmp_path / "dhr.npy", values)
    assert mtl("convert", field, tmp_path / "d.sgy", "--like", original, "--set", "like.unit=m", "-q").exit_code == 0
    assert open_volume(tmp_path / "d.sgy").geometry.axes[0].unit == "m"


def test_a_geometry_in_parts(values: Any, tmp_path: Path) -> None:
    field, made = bare(tmp_path / "field.npy", values), tmp_path / "field.sgy"
    places = ("--inlines", "10:2", "--crosslines", "300", "--origin", "500200,6003747.5")
    steps = ("--inline-step", "25,-0.5", "--crossline-step", "0.25,12.5")
    result = mtl("convert", field, made, "--interval", "4ms", "--start", "100", *places, *steps, "-q")
    assert result.exit_code == 0, result.output
    found = open_volume(made)
    assert found.geometry.axes == GEOMETRY.axes
    np.testing.assert_allclose(found.geometry.coordinates, GEOMETRY.coordinates)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.load(), values)
    deep = tmp_path / "deep.sgy"
    assert mtl("convert", made, deep, "--interval", "12.5m", "-q").exit_code == 0
    axes = open_volume(deep).geometry.axes
    assert axes == (Axis("depth", 20, 100.0, 12.5, "m"), *GEOMETRY.axes[1:])


def test_a_line_in_parts(tmp_path: Path) -> None:
    field = bare(tmp_path / "line.npy", np.ones((8, 5), np.float32))
    steps = ("--crosslines", "100:2", "--origin", "1000,2000", "--crossline-step", "25,0")
    assert mtl("convert", field, tmp_path / "line.sgy", "--interval", "2", *steps, "-q").exit_code == 0
    geometry = open_volume(tmp_path / "line.sgy").geometry
    assert geometry.axes == (Axis("time", 8, 0.0, 2.0, "ms"), Axis("cdp", 5, 100.0, 2.0, "line"))
    assert geometry.coordinates == ((-250.0, 12.5, 0.0), (2000.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--origin", "1,2"), "needs --inline-step and --crossline-step"),
        (("--inline-step", "1,2"), "need --origin"),
        (("--interval", "-4"), "not an interval"),
        (("--inlines", "a:b"), "not 1 to 2 numbers"),
    ],
)
def test_geometry_options_that_do_not_go_together(values: Any, tmp_path: Path, options: Any, said: str) -> None:
    result = mtl("convert", bare(tmp_path / "a.npy", values), tmp_path / "a.sgy", *options)
    assert result.exit_code == 2 and said in result.stderr and not (tmp_path / "a.sgy").exists()


def test_results_of_a_format_without_headers_go_back_to_segy(
    make_model: Any, survey: Path, values: Any, tmp_path: Path
) -> None:
    original, out = tmp_path / "original.sgy", tmp_path / "out"
    assert mtl("convert", survey, original, "-q").exit_code == 0
    make_model(ndim=3, folder=tmp_path / "model")
    parts = ("-m", tmp_path / "model", "-o", out, "--output-format", "npy", "--no-pictures", "-q")
    assert mtl("run", "-i", original, *parts).exit_code == 0
    for sidecar in out.glob("*.npy.json"):
        sidecar.unlink()
    result = mtl("convert", out / "dhr.npy", tmp_path / "dhr.sgy", "-q")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "dhr.sgy").stat().st_size == original.stat().st_size
    same_geometry(open_volume(tmp_path / "dhr.sgy"))
