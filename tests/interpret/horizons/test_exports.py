"""Every format against its specification: columns asserted, examples reproduced, and read back."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mtl_seismic.formats.crooked import attribute
from mtl_seismic.interpret.horizons import Horizon
from mtl_seismic.interpret.horizons.exports.formats import ONLY_3D, WRITERS, check_formats, check_names, file_name
from mtl_seismic.interpret.horizons.exports.surface import Style, Surface
from mtlcore import Axis, Geometry, MtlError


def written(tmp_path: Path, format: str, horizon: Horizon, geometry: Geometry, **style: object) -> str:
    path = tmp_path / f"horizon.{format}"
    WRITERS[format](path, Surface(horizon, geometry, Style(**style)))  # type: ignore[arg-type]
    return path.read_bytes().decode("ascii")


@pytest.fixture
def line() -> Geometry:
    return Geometry(
        (Axis("time", 50, 1000.0, 4.0, "ms"), Axis("cdp", 4, 1001.0, 1.0, "cdp")),
        coordinates=((500_000.0, 0.0, 0.0), (5_000_000.0, 12.5, 0.0)),
    )


@pytest.fixture
def pick_line() -> Horizon:
    depth = np.array([10, 10.5, np.nan, 12], np.float32)
    return Horizon("TOP_A", 0.5, depth, np.where(np.isnan(depth), np.nan, 0.5).astype(np.float32))


def test_xyz_as_opendtect_exports(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    text = written(tmp_path, "xyz", ramp, survey)
    rows = text.splitlines()
    assert rows[0] == '# "X"\t"Y"\t"Inline"\t"Crossline"\t"Z"\t"Quality"'
    assert rows[1] == "# - - - - - - - - - -"
    assert rows[2] == "500000.00\t6000000.00\t100\t200\t1040.0000\t0.750"
    assert len(rows) == 2 + 23
    assert not [row for row in rows if "\t102\t203\t" in row]
    full = written(tmp_path, "xyz", ramp, survey, undefined=1e30).splitlines()
    assert "500075.00\t6000020.00\t102\t203\t1e+30\t1e+30" in full
    assert len(full) == 2 + 24


def test_xyz_columns_are_a_choice(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    general = written(tmp_path, "xyz", ramp, survey, columns=("x", "y", "z"), header=False, z_sign="up")
    assert general.splitlines()[0] == "500000.00\t6000000.00\t-1040.0000"
    everything = written(tmp_path, "xyz", ramp, survey, columns=("inline", "sample", "rgt"), header=False)
    assert everything.splitlines()[1] == "100\t10.2500\t0.5000000"
    with pytest.raises(MtlError, match=r"xyz has no column 'cros'\. Did you mean 'crossline'"):
        written(tmp_path, "xyz", ramp, survey, columns=("cros",))


def test_xyz_of_a_line(tmp_path: Path, pick_line: Horizon, line: Geometry) -> None:
    rows = written(tmp_path, "xyz", pick_line, line).splitlines()
    assert rows[0] == '# "X"\t"Y"\t"Trace"\t"Z"\t"Quality"'
    assert rows[3] == "500000.00\t5012525.00\t1002\t1042.0000\t0.500"


def test_xyz_of_a_crooked_line_has_the_place_of_each_trace(tmp_path: Path, pick_line: Horizon, line: Geometry) -> None:
    bend = np.array([[500_000.0, 1.0], [500_010.0, 2.0], [500_015.0, 12.0], [500_012.0, 24.0]])
    crooked = line.like(attributes=attribute(bend))
    rows = [row.split("\t") for row in written(tmp_path, "xyz", pick_line, crooked, header=False).splitlines()]
    assert [(float(x), float(y)) for x, y, *_ in rows] == [tuple(bend[k]) for k in (0, 1, 3)]


def test_ijxyz_is_read_by_xtgeo(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    xtgeo = pytest.importorskip("xtgeo")
    columns = ("inline", "crossline", "x", "y", "z")
    written(tmp_path, "xyz", ramp, survey, columns=columns, header=False)
    surface = xtgeo.surface_from_file(tmp_path / "horizon.xyz", fformat="ijxyz")
    assert (surface.ilines.tolist(), surface.xlines.tolist()) in (
        ([100, 102, 104, 106], [200, 201, 202, 203, 204, 205]),
        ([200, 201, 202, 203, 204, 205], [100, 102, 104, 106]),
    )
    for x, y, z in ((500_000, 6_000_000, 1040), (500_125, 6_000_060, 1069)):
        assert surface.get_value_from_xy((x, y)) == pytest.approx(z, abs=1e-3)


def test_charisma_has_nine_columns(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    rows = written(tmp_path, "charisma", ramp, survey).splitlines()
    assert rows[0] == "INLINE :    100 XLINE :    200   500000.00  6000000.00   1040.0000"
    assert len(rows) == 23
    fields = [row.split() for row in rows]
    assert {len(row) for row in fields} == {9}
    assert {(row[0], row[1], row[3], row[4]) for row in fields} == {("INLINE", ":", "XLINE", ":")}
    order = [(int(row[2]), int(row[5])) for row in fields]
    assert order == sorted(order)
    assert (102, 203) not in order
    i, j = ((np.array(order) - (100, 200)) // (2, 1)).T
    np.testing.assert_allclose([float(row[8]) for row in fields], 1000 + 4 * ramp.depth[i, j], atol=1e-4)


def test_charisma_variants(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    short = written(tmp_path, "charisma", ramp, survey, charisma_layout="short", z_sign="up")
    assert short.splitlines()[0].split() == ["100", "200", "-1040.0000"]
    marked = written(tmp_path, "charisma", ramp, survey, charisma_mark="-", undefined=-999.25).splitlines()
    assert len(marked) == 24
    assert [row for row in marked if row.split()[5:] == ["203", "500075.00", "6000020.00", "-999.25"]]
    far = survey.like(coordinates=((1e11, 0.0, 25.0), (-1e11, 10.0, 0.0)))
    assert {len(row.split()) for row in written(tmp_path, "charisma", ramp, far).splitlines()} == {9}
    with pytest.raises(MtlError, match="letters without blanks"):
        written(tmp_path, "charisma", ramp, survey, charisma_mark=" ")
    half = survey.like(axes=(*survey.axes[:2], Axis("crossline", 6, 200.5, 1.0, "line")))
    with pytest.raises(MtlError, match="whole crossline numbers"):
        written(tmp_path, "charisma", ramp, half)


SPECIFIED_IESX = """\
PROFILE TOP_A            TYPE 1  4                                              3d_ci7m.ifdf     m ms
SNAPPING PARAMETERS 5     0 1
  5.00000000E+05  6.00000000E+06  0 14  1510.25    200.00    200.00  200 1.2500000E+03 I    100 XX
  5.00025000E+05  6.00000000E+06  0 14  1511.00    201.00    201.00  201 1.2500000E+03 I    100 XX
EOD
"""


def test_iesx_reproduces_the_specified_cards(tmp_path: Path) -> None:
    axes = (Axis("time", 50, 1500.0, 4.0, "ms"), Axis("inline", 1, 100.0), Axis("crossline", 2, 200.0))
    geometry = Geometry(axes, coordinates=((495_000.0, 0.0, 25.0), (6_000_000.0, 0.0, 0.0)))
    depth = np.array([[10.25 / 4, 11 / 4]], np.float32)
    horizon = Horizon("TOP_A", 0.5, depth, np.full((1, 2), 1250, np.float32))
    header, cards = written(tmp_path, "iesx", horizon, geometry).split("\n", 1)
    specified_header, specified_cards = SPECIFIED_IESX.split("\n", 1)
    assert cards == specified_cards
    # The specification has TYPE in column 25, its example in 26; readers look for the word.
    assert header.split() == specified_header.split()
    assert header.index("TYPE") == 24


def test_iesx_columns(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    rows = written(tmp_path, "iesx", ramp, survey, undefined=1e30).splitlines()
    cards = rows[2:-1]
    assert (rows[0][:8], rows[0][24:30], rows[0][32], rows[-1]) == ("PROFILE ", "TYPE 1", "4", "EOD")
    assert rows[1] == "SNAPPING PARAMETERS 5     0 1"
    assert len(cards) == 23  # undefined picks are never written
    assert {len(card) for card in cards} == {98}
    card = cards[-1]
    spans = [(0, 16), (16, 32), (32, 35), (35, 38), (38, 47), (47, 57), (57, 67), (67, 72), (72, 86), (88, 95)]
    values = [float(card[slice(*span)]) for span in spans]
    assert values == [500_125, 6_000_060, 0, 14, 1069, 205, 205, 205, 0.75, 106]
    assert (card[86:88], card[95:]) == (" I", " XX")


def test_iesx_says_the_unit_of_the_map(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    feet = survey.like(attributes={"segy": {"coordinate_unit": "ft"}})
    assert written(tmp_path, "iesx", ramp, survey).splitlines()[0].split()[-2:] == ["m", "ms"]
    assert written(tmp_path, "iesx", ramp, feet).splitlines()[0].split()[-2:] == ["ft", "ms"]


def test_iesx_of_a_line(tmp_path: Path, pick_line: Horizon, line: Geometry) -> None:
    rows = written(tmp_path, "iesx", pick_line, line).splitlines()
    assert (rows[0][32], "2d_ci7m_gf.ifdf" in rows[0]) == ("5", True)
    assert len(rows) == 2 + 3 + 1
    # As gio reads it: blanks between, Z fifth, CDP eighth, line::dataset last.
    words = rows[3].split()
    assert (words[4], words[7], words[-1].split("::")) == ("1042.00", "1002", ["LINE", "mtlcore"])
    assert [rows[3][67:72], rows[3][38:47]] == [" 1002", "  1042.00"]
    metres = line.like(axes=(line.axes[0], Axis("x", 4, 0.0, 12.5, "m")))
    assert written(tmp_path, "iesx", pick_line, metres).splitlines()[3][67:72] == "    2"


def test_iesx_refuses_what_its_columns_cannot_hold(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    large = survey.like(axes=(*survey.axes[:2], Axis("crossline", 6, 123_456.0)))
    with pytest.raises(MtlError, match="5 columns for the crossline number"):
        written(tmp_path, "iesx", ramp, large)
    deep = survey.like(axes=(Axis("depth", 50, 1e6, 1, "m"), *survey.axes[1:]))
    with pytest.raises(MtlError, match="9 columns for Z"):
        written(tmp_path, "iesx", ramp, deep)
    with pytest.raises(MtlError, match="too long for iesx"):
        check_names(["A" * 16], ["iesx"])
    check_names(["A" * 16], ["xyz"])


@pytest.fixture
def small() -> tuple[Horizon, Geometry]:
    """The grid of the specification's CPS-3 and ZMAP+ examples; inlines along Y, 3 rows, 2 columns."""
    axes = (Axis("time", 50, 1500.0, 1.0, "ms"), Axis("inline", 2, 1.0), Axis("crossline", 3, 1.0))
    geometry = Geometry(axes, coordinates=((499_900.0, 100.0, 0.0), (5_999_900.0, 0.0, 100.0)))
    depth = np.array([[30, 20, 10], [31, np.nan, 11]], np.float32)
    return Horizon("TOP_A", 0.5, depth, np.ones((2, 3), np.float32)), geometry


def test_cps3_reproduces_the_specified_grid(tmp_path: Path, small: tuple[Horizon, Geometry]) -> None:
    rows = written(tmp_path, "cps3", *small).splitlines()
    assert rows[:6] == [
        'FSASCI 0 1 "COMPUTED" 0 0.1E+31',
        "FSATTR 0 0",
        "FSLIMI 500000.0 500100.0 6000000.0 6000200.0 1510.0 1531.0",
        "FSNROW 3 2",
        "FSXINC 100.0 100.0",
        "->TOP_A",
    ]
    assert rows[6:] == ["1510.0000 1520.0000 1530.0000 1511.0000 0.1E+31", "1531.0000"]


@pytest.mark.parametrize(
    ("order", "size", "values"),
    [("rows-up", "3 2", "1530 1531 1520 null 1510 1511"), ("rows-down", "2 3", "1510 1511 1520 null 1530 1531")],
)
def test_cps3_orders(tmp_path: Path, small: tuple[Horizon, Geometry], order: str, size: str, values: str) -> None:
    text = written(tmp_path, "cps3", *small, cps3_order=order, undefined=-999.25)
    assert f"\nFSNROW {size}\n" in text
    assert text.startswith('FSASCI 0 1 "COMPUTED" 0 -999.25\n')
    found = text.partition("->TOP_A\n")[2].split()
    assert found == [f"{word}.0000" if word != "null" else "-999.25" for word in values.split()]


def test_zmap_reproduces_the_specified_grid(tmp_path: Path, small: tuple[Horizon, Geometry]) -> None:
    rows = written(tmp_path, "zmap", *small).splitlines()
    assert rows == [
        "! TOP_A: Z in ms, positive down",
        "@TOP_A, GRID, 5",
        "15, -99999.0000, , 4, 1",
        "3, 2, 500000.0, 500100.0, 6000000.0, 6000200.0",
        "0.0, 0.0, 0.0",
        "@",
        "      1510.0000      1520.0000      1530.0000",
        "      1511.0000    -99999.0000      1531.0000",
    ]
    assert [len(row.split(",")) for row in rows[1:4]] == [3, 5, 6]


@pytest.mark.parametrize("undefined", [None, -999.25])
def test_zmap_is_read_by_xtgeo(tmp_path: Path, ramp: Horizon, survey: Geometry, undefined: float | None) -> None:
    written(tmp_path, "zmap", ramp, survey, undefined=undefined)
    expected = (1000 + 4 * ramp.depth).astype(float)
    xtgeo = pytest.importorskip("xtgeo")
    surface = xtgeo.surface_from_file(tmp_path / "horizon.zmap", fformat="zmap")
    np.testing.assert_allclose(surface.values.filled(np.nan).T, expected, atol=1e-3)
    assert (surface.xori, surface.yori, surface.xinc, surface.yinc) == (500_000, 6_000_000, 25, 20)


@pytest.mark.parametrize("undefined", [None, 1e30, -999.25])
def test_zmap_is_read_by_zmapio(tmp_path: Path, ramp: Horizon, survey: Geometry, undefined: float | None) -> None:
    zmapio = pytest.importorskip("zmapio")
    written(tmp_path, "zmap", ramp, survey, undefined=undefined)
    expected = (1000 + 4 * ramp.depth).astype(float)
    grid = zmapio.ZMAPGrid(str(tmp_path / "horizon.zmap"))
    np.testing.assert_allclose(grid.z_values, expected[::-1].T, atol=1e-3)


def test_zmap_nulls_fit_a_node(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    assert "1.000000E+30" in written(tmp_path, "zmap", ramp, survey, undefined=1e30)
    assert re.search(r"^15, -1\.000000E\+300, , 4, 1$", written(tmp_path, "zmap", ramp, survey, undefined=-1e300), re.M)


def test_npy_holds_samples_units_and_quality(tmp_path: Path, ramp: Horizon, survey: Geometry) -> None:
    path = tmp_path / "horizon.npy"
    WRITERS["npy"](path, Surface(ramp, survey, Style(z_sign="up")))
    samples, z, quality = np.load(path)
    np.testing.assert_array_equal(samples, ramp.depth)
    np.testing.assert_allclose(z, -(1000 + 4 * ramp.depth))
    np.testing.assert_array_equal(quality, ramp.quality)
    WRITERS["npy"](path, Surface(ramp, survey, Style(undefined=-1)))
    assert np.load(path)[:, 1, 3].tolist() == [-1, -1, -1]


def test_lines_have_no_grids(tmp_path: Path, pick_line: Horizon, line: Geometry) -> None:
    for format in ONLY_3D:
        with pytest.raises(MtlError, match=f"{format} needs a 3D survey: for a 2D line use xyz, iesx or npy"):
            check_formats([format], 2)
        with pytest.raises(MtlError, match="needs a 3D survey"):
            written(tmp_path, format, pick_line, line)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MtlError, match=r"Unknown format 'zmp'\. Did you mean 'zmap'"):
        check_formats(["zmp"], 3)


def test_names(ramp: Horizon, survey: Geometry) -> None:
    assert file_name(Surface(ramp, survey), "zmap") == "TOP_A_ms_down.zmap"
    for name in ("", " a", "a\n", 'a"b', "a\x00b", "a" * 81):
        with pytest.raises(MtlError, match="does not fit"):
            check_names([name], ["xyz"])
    for names in (["Top", "TOP"], ["Top Brent", "Top_Brent"]):
        with pytest.raises(MtlError, match="Two horizons are named"):
            check_names(names, ["xyz"])


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("Top Brent", "Top_Brent_ms_down.zmap", "Top Brent"),
        ("../a", "a_ms_down.zmap", "../a"),
        ("Øst – Ålesund", "Ost_Alesund_ms_down.zmap", "Ost _ Alesund"),
        ("a, b", "a_b_ms_down.zmap", "a_ b"),
        ("水", "unnamed_ms_down.zmap", "_"),
    ],
)
def test_any_name_can_be_written(
    name: str, file: str, text: str, tmp_path: Path, ramp: Horizon, survey: Geometry
) -> None:
    surface = Surface(Horizon(name, 0.5, ramp.depth, ramp.quality), survey)
    assert re.sub("_+", "_", file_name(surface, "zmap")) == file
    WRITERS["zmap"](tmp_path / "z", surface)
    assert (tmp_path / "z").read_text(encoding="ascii").splitlines()[1] == f"@{text}, GRID, 5"


@pytest.mark.parametrize("format", WRITERS)
def test_a_horizon_that_is_defined_nowhere(tmp_path: Path, survey: Geometry, format: str) -> None:
    nothing = np.full((4, 6), np.nan, np.float32)
    WRITERS[format](tmp_path / "empty", Surface(Horizon("E", 2.0, nothing, nothing), survey))
    assert (tmp_path / "empty").exists()
