"""VTK image data: where samples lie for VTK, and files of other programs."""

import re
import struct

import numpy as np
import pytest

from mtl_seismic.formats.vti.format import Vti
from mtlcore import Axis, Geometry, MtlError, Output
from mtlcore.testing import check_reading

AXES = (Axis("time", 5, 100.0, 4.0, "ms"), Axis("inline", 4, 1000.0, 2.0, "line"), Axis("crossline", 3, 50.0, -1.0))
VALUES = np.arange(60, dtype="f4").reshape(5, 4, 3)
TYPES = {"u1": "UInt8", "i2": "Int16", "i4": "Int32", "i8": "Int64", "f4": "Float32", "f8": "Float64"}


def write(path, values=VALUES, axes=AXES, **options):
    with Vti(**options).create(path, Geometry(axes), Output('a "b" <c>')) as writer:
        writer.write(tuple(slice(0, size) for size in values.shape), values)
    return path


def vtk_reads(path):
    """Origin, spacing and samples by x, y, z, read as the specification of VTK's files says."""
    content = path.read_bytes()
    head, _, tail = content.partition(b'<AppendedData encoding="raw">\n_')
    text = head.decode()
    assert 'byte_order="LittleEndian" header_type="UInt64"' in text
    first, last = np.array(re.search('WholeExtent="(.*?)"', text)[1].split(), int).reshape(3, 2).T
    origin, spacing = (np.array(re.search(f'{key}="(.*?)"', text)[1].split(), float) for key in ("Origin", "Spacing"))
    offset = int(re.search('type="Float32".*offset="(.*?)"', text)[1])
    (length,) = struct.unpack("<Q", tail[offset : offset + 8])
    samples = np.frombuffer(tail[offset + 8 : offset + 8 + length], "<f4")
    return origin, spacing, samples.reshape((last - first + 1)[::-1]).T


def test_vtk_finds_each_sample_at_its_place(tmp_path):
    origin, spacing, samples = vtk_reads(write(tmp_path / "a.vti"))
    assert (spacing > 0).all()
    for depth, inline, crossline in np.ndindex(VALUES.shape):
        position = np.array([50 - crossline, 1000 + 2 * inline, -(100 + 4 * depth)])
        assert samples[tuple(((position - origin) / spacing).astype(int))] == VALUES[depth, inline, crossline]


def test_z_may_point_down(tmp_path):
    origin, spacing, samples = vtk_reads(write(tmp_path / "a.vti", z="down"))
    assert (origin[2], spacing[2], samples[2, 0, 0]) == (100, 4, VALUES[0, 0, 0])
    # What a file says of itself counts more than the option.
    np.testing.assert_array_equal(Vti().open(tmp_path / "a.vti").load(), VALUES)


def test_a_section_stands_upright(tmp_path):
    origin, spacing, samples = vtk_reads(write(tmp_path / "a.vti", VALUES[:, 0], (AXES[0], AXES[1].__class__("x", 3))))
    assert samples.shape == (3, 1, 5)
    assert samples[1, 0, 4] == VALUES[0, 0, 1]
    assert (origin[2], spacing[2]) == (-116, 4)


def test_samples_lie_aligned(tmp_path):
    for name in ("a", "bcd"):
        content = write(tmp_path / f"{name}.vti").read_bytes()
        assert (content.index(b"_", content.index(b"<AppendedData")) + 1) % 8 == 0


def other_program(path, values, header="UInt32", order="<", spacing="1 1 1", more="", appended=True):
    """A file as VTK's own writer makes it; values by z, y, x."""
    values = values if values.ndim == 3 else values[:, None]
    extent = " ".join(f"0 {size - 1}" for size in values.shape[::-1])
    name = "LittleEndian" if order == "<" else "BigEndian"
    block = np.ascontiguousarray(values, values.dtype.newbyteorder(order)).tobytes()
    length = struct.pack(order + ("I" if header == "UInt32" else "Q"), len(block))
    place = 'format="appended" offset="0"' if appended else 'format="ascii"'
    text = f"""<VTKFile type="ImageData" version="0.1" byte_order="{name}" header_type="{header}" {more}>
  <ImageData WholeExtent="{extent}" Origin="0 0 10" Spacing="{spacing}" Direction="1 0 0 0 1 0 0 0 1">
    <Piece Extent="{extent}">
      <PointData Scalars="amplitude">
        <DataArray type="{TYPES[values.dtype.str[1:]]}" Name="amplitude" {place} />
      </PointData>
      <CellData></CellData>
    </Piece>
  </ImageData>
  <AppendedData encoding="raw">
   _"""
    path.write_bytes(text.encode() + length + block + b"</AppendedData></VTKFile>")
    return path


@pytest.mark.parametrize(("header", "order"), [("UInt32", "<"), ("UInt64", ">")])
def test_element_types(header, order, tmp_path):
    check_reading(Vti(), tmp_path, lambda path, values: other_program(path, values[::-1], header, order), list(TYPES))


def test_other_programs_z_points_up_unless_said(tmp_path):
    path = other_program(tmp_path / "a.vti", VALUES, spacing="1 2 4")
    up, down = Vti().open(path), Vti(z="down").open(path)
    np.testing.assert_array_equal(up.load(), VALUES[::-1])
    np.testing.assert_array_equal(down.load(), VALUES)
    assert [(axis.origin, axis.step) for axis in up.geometry.axes] == [(-26, 4), (0, 2), (0, 1)]
    assert [(axis.origin, axis.step) for axis in down.geometry.axes] == [(10, 4), (0, 2), (0, 1)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"more": 'compressor="vtkZLibDataCompressor"'}, "is compressed: save it with data mode appended, not"),
        ({"appended": False}, "Array 'amplitude' of .* has format ascii: save the file with data mode appended"),
        ({"more": 'x="'}, "cannot be read as VTK image data"),
        ({"spacing": "1 x 1"}, "cannot be read as VTK image data"),
    ],
)
def test_files_that_are_not_read(options, message, tmp_path):
    path = other_program(tmp_path / "a.vti", VALUES, **options)
    with pytest.raises(MtlError, match=message) as caught:
        Vti().open(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"ImageData", b"PolyDatas", "is no VTK image data"),
        (b'"raw"', b'"b64"', "has no appended raw data"),
        (b'<Piece Extent="0 2', b'<Piece Extent="0 1', "holds a part of its whole extent"),
        (b'Direction="1 0', b'Direction="0 1', "has turned axes"),
        (b'Name="amplitude"', b'Name="amplitude" NumberOfComponents="3"', "has 3 components: expected one"),
        (b'Scalars="amplitude"', b'Scalars="other"', None),
        (b'WholeExtent="0 2', b'WholeExtent="0 9', "holds a part"),
    ],
)
def test_damage_is_said(old, new, message, tmp_path):
    path = other_program(tmp_path / "a.vti", VALUES)
    path.write_bytes(path.read_bytes().replace(old, new))
    if message is None:
        assert Vti().open(path).shape == VALUES.shape
        return
    with pytest.raises(MtlError, match=message):
        Vti().open(path)


def test_a_file_cut_short(tmp_path):
    path = other_program(tmp_path / "a.vti", VALUES)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(MtlError, match=r"a\.vti is damaged or cut short: array 'amplitude' needs 240 bytes and has"):
        Vti().open(path)


def test_what_another_program_moved_keeps_no_old_geometry(tmp_path):
    path = write(tmp_path / "a.vti")
    content = path.read_bytes()
    path.write_bytes(content.replace(b'Origin="48.0 1000.0', b'Origin="58.0 1000.0'))
    axes = Vti().open(path).geometry.axes
    assert [(axis.origin, axis.step) for axis in axes] == [(100, 4), (1000, 2), (58, 1)]
