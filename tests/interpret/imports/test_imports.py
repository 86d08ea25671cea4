"""What is written is read back, and so are the variants that other programs write."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_seismic.interpret.faults.exports.formats import EXPORTS
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtl_seismic.interpret.faults.survey import Survey
from mtl_seismic.interpret.horizons.exports.formats import WRITERS
from mtl_seismic.interpret.horizons.exports.surface import Style, Surface
from mtl_seismic.interpret.horizons.extraction import Horizon
from mtl_seismic.interpret.imports import Placing, read_horizon, read_horizons, read_sticks, read_tops
from mtl_seismic.interpret.names import one_word
from mtl_seismic.interpret.picks import PickedFault
from mtl_seismic.interpret.picks.faults import drawn_fault
from mtlcore.errors import MtlError, OptionError
from mtlcore.io.volume import Axis, Geometry

SHAPE = (80, 7, 9)
TITLES = '# "X"\t"Y"\t"Inline"\t"Crossline"\t"Z"'
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,13}", fullmatch=True)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """3D surveys with any rotation and handedness, whole line numbers, Z in ms or m."""
    angle, handed = np.radians(draw(st.floats(-180, 180))), draw(st.sampled_from([1, -1]))
    steps = [draw(st.sampled_from([1.0, 2.0, -1.0, 5.0])) for _ in range(2)]
    origins = [float(draw(st.integers(100, 2000))) for _ in range(2)]
    unit, step = draw(st.sampled_from([("ms", 4.0), ("ms", 2.0), ("m", 5.0)]))
    axes = (Axis("time", 80, draw(st.sampled_from([0.0, 1000.0])), step, unit),)
    axes += tuple(
        Axis(name, size, origin, by, "1")
        for name, size, origin, by in zip(("inline", "crossline"), SHAPE[1:], origins, steps, strict=True)
    )
    il, xl = 25.0 * handed, 12.5
    rows = ((4e5, float(-il * np.sin(angle)), float(xl * np.cos(angle))),)
    rows += ((6e6, float(il * np.cos(angle)), float(xl * np.sin(angle))),)
    return Geometry(axes, coordinates=rows)


@settings(max_examples=30)
@given(
    geometry=geometries(),
    name=NAMES,
    format=st.sampled_from(["charisma", "iesx", "xyz"]),
    sign=st.sampled_from(["down", "up"]),
    seed=st.integers(0, 1000),
)
def test_a_horizon_comes_back(geometry: Geometry, name: str, format: str, sign: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    depth = random.uniform(1, 78, SHAPE[1:]).astype(np.float32)
    depth[random.random(SHAPE[1:]) < 0.2] = np.nan
    depth[3, 3] = 40
    surface = Surface(Horizon(name, 0.5, depth, np.where(np.isnan(depth), np.nan, 0.5)), geometry, Style(z_sign=sign))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.{format}"
        WRITERS[format](path, surface)
        found = read_horizon(path)
    assert found.name == name
    samples = Placing(geometry, z_sign=sign).samples(found.points)
    back = np.full(SHAPE[1:], np.nan)
    back[tuple(np.rint(samples[:, 1:]).astype(int).T)] = samples[:, 0]
    # IESX has two decimals of Z.
    np.testing.assert_allclose(back, depth, atol=0.006 / geometry.axes[0].step)
    np.testing.assert_allclose(samples[:, 1:], np.rint(samples[:, 1:]), atol=0.01)


@settings(max_examples=30)
@given(
    geometry=geometries(),
    names=st.lists(NAMES, min_size=1, max_size=3, unique_by=str.lower),
    format=st.sampled_from(["charisma", "iesx", "opendtect"]),
    sign=st.sampled_from(["down", "up"]),
    seed=st.integers(0, 1000),
)
def test_sticks_come_back(geometry: Geometry, names: list[str], format: str, sign: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    faults = []
    for name in names:
        sticks = []
        for _ in range(random.integers(1, 4)):
            rows = np.sort(random.uniform(0, 79, random.integers(2, 6)))
            sticks.append(np.column_stack([rows, random.uniform(0, 6, len(rows)), random.uniform(0, 8, len(rows))]))
        faults.append(PickedFault(name, tuple(tuple(map(tuple, stick)) for stick in sticks)))
    drawn = [drawn_fault(fault, number, None, ExtractOptions()) for number, fault in enumerate(faults, 1)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"faults.{format}"
        EXPORTS[format](z_sign=sign).write(path, drawn, Survey(geometry))
        found = read_sticks(path)
    assert [fault.name for fault in found] == [one_word(name) for name in names]
    place = Placing(geometry, z_sign=sign)
    for fault, picked in zip(found, faults, strict=True):
        assert len(fault.sticks) == len(picked.sticks)
        for stick, expected in zip(fault.sticks, picked.sticks, strict=True):
            # E16.8 leaves 0.05 m of a Y of millions.
            np.testing.assert_allclose(place.samples(stick), np.array(expected), atol=0.02)


def written(tmp_path: Path, text: str, name: str = "Top Brent.txt") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="latin-1")
    return path


def test_several_iesx_horizons_and_what_opendtect_makes_of_them(tmp_path: Path) -> None:
    card = "  5.00000000E+05  6.00000000E+06  0 14  1510.25    200.00    200.00  200 1.2500000E+03 I    100 XX\n"
    null = card.replace("  1510.25", "*********")  # a null that overflows
    head = "PROFILE {}      TYPE 1  4     3d_ci7m.ifdf     m ms\nSNAPPING PARAMETERS 5     0 1\n"
    text = (
        head.format("TOP A")
        + card
        + null.replace("340282346", "*********")
        + "\t\n"
        + head.format("B")
        + card
        + "EOD\n"
    )
    found = read_horizons(written(tmp_path, text))
    assert [(horizon.name, len(horizon.points)) for horizon in found] == [("TOP A", 1), ("B", 1)]
    assert found[0].points.lines is not None and found[0].points.lines.tolist() == [[100, 200]]
    with pytest.raises(MtlError, match=r"has 2 horizons \(TOP A, B\): expected one"):
        read_horizon(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "columns", "lines", "xy"),
    [
        ("500000 6000000 1510.25\n500025\t6000000\t1e30\n", (), None, [5e5, 6e6]),
        ("500000,6000000,1510.25\n", (), None, [5e5, 6e6]),
        (
            '# "X"\t"Y"\t"Inline"\t"Crossline"\t"Z"\n# - - -\n500000\t6000000\t100\t200\t1510.25\n',
            (),
            [100, 200],
            [5e5, 6e6],
        ),
        ("# 1: X\n# 2: Y\n# 3: Z\n# - -\n500000\t6000000\t1510.25\n", (), None, [5e5, 6e6]),
        ("100\t200\t500000\t6000000\t1510.25\n", ("inline", "crossline", "x", "y", "z"), [100, 200], [5e5, 6e6]),
        ("TOP 100 200 1510.25\n", ("-", "inline", "crossline", "z"), [100, 200], None),
    ],
)
def test_dialects_of_xyz(
    text: str, columns: tuple[str, ...], lines: list[float] | None, xy: list[float] | None, tmp_path: Path
) -> None:
    points = read_horizon(written(tmp_path, text), columns=columns).points
    assert points.z.tolist() == [1510.25]
    assert (None if points.lines is None else points.lines[0].tolist()) == lines
    assert (None if points.xy is None else points.xy[0].tolist()) == xy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no picks that are defined"),
        ("1 2 1e30\n", "has no picks that are defined"),
        ("1 2 x\n", "line 1: the z is 'x', expected a number"),
        ("1 2 3 4\n", "has 4 columns and no header: name them"),
        ("INLINE : 1 XLINE : 2 3\n", "line 1 is 'INLINE : 1 XLINE : 2 3': expected INLINE : IL XLINE : XL X Y Z"),
        ("PROFILE A TYPE 1  4\n 1 2 3\n", "line 2 has 6 characters: expected a card of at least 47"),
        ("PROFILE A\n", "expected PROFILE name TYPE number"),
        ('# "X"\t"Y"\n1\t2\n', "expected z, and x and y or line numbers"),
        ("a\0b", "is not a text file"),
    ],
)
def test_what_is_no_horizon_is_said_in_a_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(MtlError, match=said.replace("(", r"\(")):
        read_horizons(written(tmp_path, text))


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    path = written(tmp_path, "1 2 3\n")
    with pytest.raises(OptionError, match="Did you mean 'charisma'"):
        read_horizon(path, "charizma")
    with pytest.raises(OptionError, match="Columns are of xyz files"):
        read_horizon(path, "charisma", ("x", "y", "z"))
    with pytest.raises(OptionError, match="Unknown column 'inlin'"):
        read_horizon(path, columns=("inlin", "y", "z"))
    assert len(read_horizon(written(tmp_path, "1 2 3\n1 3 -999\n"), undefined=-999).points) == 1
    with pytest.raises(MtlError, match="No such file"):
        read_horizon(tmp_path / "none")


def test_sticks_without_numbers_names_or_enough_points(tmp_path: Path) -> None:
    text = "INLINE- 100 200 5e5 6e6 1500 A\nINLINE- 100 204 5e5 6e6 1600 A\nINLINE- 110 201 5e5 6e6 1500 A\n"
    (fault,) = read_sticks(written(tmp_path, text))
    assert fault.name == "A" and [len(stick) for stick in fault.sticks] == [2]
    (fault,) = read_sticks(written(tmp_path, "5e5 6e6 1500 0\n5e5 6e6 1600 0\n5e5 6e6 1500 1\n5e5 6e6 1700 1\n"))
    assert fault.name == "Top Brent" and len(fault.sticks) == 2
    with pytest.raises(MtlError, match="has no fault sticks of two points"):
        read_sticks(written(tmp_path, "5e5 6e6 1500 0\n"))
    with pytest.raises(MtlError, match='expected "NAME" X Y Z STICK NODE'):
        read_sticks(written(tmp_path, "5e5 6e6 1500\n"))


def test_well_tops(tmp_path: Path) -> None:
    plain = read_tops(written(tmp_path, '# tops\n"Top Brent" 500000 6000000 -2510.5 30/9-1\nBase 1 2 3\n'))
    assert [(top.name, top.x, top.y, top.z, top.well) for top in plain] == [
        ("Top Brent", 5e5, 6e6, -2510.5, "30/9-1"),
        ("Base", 1, 2, 3, ""),
    ]
    (titled,) = read_tops(written(tmp_path, "Well,Surface,X,Y,Z\n30/9-1,Top Brent,5e5,6e6,2510\n"))
    assert (titled.name, titled.well, titled.z) == ("Top Brent", "30/9-1", 2510)
    with pytest.raises(MtlError, match="line 1: the X is 'x1', expected a number"):
        read_tops(written(tmp_path, "Top x1 2 3\n"))
    with pytest.raises(MtlError, match="has no well tops"):
        read_tops(written(tmp_path, "# nothing\n"))


def test_a_line_takes_the_nearest_trace_and_points_beside_it_are_nowhere(tmp_path: Path) -> None:
    axes = (Axis("time", 50, 0.0, 4.0, "ms"), Axis("cdp", 30, 100.0, 1.0, "1"))
    line = Geometry(axes, coordinates=((5e5 - 2500, 25.0, 0.0), (6e6, 0.0, 0.0)))
    points = read_horizon(written(tmp_path, "500250 6000003 -80\n500262.5 6000000 -100\n500250 6009000 -80\n")).points
    samples = Placing(line).samples(points)
    np.testing.assert_allclose(samples[:2], [[20, 10], [25, 10.5]], atol=1e-6)
    assert np.isnan(samples[2, 1]) and Placing(line).inside(samples).tolist() == [True, True, False]


def test_line_numbers_count_where_coordinates_do_not_fit(tmp_path: Path) -> None:
    axes = (Axis("time", 50, 0.0, 4.0, "ms"), Axis("inline", 8, 100.0, 1.0, "1"), Axis("crossline", 9, 200.0, 1.0, "1"))
    survey = Geometry(axes, coordinates=((0.0, 0.0, 25.0), (0.0, 25.0, 0.0)))
    text = '# "X"\t"Y"\t"Inline"\t"Crossline"\t"Z"\n9e5\t9e6\t103\t205\t0.08\n'
    samples = Placing(survey, z_factor=1000).samples(read_horizon(written(tmp_path, text)).points)
    np.testing.assert_allclose(samples, [[20, 3, 5]])
