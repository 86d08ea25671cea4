"""Flattened volumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtl_seismic.formats.npy import Npy
from mtl_seismic.interpret.horizons.crossing import as_traces
from mtl_seismic.interpret.horizons.seeds import reference_curve
from mtl_seismic.interpret.horizons.stratal import flatten, stratal_axis, write_stratal
from mtlcore import IMAGE, ArrayVolume, Geometry


def write(path: Path, rgt: Any, image: Any, geometry: Geometry, kind: Any, chunk: int = 1 << 20) -> Any:
    time = ArrayVolume(rgt, geometry)
    flat, values = stratal_axis(geometry, kind, reference_curve(time))
    write_stratal(path, Npy(), IMAGE, ArrayVolume(image, geometry), time, flat, values, chunk=chunk)
    return Npy().open(path)


@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_layers_become_level(tmp_path: Path, survey: Geometry, layers: Callable[..., Any], chunk: int) -> None:
    rgt, image = layers(survey.shape)
    volume = write(tmp_path / "flat.npy", rgt, image, survey, "depth", chunk)
    assert volume.geometry.axes == survey.axes
    flat = volume.load()
    # The reference trace (inline index 1, crossline index 2) stays as it is, and the others look like it.
    np.testing.assert_allclose(flat[:, 1, 2], image[:, 1, 2], atol=1e-5)
    np.testing.assert_allclose(flat[5:45], np.broadcast_to(image[5:45, 1, 2, None, None], (40, 4, 6)), atol=0.09)


def test_time_is_the_vertical_axis(tmp_path: Path, survey: Geometry, layers: Callable[..., Any]) -> None:
    rgt, image = layers(survey.shape)
    rgt[:, 3, 5] = 0
    volume = write(tmp_path / "flat.npy", rgt, image, survey, "rgt")
    axis = volume.geometry.axes[0]
    assert (axis.name, axis.size, axis.origin, axis.unit) == ("rgt", 50, 0, "1")
    assert volume.geometry.axes[1:] == survey.axes[1:]
    flat = volume.load()
    level = 20
    depth = np.interp(level * axis.step, rgt[:, 2, 1], np.arange(50))
    assert flat[level, 2, 1] == pytest.approx(np.interp(depth, np.arange(50), image[:, 2, 1]), abs=1e-5)
    assert (flat[:, 3, 5] == 0).all()
    assert (flat[0] == 0).all()  # no trace begins at time 0 here


def test_missing_section_is_a_gap(layers: Callable[..., Any]) -> None:
    rgt, image = layers((60, 3))
    rgt[30:] += 0.2
    flat = flatten(as_traces(rgt), as_traces(image), np.linspace(0, 1, 81))
    levels = np.linspace(0, 1, 81)
    inside = (levels > rgt[29, 1]) & (levels < rgt[30, 1])
    assert np.isnan(flat[inside, 1]).all()
    assert inside.sum() >= 15
    known = (levels > rgt[0, 1]) & (levels < rgt[-1, 1]) & ~inside
    assert np.isfinite(flat[known, 1]).all()
