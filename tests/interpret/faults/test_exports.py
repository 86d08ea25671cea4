"""Every file against the columns that its readers expect (../reference/export_formats.md, sections 2 and 3)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mtl_seismic.formats.crooked import attribute
from mtl_seismic.interpret.faults.exports.charisma import Charisma
from mtl_seismic.interpret.faults.exports.format import Export
from mtl_seismic.interpret.faults.exports.formats import EXPORTS, make_exports
from mtl_seismic.interpret.faults.exports.iesx import Iesx
from mtl_seismic.interpret.faults.exports.json import Json
from mtl_seismic.interpret.faults.exports.opendtect import OpendTect
from mtl_seismic.interpret.faults.exports.ply import Ply
from mtl_seismic.interpret.faults.exports.vtp import Vtp
from mtl_seismic.interpret.faults.extract import FaultSurface, extract_faults
from mtl_seismic.interpret.faults.survey import Survey
from mtlcore.errors import MtlError, OptionError
from mtlcore.io.volume import Axis, Geometry

Fields = dict[str, NDArray[np.float32]]
GEOMETRY = Geometry(
    (
        Axis("time", 48, 1000.0, 4.0, "ms"),
        Axis("inline", 40, 100.0, 1.0, "line"),
        Axis("crossline", 44, 200.0, 2.0, "line"),
    ),
    coordinates=((500_000.0, 5.0, 12.0), (6_000_000.0, 12.0, -5.0)),
)
"""A rotated survey: no two columns of a file can be mistaken for each other."""
PLANES = [((24.0, 20.0, 20.0), 65.0, 80.0), ((24.0, 20.0, 20.0), 110.0, 10.0)]


@pytest.fixture
def faults(make_fields: Callable[..., Fields]) -> list[FaultSurface]:
    """One with sticks on inlines and one with sticks on crosslines."""
    found = extract_faults(make_fields((48, 40, 44), PLANES))
    assert [fault.sticks[0].axis for fault in found] in ([1, 2], [2, 1])
    return found


@pytest.fixture
def lines(make_fields: Callable[..., Fields]) -> list[FaultSurface]:
    return extract_faults(make_fields((48, 60), [((24.0, 30.0), 65.0, None)]))


def written(export: Export, path: Path, faults: list[FaultSurface], geometry: Geometry = GEOMETRY) -> list[str]:
    export.write(path / "file", faults, Survey(geometry))
    return (path / "file").read_text(encoding="ascii").splitlines()


def expected(faults: list[FaultSurface]) -> list[tuple[FaultSurface, int, NDArray[np.float64]]]:
    """Fault, stick number from 0, and (inline, crossline, X, Y, Z) of every node in order."""
    rows = []
    for fault in faults:
        for number, stick in enumerate(fault.sticks):
            z, inline, crossline = stick.nodes.T
            inline, crossline, z = 100 + inline, 200 + 2 * crossline, 1000 + 4 * z
            x, y = 500_000 + 5 * inline + 12 * crossline, 6_000_000 + 12 * inline - 5 * crossline
            rows += [(fault, number, row) for row in np.stack([inline, crossline, x, y, z], 1)]
    return rows


def test_sticks_are_regular_and_ever_deeper(faults: list[FaultSurface]) -> None:
    for fault in faults:
        for stick in fault.sticks:
            assert stick.axis is not None
            np.testing.assert_array_equal(stick.nodes[:, stick.axis], stick.position)
            assert stick.position is not None and stick.position % 8 == 0
            assert (np.diff(stick.nodes[:, 0]) > 0).all() and len(stick.nodes) >= 2
            np.testing.assert_allclose(stick.nodes[1:-1, 0] % 8, 0, atol=1e-9)
    dips = sorted(round(min(fault.dip, 180 - fault.dip)) for fault in faults)
    assert dips == [65, 70]


def test_charisma_has_eight_columns(faults: list[FaultSurface], tmp_path: Path) -> None:
    rows = [line.split() for line in written(Charisma(), tmp_path, faults)]
    assert {len(row) for row in rows} == {8}
    for row, (fault, number, values) in zip(rows, expected(faults), strict=True):
        assert [row[0], row[6], row[7]] == ["INLINE-", fault.name, str(number + 1)]
        assert [int(row[1]), int(row[2])] == [round(values[0]), round(values[1])]
        np.testing.assert_allclose([float(text) for text in row[3:6]], values[2:], atol=0.006)


def test_charisma_can_be_changed_where_it_is_not_certain(faults: list[FaultSurface], tmp_path: Path) -> None:
    changed = Charisma(keyword="IL", crossline_keyword="XLINE-", line_decimals=2, stick_numbers=False, z_sign="up")
    rows = [line.split() for line in written(changed, tmp_path, faults)]
    assert {len(row) for row in rows} == {7}
    assert {row[0] for row in rows} == {"IL", "XLINE-"}
    assert all(float(row[5]) < 0 and "." in row[2] for row in rows)


def test_iesx_has_its_columns(faults: list[FaultSurface], tmp_path: Path) -> None:
    text = written(Iesx(), tmp_path, faults)
    assert text.count("EOD") == len(faults) and text[-1] == "EOD"
    heads = [line for line in text if line.startswith("PROFILE")]
    for head, fault in zip(heads, faults, strict=True):
        assert re.fullmatch(rf"PROFILE {fault.name} +TYPE 2  4 +3d_ci7m\.ifdf     m ms", head)
        # Column 25, where OpendTect's own files have it.
        assert head.index("TYPE") == 24
    assert text.count("SNAPPING PARAMETERS 5     0 1") == len(faults)
    cards = [line for line in text if line[0] == " "]
    for card, (_, number, values) in zip(cards, expected(faults), strict=True):
        assert len(card) == 47
        found = [float(card[:16]), float(card[16:32]), float(card[38:47])]
        np.testing.assert_allclose(found, values[2:], atol=0.006)
        assert (int(card[32:35]), int(card[35:38])) == (number + 1, 14)
        # The reader takes [32, 39) where that holds no blank.
        assert " " in card[32:39].strip()


def test_iesx_says_the_unit_of_the_map(faults: list[FaultSurface], tmp_path: Path) -> None:
    feet = GEOMETRY.like(attributes={"segy": {"coordinate_unit": "ft"}})
    assert written(Iesx(), tmp_path, faults, feet)[0].split()[-2:] == ["ft", "ms"]
    assert written(Iesx(xy_unit="m"), tmp_path, faults, feet)[0].split()[-2:] == ["m", "ms"]


def test_iesx_refuses_what_its_columns_cannot_hold(faults: list[FaultSurface], tmp_path: Path) -> None:
    deep = GEOMETRY.like(axes=(Axis("depth", 48, 1e6, 4.0, "m"), *GEOMETRY.axes[1:]))
    with pytest.raises(MtlError, match="9 columns"):
        written(Iesx(), tmp_path, faults, deep)
    assert not (tmp_path / "file").exists()


def test_opendtect_rows(faults: list[FaultSurface], tmp_path: Path) -> None:
    rows = [line.split("\t") for line in written(OpendTect(), tmp_path, faults)]
    node, before = 0, None
    for row, (fault, number, values) in zip(rows, expected(faults), strict=True):
        node = node + 1 if before == (fault.id, number) else 0
        before = (fault.id, number)
        assert [row[0], row[4], row[5]] == [f'"{fault.name}"', str(number), str(node)]
        np.testing.assert_allclose([float(text) for text in row[1:4]], values[2:], atol=0.006)
    by_lines = OpendTect(positions="lines", names=False, node_numbers=False)
    rows = [line.split("\t") for line in written(by_lines, tmp_path, faults)]
    for row, (_, number, values) in zip(rows, expected(faults), strict=True):
        assert len(row) == 4 and row[3] == str(number)
        np.testing.assert_allclose([float(text) for text in row[:3]], values[[0, 1, 4]], atol=0.006)


def test_2d_lines(lines: list[FaultSurface], tmp_path: Path) -> None:
    geometry = Geometry((Axis("time", 48, 0.0, 2.0, "ms"), Axis("cdp", 60, 1000.0, 1.0, "line")))
    (stick,) = lines[0].sticks
    rows = [line.split("\t") for line in written(OpendTect(line_name="L1"), tmp_path, lines, geometry)]
    assert all(row[-1] == '"L1"' and float(row[2]) == 0 for row in rows)
    np.testing.assert_allclose([float(row[1]) for row in rows], 1000 + stick.nodes[:, 1], atol=0.006)
    np.testing.assert_allclose([float(row[3]) for row in rows], 2 * stick.nodes[:, 0], atol=0.006)
    assert "TYPE 2  5" in written(Iesx(), tmp_path, lines, geometry)[0]
    with pytest.raises(OptionError, match="3D"):
        make_exports(["charisma"], {}, 2)
    assert "charisma" not in [export.name for export in make_exports([], {}, 2)]


def geometry_of(faults: list[FaultSurface]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """X, Y, Z (up) and triangles of all faults in one."""
    survey = Survey(GEOMETRY)
    starts = np.cumsum([0] + [len(fault.points) for fault in faults])[:-1]
    points = np.concatenate([survey.xyz(fault.points, "up") for fault in faults])
    return points, np.concatenate([f.triangles + start for f, start in zip(faults, starts, strict=True)])


def test_vtp_is_what_vtk_reads(faults: list[FaultSurface], lines: list[FaultSurface], tmp_path: Path) -> None:
    pytest.importorskip("vtk")
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

    def read(name: str) -> Any:
        reader = vtkXMLPolyDataReader()
        reader.SetFileName(str(tmp_path / name))
        reader.Update()
        return reader.GetOutput()

    Vtp().write(tmp_path / "a.vtp", faults, Survey(GEOMETRY))
    data = read("a.vtp")
    points, triangles = geometry_of(faults)
    np.testing.assert_array_equal(vtk_to_numpy(data.GetPoints().GetData()), points)
    np.testing.assert_array_equal(vtk_to_numpy(data.GetPolys().GetConnectivityArray()).reshape(-1, 3), triangles)
    arrays = data.GetPointData()
    numbers = vtk_to_numpy(arrays.GetArray("fault"))
    np.testing.assert_array_equal(np.bincount(numbers)[1:], [len(fault.points) for fault in faults])
    assert np.isnan(vtk_to_numpy(arrays.GetArray("throw"))).all()
    probability = np.concatenate([fault.point_probability for fault in faults])
    np.testing.assert_allclose(vtk_to_numpy(arrays.GetArray("probability")), probability, rtol=1e-6)
    Vtp().write(tmp_path / "b.vtp", lines, Survey(Geometry.of_shape((48, 60))))
    assert read("b.vtp").GetNumberOfLines() == len(lines[0].triangles)


def test_vtp_says_its_counts_and_sizes(faults: list[FaultSurface], tmp_path: Path) -> None:
    import base64
    import struct
    import xml.etree.ElementTree as tree

    Vtp(z_sign="down").write(tmp_path / "a.vtp", faults, Survey(GEOMETRY))
    root = tree.parse(tmp_path / "a.vtp").getroot()
    piece = root.find("PolyData/Piece")
    assert piece is not None and root.get("header_type") == "UInt32"
    points, triangles = geometry_of(faults)
    assert piece.get("NumberOfPoints") == str(len(points))
    assert piece.get("NumberOfPolys") == str(len(triangles))
    array = piece.find("Points/DataArray")
    assert array is not None and array.text is not None
    data = base64.b64decode(array.text)
    assert struct.unpack("<I", data[:4])[0] == len(data) - 4 == 24 * len(points)
    np.testing.assert_array_equal(np.frombuffer(data[4:], "<f8").reshape(-1, 3), points * [1, 1, -1])


def test_ply_is_what_a_reader_reads(faults: list[FaultSurface], tmp_path: Path) -> None:
    ply = pytest.importorskip("plyfile")
    text = written(Ply(), tmp_path, faults)
    data = ply.PlyData.read(str(tmp_path / "file"))
    origin = np.array([float(word) for word in text[2].removeprefix("comment origin ").split()])
    vertex = data["vertex"]
    points, triangles = geometry_of(faults)
    found = np.stack([vertex[name] for name in "xyz"], 1).astype(float) + origin
    np.testing.assert_allclose(found, points, atol=0.01)
    np.testing.assert_array_equal(np.stack(list(data["face"]["vertex_indices"])), triangles)
    # Readers keep 32-bit floats.
    assert np.abs(np.stack([vertex["x"], vertex["y"]])).max() < 5000


def test_ply_header(faults: list[FaultSurface], lines: list[FaultSurface], tmp_path: Path) -> None:
    text = written(Ply(), tmp_path, faults)
    assert text[:2] == ["ply", "format ascii 1.0"]
    end = text.index("end_header")
    points, triangles = geometry_of(faults)
    assert f"element vertex {len(points)}" in text[:end] and f"element face {len(triangles)}" in text[:end]
    assert len(text) == end + 1 + len(points) + len(triangles)
    assert text[-1] == "3 " + " ".join(map(str, triangles[-1]))
    assert f"element edge {len(lines[0].triangles)}" in written(
        Ply(local_origin=False), tmp_path, lines, Geometry.of_shape((48, 60))
    )


def test_json_holds_everything(faults: list[FaultSurface], tmp_path: Path) -> None:
    Json().write(tmp_path / "faults.json", faults, Survey(GEOMETRY))
    content = json.loads((tmp_path / "faults.json").read_text(encoding="utf-8"))
    assert content["z"] == {"unit": "ms", "positive": "down"}
    for entry, fault in zip(content["faults"], faults, strict=True):
        assert (entry["name"], entry["size"]) == (fault.name, fault.size)
        assert abs(entry["dip"] - fault.dip) < 1e-3 and entry["median_throw"] is None
        np.testing.assert_allclose(entry["surface"]["samples"], fault.points, atol=1e-3)
        np.testing.assert_array_equal(entry["surface"]["cells"], fault.triangles)
        assert set(entry["surface"]["throw"]) == {None}
        for part, stick in zip(entry["sticks"], fault.sticks, strict=True):
            assert part["section"] == ("inline" if stick.axis == 1 else "crossline")
            np.testing.assert_allclose(part["samples"], stick.nodes, atol=1e-3)
    rows = np.array([row for entry in content["faults"] for stick in entry["sticks"] for row in stick["xyz"]])
    np.testing.assert_allclose(rows, [values[2:] for _, _, values in expected(faults)], atol=1e-3)


def test_dip_azimuth_points_down_the_dip(faults: list[FaultSurface], tmp_path: Path) -> None:
    Json(surfaces=False).write(tmp_path / "faults.json", faults, Survey(GEOMETRY))
    for entry in json.loads((tmp_path / "faults.json").read_text(encoding="utf-8"))["faults"]:
        stick = np.array(max(entry["sticks"], key=lambda stick: len(stick["lines"]))["lines"])
        run = stick[-1] - stick[0]
        azimuth = np.radians(entry["dip_azimuth"])
        assert run @ [np.sin(azimuth), np.cos(azimuth)] > 0


def test_no_faults_give_readable_files(tmp_path: Path) -> None:
    for name, kind in EXPORTS.items():
        kind().write(tmp_path / name, [], Survey(GEOMETRY))
        assert (tmp_path / name).exists()


def test_file_names_say_unit_and_sign() -> None:
    survey = Survey(GEOMETRY)
    assert Charisma().file_name(survey) == "faults_ms_down.charisma"
    assert Charisma(z_sign="up").file_name(survey) == "faults_ms_up.charisma"
    assert Vtp().file_name(Survey(Geometry.of_shape((3, 3)))) == "faults_samples_up.vtp"


def test_unknown_formats_and_options_are_refused() -> None:
    with pytest.raises(OptionError, match="Did you mean 'charisma'"):
        make_exports(["charsima"], {}, 3)
    with pytest.raises(OptionError, match="keyword"):
        make_exports(["charisma"], {"charisma": {"keywrd": "X"}}, 3)


def test_nodes_follow_each_other_on_the_section(faults: list[FaultSurface]) -> None:
    for fault in faults:
        for stick in fault.sticks:
            steps = [np.linalg.norm(b - a) for a, b in pairwise(stick.nodes)]
            assert max(steps) < 3 * 8


def test_sticks_on_a_crooked_line_follow_its_traces(lines: list[FaultSurface], tmp_path: Path) -> None:
    k = np.arange(60)
    bend = np.stack([500_000 + 12.0 * k, 6_000_000 + 0.5 * (k - 30) ** 2], axis=1)
    axes = (Axis("time", 48, 0.0, 4.0, "ms"), Axis("cdp", 60, 1.0))
    rows = written(OpendTect(), tmp_path, lines, Geometry(axes, attributes=attribute(bend)))
    x, y = np.array([row.split("\t")[1:3] for row in rows], float).T
    np.testing.assert_allclose(y, np.interp(x, *bend.T), atol=0.01)
    assert np.ptp(x) > 12
