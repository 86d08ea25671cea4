import json
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import mtl_cli
import mtl_seismic
import mtlcore
from mtl_seismic.synth import Field3D, Rgm2D, Rgm3D, generate, parameters, write_dataset
from mtl_seismic.synth import dataset as module
from mtlcore import MtlError

SECTION, VOLUME = Rgm2D(shape=(24, 20)), Rgm3D(shape=(16, 12, 10))
VALID = module.FIRST_VALID_INDEX


def manifest(directory):
    return json.loads((directory / "dataset.json").read_text())


@pytest.mark.parametrize("recipe", [SECTION, VOLUME])
def test_the_reference_layout(tmp_path, recipe):
    folder = write_dataset(recipe, 7, tmp_path / "set", train=2, valid=1)
    item = generate(recipe, 7, 1, refinement_inputs=True)

    def read(name):
        return np.fromfile(folder / name, "<f4").reshape(recipe.shape[::-1]).T

    np.testing.assert_array_equal(read("data_train/1.bin"), item["image"])
    np.testing.assert_array_equal(read("target_train/1_rgt.bin"), item["rgt"])
    np.testing.assert_array_equal(read("target_train/1_fsem.bin"), item["fault_probability"])
    np.testing.assert_allclose(read("target_train/1_fdip.bin"), item["fault_dip"] / 180)
    np.testing.assert_array_equal(read("data_train/1_dhr.bin"), item["refinement/dhr"])
    np.testing.assert_allclose(read("data_train/1_fdip.bin"), item["refinement/fault_dip"] / 180)
    np.testing.assert_array_equal(read("data_valid/0.bin"), generate(recipe, 7, VALID)["image"])
    assert (folder / "target_train/0_fstrike.bin").exists() == (len(recipe.shape) == 3)


@pytest.mark.parametrize("recipe", [SECTION, VOLUME])
def test_npz_and_memory_maps_hold_the_same_items(tmp_path, recipe):
    files = write_dataset(recipe, 7, tmp_path / "npz", 2, 1, "npz")
    mapped = write_dataset(recipe, 7, tmp_path / "memmap", 2, 1, "memmap")
    for split, number, index in (("train", 0, 0), ("train", 1, 1), ("valid", 0, VALID)):
        item = generate(recipe, 7, index, refinement_inputs=True)
        with np.load(files / split / f"{number}.npz") as stored:
            assert set(stored.files) == set(item)
            for name, values in item.items():
                np.testing.assert_array_equal(stored[name], values)
                column = np.load(mapped / split / f"{name}.npy", mmap_mode="r")
                np.testing.assert_array_equal(column[number], values)


@pytest.mark.parametrize("layout", module.LAYOUTS)
def test_the_manifest_says_how_every_item_was_made(tmp_path, layout):
    folder = write_dataset(SECTION, 7, tmp_path / "set", 2, 1, layout)
    found = manifest(folder)
    assert found["shape"] == [24, 20] and (found["train"], found["valid"]) == (2, 1)
    assert (found["recipe"], found["seed"], found["layout"]) == ("rgm2d", 7, layout)
    assert found["options"]["dip"] == [50.0, 130.0]
    assert [(item["split"], item["index"]) for item in found["items"]] == [("train", 0), ("train", 1), ("valid", VALID)]
    assert found["items"][1]["parameters"] == json.loads(json.dumps(parameters(SECTION, 7, 1)))


def test_the_recipe_can_be_made_again_from_the_manifest(tmp_path):
    recipe = Field3D(shape=(16, 12, 10), phase=(0.0, 5.0))
    found = manifest(write_dataset(recipe, 7, tmp_path / "set", 1, 0, "npz"))
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in found["options"].items()}
    assert Field3D(shape=tuple(found["shape"]), **options) == recipe


def test_workers_write_the_same_bytes(tmp_path):
    # Memory maps are the layout in which workers share files.
    one = write_dataset(SECTION, 7, tmp_path / "one", 3, 1, "memmap")
    two = write_dataset(SECTION, 7, tmp_path / "two", 3, 1, "memmap", workers=2)
    for path in sorted(one.rglob("*.*")):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


def test_what_is_written_does_not_depend_on_how_much_is(tmp_path):
    few, many = (write_dataset(SECTION, 7, tmp_path / str(n), n, n, "npz") for n in (1, 2))
    assert (few / "valid/0.npz").read_bytes() == (many / "valid/0.npz").read_bytes()


@pytest.mark.parametrize("layout", module.LAYOUTS)
def test_nothing_is_left_of_a_data_set_that_failed(tmp_path, layout, monkeypatch):
    def fail(recipe, seed, index, refinement_inputs):
        if index == 1:
            raise KeyboardInterrupt
        return generate(recipe, seed, index, refinement_inputs)

    monkeypatch.setattr(module, "generate", fail)
    with pytest.raises(KeyboardInterrupt):
        write_dataset(SECTION, 7, tmp_path / "set", 2, 0, layout)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_data_set_is_kept(tmp_path):
    folder = write_dataset(SECTION, 7, tmp_path / "set", 1, 0, "npz")
    with pytest.raises(FileExistsError, match="not an empty directory"):
        write_dataset(SECTION, 8, folder, 1, 0, "npz")
    assert manifest(folder)["seed"] == 7


def test_an_empty_directory_may_be_filled(tmp_path):
    (tmp_path / "set").mkdir()
    assert (write_dataset(SECTION, 7, tmp_path / "set", 1, 0, "npz") / "train/0.npz").exists()


def test_an_unknown_layout_is_refused(tmp_path):
    with pytest.raises(ValueError, match="reference, npz, memmap"):
        write_dataset(SECTION, 7, tmp_path / "set", 1, 0, "hdf5")


def test_progress_and_leaving_refinement_inputs_out(tmp_path):
    seen = []
    folder = write_dataset(
        SECTION, 7, tmp_path / "set", 2, 1, "reference", refinement_inputs=False, progress=seen.append
    )
    assert seen == [1, 2, 3]
    assert not (folder / "data_train/0_rgt.bin").exists()
    assert manifest(folder)["refinement_inputs"] is False


RUN = """
import sys
from mtl_cli.main import main
main()
"""


def start_synth(folder, *options):
    roots = os.pathsep.join(str(Path(package.__path__[0]).parent) for package in (mtlcore, mtl_cli, mtl_seismic))
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "synth", "rgm3d", folder, "--shape", "64x64x64", "--train", "400", *options],
        env=os.environ | {"PYTHONPATH": roots}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def children_of(process):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[1] == str(process.pid):
                found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(number, tmp_path, monkeypatch):
    with start_synth(tmp_path / "set", "--workers", "2") as process:
        wait_for(lambda: list(tmp_path.glob(".set.*.part/data_train/*.bin")))
        workers = children_of(process)
        assert len(workers) >= 2
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    codes = {signal.SIGTERM: (143, "Terminated."), signal.SIGINT: (130, "Interrupted.")}
    if number in codes:
        assert (process.returncode, errors.strip().splitlines()[-1]) == codes[number]
        assert "Traceback" not in errors
        assert not list(tmp_path.iterdir())
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), 20)
    # What a kill left goes when the next data set is begun.
    monkeypatch.setattr("mtlcore.io.leftovers._swept", set())
    write_dataset(SECTION, 7, tmp_path / "set", 1, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("layout", ["reference", "npz", "memmap"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_one_line(layout, workers, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(MtlError, match=r"Cannot write .*set: ") as caught:
            write_dataset(Rgm2D(shape=(64, 80)), 7, tmp_path / "set", 2, 1, layout, workers=workers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
