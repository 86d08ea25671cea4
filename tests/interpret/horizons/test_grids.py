"""Horizons on grids along X and Y."""

from __future__ import annotations

import numpy as np
import pytest

from mtl_seismic.interpret.horizons.grids import is_straight, to_grid
from mtl_seismic.interpret.horizons.mapping import map_positions
from mtlcore import Geometry, MtlError

STRAIGHT = {
    "inlines along x": ((495_000.0, 0.0, 25.0), (5_999_000.0, 10.0, 0.0)),
    "inlines along y": ((499_000.0, 10.0, 0.0), (5_995_000.0, 0.0, 25.0)),
    "westwards": ((505_000.0, 0.0, -25.0), (5_999_000.0, 10.0, 0.0)),
    "southwards": ((495_000.0, 0.0, 25.0), (6_001_000.0, -10.0, 0.0)),
    "both, turned": ((501_000.0, -10.0, 0.0), (6_005_000.0, 0.0, -25.0)),
}


@pytest.mark.parametrize("kind", STRAIGHT)
def test_every_bin_becomes_the_node_at_its_place(survey: Geometry, kind: str) -> None:
    geometry = survey.like(coordinates=STRAIGHT[kind])
    values = np.random.default_rng(0).random(survey.shape[1:])
    grid = to_grid(values, geometry)
    x, y = map_positions(geometry)
    assert not grid.resampled
    assert grid.values.size == values.size
    column, row = np.rint((x - grid.x) / grid.dx).astype(int), np.rint((y - grid.y) / grid.dy).astype(int)
    np.testing.assert_array_equal(grid.values[row, column], values)
    np.testing.assert_allclose([grid.x, grid.x_end, grid.y, grid.y_end], [x.min(), x.max(), y.min(), y.max()])
    assert min(grid.dx, grid.dy) > 0


def test_without_coordinates_line_numbers_stand_in(survey: Geometry) -> None:
    x, y = map_positions(survey.like(coordinates=None))
    assert (x[0].tolist(), y[:, 0].tolist()) == ([200, 201, 202, 203, 204, 205], [100, 102, 104, 106])
    x, y = map_positions(Geometry(survey.axes[:2]))
    assert (x.tolist(), y.tolist()) == ([100, 102, 104, 106], [0, 0, 0, 0])


def test_a_rotated_survey_is_interpolated(rotated: Geometry) -> None:
    x, y = map_positions(rotated)
    plane = 1000 + 0.3 * (x - 500_000) - 0.2 * (y - 6_000_000)
    assert not is_straight(rotated)
    grid = to_grid(plane, rotated)
    assert grid.resampled
    assert (grid.dx, grid.dy) == (pytest.approx(20), pytest.approx(20))
    rows, columns = np.indices(grid.values.shape)
    expected = 1000 + 0.3 * (grid.x + columns * grid.dx - 500_000) - 0.2 * (grid.y + rows * grid.dy - 6_000_000)
    known = np.isfinite(grid.values)
    np.testing.assert_allclose(grid.values[known], expected[known], atol=1e-3)
    assert 5 <= known.sum() < known.size
    plane[1, 2] = np.nan
    assert np.isfinite(to_grid(plane, rotated).values).sum() < known.sum()


def test_traces_on_one_line_are_no_grid(survey: Geometry) -> None:
    with pytest.raises(MtlError, match="all traces on one line"):
        to_grid(np.zeros((4, 6)), survey.like(coordinates=((0.0, 1.0, 2.0), (0.0, 2.0, 4.0))))
