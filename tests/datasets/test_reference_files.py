"""Training data in folders: the reference's layout and our two."""

import json

import numpy as np
import pytest

from mtl_seismic.datasets import plugin
from mtl_seismic.datasets.reference import ReferenceFiles, write_item
from mtlcore import MtlError, Output
from mtlcore.errors import OptionError
from mtlcore.plugin.plugins import Plugins

OUTPUTS = (
    Output("rgt", alias="rgt"),
    Output("fault_dip", alias="fdip", alias_unit=1 / 180),
    Output("fault_strike", alias="fstrike", alias_unit=1 / 180, ndims=(3,)),
    Output("salt"),
)


def make_item(index, shape=(6, 4)):
    random = np.random.default_rng(index)
    names = ["image", "rgt", "salt", "refinement/rgt"]
    item = {name: random.standard_normal(shape).astype("f4") for name in names}
    item["fault_dip"] = random.uniform(0, 180, shape).astype("f4")
    item["refinement/fault_dip"] = 180 - item["fault_dip"]
    if len(shape) == 3:
        item["fault_strike"] = random.uniform(0, 180, shape).astype("f4")
    return item


def write(folder, layout, numbers=(0, 1, 2), shape=(6, 4), split="train"):
    """A data set of one split in any of the layouts."""
    items = {number: make_item(number, shape) for number in numbers}
    if layout == "reference":
        for number, item in items.items():
            write_item(folder, split, number, item, OUTPUTS)
    elif layout == "npz":
        (folder / split).mkdir()
        for number, item in items.items():
            np.savez_compressed(folder / split / f"{number}.npz", **item)
    else:
        (folder / split / "refinement").mkdir(parents=True)
        for key in items[numbers[0]]:
            np.save(folder / split / f"{key}.npy", np.stack([item[key] for item in items.values()]))
    describe(folder, layout=layout, shape=shape, train=len(numbers), valid=0, recipe={"seed": 1})


def describe(folder, **content):
    (folder / "dataset.json").write_text(json.dumps(content))


@pytest.mark.parametrize("layout", ["reference", "npz", "memmap"])
@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 5)])
def test_items_come_back(layout, shape, tmp_path):
    write(tmp_path, layout, shape=shape)
    items = ReferenceFiles().open(str(tmp_path), "train", OUTPUTS)
    assert len(items) == 3
    assert items.shape == shape
    for index in (2, 0, 1):
        expected, found = make_item(index, shape), items[index]
        assert found.keys() == expected.keys()
        for key, values in found.items():
            assert values.dtype == np.float32
            assert values.flags.c_contiguous
            assert values.flags.writeable
            np.testing.assert_allclose(values, expected[key], rtol=1e-6, err_msg=key)
    with pytest.raises(IndexError):
        items[3]
    assert len(list(items[-1])) == len(expected)


@pytest.mark.parametrize("layout", ["reference", "npz", "memmap"])
def test_only_the_wanted_labels_are_read(layout, tmp_path):
    write(tmp_path, layout)
    items = ReferenceFiles().open(str(tmp_path), "train", OUTPUTS[:1])
    assert set(items[0]) == {"image", "rgt", "refinement/rgt"}
    others = ReferenceFiles().open(str(tmp_path), "train", [Output("unheard_of")])
    assert set(others[0]) == {"image"}


def test_units_and_order_are_the_references(tmp_path):
    write(tmp_path, "reference", [0])
    np.full(24, 1, "<f4").tofile(tmp_path / "target_train/0_fdip.bin")
    np.arange(24, dtype="<f4").tofile(tmp_path / "data_train/0.bin")
    item = ReferenceFiles((6, 4)).open(str(tmp_path), "train", OUTPUTS)[0]
    assert np.all(item["fault_dip"] == 180)
    np.testing.assert_array_equal(item["image"][:, 0], np.arange(6))


@pytest.mark.parametrize("layout", ["reference", "npz"])
def test_numbers_sort_as_numbers_and_may_have_gaps(layout, tmp_path):
    write(tmp_path, layout, [10, 2, 0])
    items = ReferenceFiles().open(str(tmp_path), "train", OUTPUTS)
    for index, number in enumerate([0, 2, 10]):
        np.testing.assert_array_equal(items[index]["image"], make_item(number)["image"])


def test_the_option_overrules_the_description(tmp_path):
    write(tmp_path, "reference")
    describe(tmp_path, shape=[1, 1])
    assert ReferenceFiles((4, 6)).open(str(tmp_path), "train", ()).shape == (4, 6)


def refuses(folder, message, source=ReferenceFiles(), split="train"):  # noqa: B008
    with pytest.raises(MtlError, match=message) as caught:
        source.open(str(folder), split, OUTPUTS)[0]
    assert "\n" not in str(caught.value)


def test_folders_that_hold_no_data(tmp_path):
    refuses(tmp_path / "no", "/no does not exist: expected a folder")
    (tmp_path / "file").touch()
    refuses(tmp_path / "file", "/file is not a folder")
    refuses(tmp_path, "shape of the items in .* is not known. Use --shape DEPTHxTRACES.*dataset.json")
    source = ReferenceFiles((6, 4))
    refuses(tmp_path, "has no folder data_train: expected data_train/0.bin, target_train/0_rgt.bin", source)
    (tmp_path / "data_train").mkdir()
    (tmp_path / "data_train" / "0_rgt.bin").write_bytes(bytes(96))
    refuses(tmp_path, "data_train has no items: expected files named 0.bin", source)
    write(tmp_path, "reference")
    refuses(tmp_path, "has no folder data_valid", split="valid")
    refuses(tmp_path, "expected 2 or 3 sizes", ReferenceFiles((6,)))


@pytest.mark.parametrize("layout", ["npz", "memmap"])
def test_folders_of_our_layouts_that_hold_no_data(layout, tmp_path):
    describe(tmp_path, layout=layout)
    refuses(tmp_path, "has no folder train, which dataset.json promises")
    (tmp_path / "train").mkdir()
    refuses(tmp_path, "0.npz, 1.npz and so on" if layout == "npz" else r"image\.npy does not exist")


def test_descriptions_that_are_not_understood(tmp_path):
    (tmp_path / "dataset.json").write_text("{")
    refuses(tmp_path, "dataset.json cannot be read as JSON")
    (tmp_path / "dataset.json").write_text("[]")
    refuses(tmp_path, "dataset.json is not a JSON object")
    describe(tmp_path, layout="hdf5")
    with pytest.raises(OptionError, match=r"layout is 'hdf5': expected one of reference, npz, memmap"):
        ReferenceFiles().open(str(tmp_path), "train", ())


@pytest.mark.parametrize("file", ["target_train/1_rgt.bin", "data_train/2_fdip.bin"])
def test_a_label_that_some_items_lack(file, tmp_path):
    write(tmp_path, "reference")
    (tmp_path / file).unlink()
    refuses(tmp_path, f"{file} is missing, as it is for 1 of 3 items")


@pytest.mark.parametrize("number", [0, 2])
def test_an_npz_that_lacks_a_label(number, tmp_path):
    write(tmp_path, "npz")
    item = make_item(number)
    del item["rgt"]
    np.savez(tmp_path / "train" / f"{number}.npz", **item)
    items = ReferenceFiles().open(str(tmp_path), "train", OUTPUTS)
    with pytest.raises(MtlError, match=r"has 'rgt' and .* has not"):
        [items[index] for index in range(3)]


@pytest.mark.parametrize("file", ["data_train/0.bin", "target_train/0_rgt.bin"])
def test_a_size_that_does_not_fit_is_found_at_opening(file, tmp_path):
    write(tmp_path, "reference")
    (tmp_path / file).write_bytes(bytes(92))
    with pytest.raises(MtlError, match=f"{file} has 92 bytes, but the shape 6x4 of float32 needs 96. Use --shape"):
        ReferenceFiles().open(str(tmp_path), "train", OUTPUTS)


def test_a_size_that_does_not_fit_is_found_at_reading(tmp_path):
    write(tmp_path, "reference")
    (tmp_path / "target_train/2_rgt.bin").write_bytes(bytes(92))
    items = ReferenceFiles().open(str(tmp_path), "train", OUTPUTS)
    items[1]
    with pytest.raises(MtlError, match=r"target_train/2_rgt\.bin has 92 bytes"):
        items[2]


def test_shapes_that_do_not_agree(tmp_path):
    write(tmp_path, "npz")
    refuses(tmp_path, "images of 6x4, but the shape asked for is 5x5: leave out --shape", ReferenceFiles((5, 5)))
    np.savez(tmp_path / "train" / "0.npz", **make_item(0) | {"rgt": np.zeros((2, 2))})
    refuses(tmp_path, "'rgt' of .*0.npz has the shape 2x2: expected 6x4")
    np.savez(tmp_path / "train" / "0.npz", rgt=np.zeros((2, 2)))
    refuses(tmp_path, "0.npz has no array 'image'")
    (tmp_path / "train" / "0.npz").write_bytes(b"PK")
    refuses(tmp_path, "0.npz cannot be read as .npz")


def test_stacks_that_do_not_agree(tmp_path):
    write(tmp_path, "memmap")
    refuses(tmp_path, "the shape asked for is 5x5", ReferenceFiles((5, 5)))
    np.save(tmp_path / "train" / "rgt.npy", np.zeros((2, 6, 4)))
    refuses(tmp_path, "rgt.npy has the shape 2x6x4: expected 3x6x4")
    (tmp_path / "train" / "rgt.npy").write_bytes(b"\x93NUMPY")
    refuses(tmp_path, "rgt.npy cannot be read as .npy")


def test_the_plugin_registers_it():
    plugins = Plugins(installed=[])
    plugins.register(plugin, "datasets")
    assert plugins.sources["files"] is ReferenceFiles
