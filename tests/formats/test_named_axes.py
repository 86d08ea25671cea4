"""Files of other programs: names of dimensions and coordinates decide the axes, units and X and Y."""

from itertools import permutations

import numpy as np
import pytest

from mtl_seismic.formats.crooked import trace_points
from mtl_seismic.formats.hdf5_file.format import Hdf5
from mtl_seismic.formats.zarr_store.format import Zarr
from mtl_seismic.segy.format import SegY
from mtlcore import IMAGE, Axis, MtlError
from mtlcore.io.files import make_format, open_volume

h5py = pytest.importorskip("h5py")
zarr = pytest.importorskip("zarr")

TIME, INLINE, CROSSLINE = 4 + 4 * np.arange(40), np.arange(111, 117), np.arange(875, 882)
AXES = (Axis("twt", 40, 4, 4, "ms"), Axis("inline", 6, 111, 1, "line"), Axis("crossline", 7, 875, 1, "line"))
VALUES = np.random.default_rng(0).standard_normal((40, 6, 7)).astype("f4")
NAMES = {"twt": TIME, "iline": INLINE, "xline": CROSSLINE}


def netcdf(path, values, names, where="data", group="", **attributes):
    """A NetCDF-4 file: dimensions are scales."""
    with h5py.File(path, "w") as file:
        parent = file.require_group(group) if group else file
        dataset = parent.create_dataset(where, data=values)
        for number, (name, positions) in enumerate(names.items()):
            scale = file.create_dataset(name, data=positions)
            scale.make_scale(name)
            dataset.dims[number].attach_scale(scale)
        file.attrs.update(attributes)
    return path


def add(path, **arrays):
    with h5py.File(path, "a") as file:
        for name, (values, dimensions) in arrays.items():
            dataset = file.create_dataset(name, data=values)
            for number, dimension in enumerate(dimensions):
                dataset.dims[number].attach_scale(file[dimension])


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("suffix", [".h5", ".nc", ".seisnc"])
def test_dimensions_in_any_order(order, suffix, tmp_path):
    names = list(NAMES)
    path = netcdf(tmp_path / f"a{suffix}", VALUES.transpose(order), {names[axis]: NAMES[names[axis]] for axis in order})
    volume = open_volume(path)
    assert volume.geometry.axes == AXES
    np.testing.assert_array_equal(volume.load(), VALUES)


def test_variables_in_groups_find_dimensions_around_them(tmp_path):
    names = {"iline": INLINE, "xline": CROSSLINE, "twt": TIME}
    volume = open_volume(netcdf(tmp_path / "a.nc", VALUES.transpose(1, 2, 0), names, group="survey/full"))
    assert volume.geometry.axes == AXES
    np.testing.assert_array_equal(volume.load(), VALUES)


def test_labels_and_sizes_stand_in_for_scales(tmp_path):
    for labelled in (True, False):
        with h5py.File(tmp_path / f"{labelled}.h5", "w") as file:
            data = file.create_dataset("amplitude", data=VALUES.transpose(1, 2, 0))
            for number, (name, positions) in enumerate((("iline", INLINE), ("xline", CROSSLINE), ("twt", TIME))):
                file[name] = positions
                if labelled:
                    data.dims[number].label = name
        volume = open_volume(tmp_path / f"{labelled}.h5")
        assert volume.geometry.axes == AXES
        np.testing.assert_array_equal(volume.load(), VALUES)


def test_a_store_without_names_of_dimensions_finds_them_by_size(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    for name, values in (("data", VALUES.transpose(1, 2, 0)), ("iline", INLINE), ("xline", CROSSLINE), ("twt", TIME)):
        group.create_array(name, data=values)
    volume = open_volume(tmp_path / "a.zarr")
    assert volume.geometry.axes == AXES
    np.testing.assert_array_equal(volume.load(), VALUES)


def test_dimensions_without_positions_count_samples(tmp_path):
    path = netcdf(tmp_path / "a.nc", VALUES.transpose(1, 2, 0), {"iline": INLINE, "xline": CROSSLINE, "twt": TIME})
    with h5py.File(path, "a") as file:
        file["iline"].attrs["NAME"] = np.bytes_("This is a netCDF dimension but not a netCDF variable.         6")
    axes = open_volume(path).geometry.axes
    assert axes[1:] == (Axis("inline", 6), AXES[2])


@pytest.mark.parametrize(
    ("name", "positions", "units", "axis"),
    [
        ("twt", 0.004 * np.arange(40), None, ("twt", 0.0, 0.004, "s")),
        ("time", TIME, "milliseconds", ("time", 4.0, 4.0, "ms")),
        ("time", TIME * 1_000_000, "nanoseconds", ("time", 4.0, 4.0, "ms")),
        ("depth", 10.0 * np.arange(40), "metres", ("depth", 0.0, 10.0, "m")),
        ("depth", 10.0 * np.arange(40), "Feet", ("depth", 0.0, 10.0, "ft")),
        ("TVDSS", 10.0 * np.arange(40), None, ("TVDSS", 0.0, 10.0, "ft")),
        ("elapsed", TIME, "ms", ("elapsed", 4.0, 4.0, "ms")),
        ("samples", np.arange(40), None, ("samples", 0.0, 1.0, "sample")),
        ("samples", TIME, None, ("samples", 4.0, 4.0, "ms")),
        ("samples", 10.0 * np.arange(40), None, ("samples", 0.0, 10.0, "sample")),
    ],
)
def test_units_of_the_vertical_axis(name, positions, units, axis, tmp_path):
    names = {"iline": INLINE, "xline": CROSSLINE, name: positions}
    path = netcdf(tmp_path / "a.nc", VALUES.transpose(1, 2, 0), names, measurement_system="ft")
    if units:
        with h5py.File(path, "a") as file:
            file[name].attrs["units"] = units
    found = open_volume(path).geometry.axes[0]
    assert (found.name, found.origin, found.unit) == (axis[0], axis[1], axis[3])
    assert found.step == pytest.approx(axis[2])


@pytest.mark.parametrize(("domain", "unit"), [("TWT", "ms"), ("DEPTH", "ft")])
def test_the_domain_that_segysak_notes(domain, unit, tmp_path):
    names = {"iline": INLINE, "xline": CROSSLINE, "samples": 10.0 * np.arange(40)}
    path = netcdf(tmp_path / "a.nc", VALUES.transpose(1, 2, 0), names, d3_domain=domain, measurement_system="ft")
    assert open_volume(path).geometry.axes[0] == Axis("samples", 40, 0.0, 10.0, unit)


@pytest.mark.parametrize(("unit", "step"), [("ms", 4.0), ("m", 5.0), ("ft", 12.5)])
def test_units_go_from_format_to_format(unit, step, tmp_path):
    names = {"iline": INLINE, "xline": CROSSLINE, "depth": 100 + step * np.arange(40)}
    path = netcdf(tmp_path / "a.nc", VALUES.transpose(1, 2, 0), names)
    with h5py.File(path, "a") as file:
        file["depth"].attrs["units"] = unit
    for suffix in (".zarr", ".sgy", ".h5", ".vti", ".npz", ".bin", ".npy"):
        source, path = path, tmp_path / f"b{suffix}"
        volume = open_volume(source)
        with make_format(path).create(path, volume.geometry, IMAGE) as writer:
            writer.write(tuple(slice(0, size) for size in VALUES.shape), volume.load())
        axis = open_volume(path).geometry.axes[0]
        assert (axis.origin, axis.step, axis.unit) == (100.0, step, unit), suffix
    np.testing.assert_array_equal(open_volume(path).load(), VALUES)


def grid_xy(origin=(500_000.0, 6_000_000.0)):
    """X and Y over inlines and crosslines, turned by 30 degrees."""
    i, x = np.meshgrid(np.arange(6), np.arange(7), indexing="ij")
    return origin[0] + 21.65 * x - 6.25 * i, origin[1] + 12.5 * x + 10.825 * i


def positions_of(geometry, inline, crossline):
    return [a + b * inline + c * crossline for a, b, c in geometry.coordinates]


@pytest.mark.parametrize("turned", [False, True])
def test_x_and_y_of_each_trace(turned, tmp_path):
    path = netcdf(tmp_path / "a.seisnc", VALUES.transpose(1, 2, 0), {"iline": INLINE, "xline": CROSSLINE, "twt": TIME})
    x, y = grid_xy()
    dimensions = ("xline", "iline") if turned else ("iline", "xline")
    add(path, cdp_x=(x.T if turned else x, dimensions), cdp_y=(y.T if turned else y, dimensions))
    geometry = open_volume(path).geometry
    assert positions_of(geometry, 111 + 4, 875 + 6) == pytest.approx([x[4, 6], y[4, 6]], abs=0.01)
    # As SEG-Y they are in the trace headers.
    with SegY().create(tmp_path / "a.sgy", geometry, IMAGE) as writer:
        writer.write(tuple(slice(0, size) for size in VALUES.shape), VALUES)
    copy = open_volume(tmp_path / "a.sgy")
    assert copy.shape == VALUES.shape
    assert copy.geometry.axes[0] == Axis("time", 40, 4, 4, "ms")
    assert positions_of(copy.geometry, 115, 881) == pytest.approx([x[4, 6], y[4, 6]], abs=0.01)


def test_x_and_y_that_segysak_has_not_scaled(tmp_path):
    path = netcdf(tmp_path / "a.nc", VALUES.transpose(1, 2, 0), {"iline": INLINE, "xline": CROSSLINE, "twt": TIME})
    x, y = grid_xy()
    dimensions = ("iline", "xline")
    add(path, cdp_x=((100 * x).astype("i4"), dimensions), cdp_y=((100 * y).astype("i4"), dimensions))
    with h5py.File(path, "a") as file:
        file.attrs["coord_scalar"] = -100
    assert positions_of(open_volume(path).geometry, 111, 875) == pytest.approx([500_000, 6_000_000], abs=0.1)


def test_numbers_on_no_grid_are_no_coordinates(tmp_path):
    path = netcdf(tmp_path / "a.nc", VALUES.transpose(1, 2, 0), {"iline": INLINE, "xline": CROSSLINE, "twt": TIME})
    noise = np.random.default_rng(1).uniform(0, 1e6, (2, 6, 7))
    add(path, cdp_x=(noise[0], ("iline", "xline")), cdp_y=(noise[1], ("iline", "xline")))
    assert open_volume(path).geometry.coordinates is None


def test_a_crooked_line_keeps_each_trace(tmp_path):
    angle = np.linspace(0, 1, 7)
    path = netcdf(tmp_path / "a.nc", VALUES[:, 0].T, {"cdp": np.arange(7), "twt": TIME})
    points = np.stack([5000 * np.sin(angle), 5000 * np.cos(angle)], axis=1).round(2)
    add(path, cdp_x=(points[:, 0], ("cdp",)), cdp_y=(points[:, 1], ("cdp",)))
    volume = open_volume(path)
    assert volume.shape == (40, 7)
    np.testing.assert_allclose(trace_points(volume.geometry), points)


@pytest.mark.parametrize("attribute", ["_FillValue", "missing_value"])
def test_undefined_samples_are_nan(attribute, tmp_path):
    values = VALUES.copy()
    values[5:9, 2, 3] = 1e20
    path = netcdf(tmp_path / "a.nc", values, NAMES)
    with h5py.File(path, "a") as file:
        file["data"].attrs[attribute] = np.array([1e20], "f4")
    expected = VALUES.copy()
    expected[5:9, 2, 3] = np.nan
    np.testing.assert_array_equal(open_volume(path).load(), expected)
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array("data", data=values, attributes={attribute: 1e20}, dimension_names=list(NAMES))
    np.testing.assert_array_equal(open_volume(tmp_path / "a.zarr").load(), expected)


def test_packed_integers_are_unpacked(tmp_path):
    path = netcdf(tmp_path / "a.nc", np.round(VALUES * 1000).astype("i2"), NAMES)
    with h5py.File(path, "a") as file:
        file["data"].attrs.update({"scale_factor": 0.001, "add_offset": 2.0, "_FillValue": np.int16(-32768)})
        file["data"][0, 0, 0] = -32768
    read = open_volume(path).load()
    assert np.isnan(read[0, 0, 0])
    np.testing.assert_allclose(read[1:], VALUES[1:] + 2, atol=0.0006)


def mdio_1(path, default="amplitude"):
    group = zarr.create_group(path)
    x, y = grid_xy()
    lines = ["inline", "crossline"]
    arrays = {
        "inline": (INLINE, ["inline"], {}),
        "crossline": (CROSSLINE, ["crossline"], {}),
        "time": (TIME, ["time"], {"unitsV1": {"time": "ms"}}),
        "cdp_x": (x, lines, {"unitsV1": {"length": "ft"}}),
        "cdp_y": (y, lines, {"unitsV1": {"length": "ft"}}),
        "headers": (np.zeros((6, 7), [("cdp_x", "i4"), ("cdp_y", "i4"), ("inline", "i4")]), lines, {}),
        "trace_mask": (np.arange(42).reshape(6, 7) != 3, lines, {}),
        "amplitude": (VALUES.transpose(1, 2, 0), [*lines, "time"], {}),
        "coherence": (VALUES.transpose(1, 2, 0) + 1, [*lines, "time"], {}),
    }
    for name, (values, dimensions, attributes) in arrays.items():
        group.create_array(name, data=values, dimension_names=dimensions, attributes=attributes)
    group.attrs.update({"apiVersion": "1.0.8", "attributes": {"defaultVariableName": default}})
    return path


@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_mdio_of_version_1(tmp_path):
    volume = open_volume(mdio_1(tmp_path / "a.mdio"))
    assert volume.geometry.axes == (Axis("time", 40, 4, 4, "ms"), *AXES[1:])
    np.testing.assert_array_equal(volume.load(), VALUES)
    x, y = grid_xy()
    assert positions_of(volume.geometry, 115, 881) == pytest.approx([x[4, 6], y[4, 6]], abs=0.01)
    assert volume.geometry.attributes == {"coordinate_unit": "ft"}
    assert volume.geometry.live.sum() == 41
    np.testing.assert_array_equal(Zarr(array="coherence").open(tmp_path / "a.mdio").load(), VALUES + 1)


@pytest.mark.parametrize("version", [2, 3])
def test_mdio_of_version_0(version, tmp_path):
    group = zarr.create_group(tmp_path / "a.mdio", zarr_format=version)
    group.create_group("data").create_array("chunked_012", data=VALUES.transpose(1, 2, 0))
    group["data"].create_array("chunked_01", data=VALUES.transpose(1, 2, 0))
    metadata = group.create_group("metadata")
    metadata.create_array("live_mask", data=np.arange(42).reshape(6, 7) != 3)
    headers = np.zeros((6, 7), [("cdp_x", "i4"), ("cdp_y", "i4"), ("coordinate_scalar", "i2")])
    x, y = grid_xy()
    headers["cdp_x"], headers["cdp_y"], headers["coordinate_scalar"] = np.round(x * 10), np.round(y * 10), -10
    if version == 2:
        metadata.create_array("chunked_012_trace_headers", data=headers)
    axes = (("inline", INLINE), ("crossline", CROSSLINE), ("sample", TIME))
    group.attrs["dimension"] = [{"name": name, "coords": coords.tolist()} for name, coords in axes]
    volume = open_volume(tmp_path / "a.mdio")
    assert volume.geometry.axes == (Axis("sample", 40, 4, 4, "ms"), *AXES[1:])
    assert volume.geometry.live.sum() == 41
    np.testing.assert_array_equal(volume.load(), VALUES)
    if version == 2:
        assert positions_of(volume.geometry, 115, 881) == pytest.approx([x[4, 6], y[4, 6]], abs=0.1)


def test_other_files_are_not_read(tmp_path):
    secret = tmp_path / "secret"
    VALUES.tofile(secret)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("image", VALUES.shape, "f4", external=[(str(secret), 0, VALUES.nbytes)])
    with pytest.raises(MtlError, match=r"Dataset /image of .*a\.h5 has its samples in other files \(.*secret\)"):
        open_volume(tmp_path / "a.h5")
    netcdf(tmp_path / "b.h5", VALUES, NAMES)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = h5py.ExternalLink("b.h5", "/data")
    for options in ({}, {"array": "image"}):
        with pytest.raises(MtlError, match=r"'image' of .*a\.h5 is a link to another file, b\.h5"):
            Hdf5(**options).open(tmp_path / "a.h5")
    layout = h5py.VirtualLayout(VALUES.shape, "f4")
    layout[...] = h5py.VirtualSource(tmp_path / "b.h5", "data", VALUES.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("image", layout)
    with pytest.raises(MtlError, match=r"Dataset /image of .*a\.h5 is a view of other files \(.*b\.h5\)"):
        open_volume(tmp_path / "a.h5")


def test_classic_netcdf_is_said(tmp_path):
    (tmp_path / "a.nc").write_bytes(b"CDF\x01" + bytes(100))
    with pytest.raises(MtlError, match=r"a\.nc is a NetCDF file of the classic format.*: convert it to NetCDF-4"):
        open_volume(tmp_path / "a.nc")


@pytest.mark.parametrize(
    ("positions", "deepest_first"),
    [(TIME[::-1], True), (-TIME, False), (-TIME[::-1], True), (TIME, False), (TIME - 20, False)],
)
def test_the_shallowest_sample_comes_first(positions, deepest_first, tmp_path):
    names = {"iline": INLINE, "xline": CROSSLINE, "twt": positions}
    volume = open_volume(netcdf(tmp_path / "a.nc", VALUES.transpose(1, 2, 0), names))
    expected = VALUES[::-1] if deepest_first else VALUES
    np.testing.assert_array_equal(volume.load(), expected)
    np.testing.assert_array_equal(volume.read((slice(3, 9), slice(1, 2), slice(0, 7))), expected[3:9, 1:2])
    first, step = float(positions[-1 if deepest_first else 0]), float(positions[1] - positions[0])
    assert volume.geometry.axes[0] == Axis("twt", 40, first, -step if deepest_first else step, "ms")
