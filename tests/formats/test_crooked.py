"""The places of a crooked line's traces, as they travel with its geometry."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from mtl_cli.main import cli
from mtl_seismic.formats.crooked import attribute, is_course, trace_points
from mtlcore import IMAGE, Geometry
from mtlcore.io.files import make_format

BEND = np.array([[0.0, 0.0], [10.0, 1.0], [20.0, 4.0]])


def test_places_come_back_and_only_for_the_traces_they_were_told_of():
    line = Geometry.of_shape((5, 3), attributes=attribute(BEND))
    np.testing.assert_array_equal(trace_points(line), BEND)
    assert trace_points(Geometry.of_shape((5, 4), attributes=attribute(BEND))) is None
    assert trace_points(Geometry.of_shape((5, 3, 2), attributes=attribute(BEND))) is None
    assert trace_points(Geometry.of_shape((5, 3))) is None
    assert trace_points(Geometry.of_shape((5, 3), attributes={"trace_xy": "elsewhere"})) is None


@pytest.mark.parametrize(
    ("steps", "expected"),
    [([10, 12, 9], True), ([0, 0, 25, 0, 0, 25], True), ([1] * 30 + [900], False), ([0, 0], False)],
)
def test_a_course_has_no_wild_steps(steps, expected):
    assert is_course(np.array(steps, float)) == expected


def test_inspect_says_that_a_line_is_crooked(tmp_path):
    path = tmp_path / "line.npy"
    geometry = Geometry.of_shape((5, 3), attributes=attribute(BEND))
    with make_format(path).create(path, geometry, IMAGE) as writer:
        writer.write((slice(0, 5), slice(0, 3)), np.ones((5, 3), np.float32))
    result = CliRunner().invoke(cli, ["inspect", str(path)])
    assert "3 points: a crooked line" in result.output
