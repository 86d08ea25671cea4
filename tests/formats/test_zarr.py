"""Zarr stores: what xarray sees, stores of other programs, and what must not go wrong silently."""

import shutil

import numpy as np
import pytest

from mtl_seismic.formats.zarr_store.format import Zarr
from mtlcore import IMAGE, Axis, Geometry, MtlError, Output
from mtlcore.io.files import content_hash, open_volume, stored_size

zarr = pytest.importorskip("zarr")

DIP = Output("fault_dip", "dip of faults", unit="degree")
AXES = (Axis("depth", 5, 100.0, 4.0, "ms"), Axis("inline", 4, 1000.0, 2.0, "line"), Axis("crossline", 3, 50.0, -1.0))
GEOMETRY = Geometry(AXES, np.arange(12).reshape(4, 3) > 2, ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)))
VALUES = np.arange(60, dtype="f4").reshape(5, 4, 3)


def whole(shape):
    return tuple(slice(0, size) for size in shape)


def write(path, values=VALUES, geometry=GEOMETRY, output=DIP, **options):
    with Zarr(**options).create(path, geometry, output) as writer:
        writer.write(whole(values.shape), values)
    return path


def test_xarray_reads_names_positions_and_live_traces(tmp_path):
    xarray = pytest.importorskip("xarray")
    data = xarray.open_zarr(write(tmp_path / "a.zarr"), chunks=None)
    assert data.fault_dip.dims == ("depth", "inline", "crossline")
    np.testing.assert_array_equal(data.depth, [100, 104, 108, 112, 116])
    np.testing.assert_array_equal(data.inline, [1000, 1002, 1004, 1006])
    np.testing.assert_array_equal(data.crossline, [50, 49, 48])
    assert (data.depth.attrs["units"], data.fault_dip.attrs["units"]) == ("ms", "degree")
    assert data.live.dims == ("inline", "crossline")
    np.testing.assert_array_equal(data.live, GEOMETRY.live)
    assert data.fault_dip.sel(depth=108, inline=1004, crossline=49).item() == VALUES[2, 2, 1]


def test_what_xarray_cuts_and_turns_is_read_rightly(tmp_path):
    xarray = pytest.importorskip("xarray")
    data = xarray.open_zarr(write(tmp_path / "a.zarr"), chunks=None).load()
    part = data.isel(depth=slice(None, None, -1), inline=slice(1, 3)).transpose("crossline", "inline", "depth")
    for name in part.variables:
        part[name].encoding.clear()
    part.to_zarr(tmp_path / "b.zarr", consolidated=True, zarr_format=2)
    volume = Zarr().open(tmp_path / "b.zarr")
    # The attributes still say the whole volume; the coordinates say what there is.
    assert [axis.name for axis in volume.geometry.axes] == ["depth", "inline", "crossline"]
    assert [axis.origin for axis in volume.geometry.axes] == [100.0, 1002.0, 50.0]
    assert [axis.step for axis in volume.geometry.axes] == [4.0, 2.0, -1.0]
    np.testing.assert_array_equal(volume.load(), VALUES[:, 1:3])
    np.testing.assert_array_equal(volume.geometry.live, GEOMETRY.live[1:3])


def test_stores_of_other_programs(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    names = ["inline", "crossline", "time"]
    group.create_array("amplitude", data=VALUES.transpose(1, 2, 0).astype("f8"), dimension_names=names)
    group.create_array(
        "time", data=np.arange(5, dtype="i4") * 2 + 10, dimension_names=["time"], attributes={"units": "ms"}
    )
    group.create_array("trace_mask", data=GEOMETRY.live, dimension_names=names[:2])
    group.create_array("cdp_x", data=np.ones((4, 3)), dimension_names=names[:2])
    volume = open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.load(), VALUES)
    assert volume.geometry.axes[0] == Axis("time", 5, 10.0, 2.0, "ms")
    np.testing.assert_array_equal(volume.geometry.live, GEOMETRY.live)
    group.create_array("other", data=VALUES, dimension_names=["time", "inline", "crossline"])
    with pytest.raises(
        MtlError, match=r"has 3 arrays .*: set format\.array=NAME\. Arrays of 2 or 3 axes: amplitude, cdp_x, other"
    ):
        Zarr().open(tmp_path / "a.zarr")
    with pytest.raises(MtlError, match=r"no array 'amplitud'\. Did you mean 'amplitude'\?"):
        Zarr(array="amplitud").open(tmp_path / "a.zarr")
    assert Zarr(array="other").open(tmp_path / "a.zarr").shape == (5, 4, 3)


def test_uneven_positions_are_refused(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array("image", data=VALUES, dimension_names=["depth", "inline", "crossline"])
    group.create_array("inline", data=np.array([1, 2, 3, 5]), dimension_names=["inline"])
    with pytest.raises(
        MtlError, match=r"Axis 'inline' of .*a\.zarr has uneven positions \(1 to 5\): expected equal steps"
    ):
        Zarr().open(tmp_path / "a.zarr")


def test_axes_and_outputs_with_odd_names(tmp_path):
    axes = (Axis("live", 5), Axis("in/line", 4), Axis("in line", 3))
    path = write(tmp_path / "a.zarr", geometry=Geometry(axes), output=Output("in_line"))
    volume = Zarr().open(path)
    assert volume.geometry.axes == axes
    np.testing.assert_array_equal(volume.load(), VALUES)


def test_blocks_are_no_larger_than_the_volume():
    for options, shape, block_shape in [
        ({}, (1000, 800, 100), (128, 128, 128)),
        ({}, (1000, 800, 50), (128, 128, 50)),
        ({}, (3000, 70), (1024, 70)),
        ({"chunk": 100}, (1000, 800, 100), (200, 200, 100)),
        ({"chunk": (8, 16, 32), "shard": 64}, (1000, 800, 100), (64, 64, 64)),
    ]:
        assert Zarr(**options).block_shape(Geometry.of_shape(shape)) == block_shape


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chunk": 3, "shard": 4}, "shards of 4x4x4 samples hold no whole number of chunks of 3x3x3"),
        ({"chunk": (2, 2)}, r"option chunk is \(2, 2\): expected one number, or 3 for a 3D volume"),
    ],
)
def test_blocks_that_do_not_fit(options, message, tmp_path):
    with pytest.raises(MtlError, match=message):
        write(tmp_path / "a.zarr", **options)
    assert not list(tmp_path.iterdir())


def test_windows_in_any_order_write_each_shard_once(tmp_path, monkeypatch):
    stored = []
    original = zarr.Array.__setitem__
    monkeypatch.setattr(zarr.Array, "__setitem__", lambda a, w, v: (stored.append(w), original(a, w, v))[1])
    with Zarr(chunk=2, shard=4).create(tmp_path / "a.zarr", Geometry.of_shape((8, 8, 8)), IMAGE) as writer:
        stored.clear()
        values = np.arange(512, dtype="f4").reshape(8, 8, 8)
        for depth in np.random.default_rng(0).permutation(8):
            writer.write(window := (slice(depth, depth + 1), slice(0, 8), slice(0, 8)), values[window])
        assert len(stored) == 8
    np.testing.assert_array_equal(Zarr().open(tmp_path / "a.zarr").load(), values)


def test_a_lost_shard_is_no_zeros(tmp_path):
    path = write(tmp_path / "a.zarr", shard=2, chunk=2)
    (path / "fault_dip" / "c" / "0" / "1" / "0").unlink()
    with pytest.raises(MtlError, match=r"a\.zarr has 11 of its 12 shards: copy it again"):
        Zarr().open(path)


def test_a_damaged_shard_is_said(tmp_path):
    path = write(tmp_path / "a.zarr")
    shard = path / "fault_dip" / "c" / "0" / "0" / "0"
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(MtlError, match=r"a\.zarr cannot be read as Zarr: "):
        Zarr().open(path).load()


@pytest.mark.parametrize("content", ["", "{", '{"zarr_format": 3, "node_type": "array"}'])
def test_a_damaged_store_is_said_in_one_line(content, tmp_path):
    path = write(tmp_path / "a.zarr")
    (path / "zarr.json").write_text(content)
    with pytest.raises(MtlError, match=r"a\.zarr cannot be read as Zarr: ") as caught:
        Zarr().open(path)
    assert "\n" not in str(caught.value)


def test_a_store_that_was_replaced_is_not_mixed_with_the_new_one(tmp_path):
    path = write(tmp_path / "a.zarr")
    volume = Zarr().open(path)
    write(path, values=VALUES + 1)
    with pytest.raises(MtlError, match=r"a\.zarr was replaced by another store while it was open"):
        volume.load()
    np.testing.assert_array_equal(Zarr().open(path).load(), VALUES + 1)


def test_files_and_empty_folders(tmp_path):
    (tmp_path / "a.zarr").write_text("text")
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(MtlError, match=r"a\.zarr is a file: expected a folder"):
        open_volume(tmp_path / "a.zarr")
    with pytest.raises(MtlError, match=r"b\.zarr cannot be read as Zarr"):
        open_volume(tmp_path / "b.zarr")
    write(tmp_path / "b.zarr")


def test_the_hash_of_a_store_is_that_of_its_content(tmp_path):
    path = write(tmp_path / "a.zarr")
    shutil.copytree(path, tmp_path / "b.zarr")
    assert content_hash(path) == content_hash(tmp_path / "b.zarr")
    assert stored_size(path) == sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    write(path, values=VALUES + 1)
    assert content_hash(path) != content_hash(tmp_path / "b.zarr")
    (tmp_path / "b.zarr" / "zarr.json").rename(tmp_path / "b.zarr" / "zarr.txt")
    assert content_hash(path) != content_hash(tmp_path / "b.zarr")


def test_a_part_can_be_written_again_after_a_failure(tmp_path):
    format, path = Zarr(chunk=2, shard=4), tmp_path / "a.zarr"
    started = format.begin(path, GEOMETRY, DIP)
    with pytest.raises(RuntimeError), format.join(started, "one") as writer:
        writer.write((slice(0, 5), slice(0, 2), slice(0, 3)), VALUES[:, :2] + 9)
        raise RuntimeError("killed")
    with pytest.raises(MtlError, match="lacks the part of one: write it again, then commit"):
        format.commit(started, path)
    with format.join(started, "one") as writer:
        writer.write(whole(VALUES.shape), VALUES)
    format.commit(started, path)
    np.testing.assert_array_equal(format.open(path).load(), VALUES)


def test_two_processes_of_one_name_are_found(tmp_path):
    format = Zarr()
    started = format.begin(tmp_path / "a.zarr", GEOMETRY, DIP)
    with pytest.raises(MtlError, match=r"'one' joined .* a second time"), format.join(started, "one"):
        format.join(started, "one").__enter__()
    with (
        pytest.raises(MtlError, match="was not begun, or is committed already"),
        format.join(tmp_path / "no.zarr", "one"),
    ):
        pass


def test_the_package_zarr_is_an_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(MtlError, match=r'need the package zarr, not installed here: pip install "mtlcore\[zarr\]"'):
        Zarr()
