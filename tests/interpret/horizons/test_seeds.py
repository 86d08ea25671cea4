"""From points and counts to times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtl_seismic.interpret.horizons.reflectors import snap
from mtl_seismic.interpret.horizons.seeds import (
    Seed,
    locate,
    read_seeds,
    reference_curve,
    reference_trace,
    spread,
)
from mtlcore import ArrayVolume, Axis, Geometry, MtlError


def test_seeds_are_in_the_files_own_numbers(survey: Geometry) -> None:
    assert locate(Seed((104, 203, 1010)), survey) == (2.5, 2, 3)
    assert locate(Seed((2, 3, 2.5)), survey, in_samples=True) == (2.5, 2, 3)
    line = Geometry((Axis("time", 50, 1000, 4, "ms"), Axis("x", 9, 100, 12.5, "m")))
    assert locate(Seed((110, 1196)), line) == (49, 1)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((103, 203, 1010), "Seed 103,203,1010: there is no inline in between; inline goes from 100 to 106 by 2"),
        ((104, 206, 1010), "crossline 206 is not in the volume; crossline goes from 200 to 205 by 1"),
        ((104, 203, 999), "time 999 is not in the volume; time goes from 1000 to 1196 by 4 .ms."),
        ((104, 203), "2 numbers: expected IL,XL,Z in this 3D result"),
        ((104, 203, float("nan")), "not finite"),
    ],
)
def test_seeds_that_the_volume_does_not_hold(survey: Geometry, numbers: tuple[float, ...], message: str) -> None:
    with pytest.raises(MtlError, match=message):
        locate(Seed(numbers), survey)


def test_a_file_of_seeds(tmp_path: Path) -> None:
    file = tmp_path / "seeds.txt"
    file.write_text("# IL XL Z name\n104 203 1010 TOP\n\n100,205\t1e3 # no name\n")
    assert read_seeds(file) == [Seed((104, 203, 1010), "TOP"), Seed((100, 205, 1000))]
    for text in ("104", "104 203 1010 A B", "TOP 104 203 1010", "1 2 3 4"):
        file.write_text(f"104 203 1010\n{text}\n")
        with pytest.raises(MtlError, match=r"seeds\.txt line 2 is"):
            read_seeds(file)
    file.write_text("# nothing\n")
    with pytest.raises(MtlError, match="contains no seeds"):
        read_seeds(file)
    with pytest.raises(MtlError, match=r"missing\.txt cannot be read"):
        read_seeds(tmp_path / "missing.txt")


def test_the_reference_trace_is_a_live_one_near_the_middle(layers: Callable[..., Any]) -> None:
    rgt, _ = layers((20, 5, 5))
    rgt[:, 2, 2] = 0
    live = np.ones((5, 5), bool)
    live[1, 2] = live[2, 1] = live[2, 3] = False
    volume = ArrayVolume(rgt, Geometry.of_shape(rgt.shape, live=live))
    assert reference_trace(volume) == (3, 2)
    curve = reference_curve(volume)
    np.testing.assert_array_equal(curve, rgt[:, 3, 2])
    np.testing.assert_allclose(spread(curve, 3), np.interp([4.75, 9.5, 14.25], range(20), curve))
    with pytest.raises(MtlError, match=r"reference trace .* is dead"):
        reference_curve(volume, (2, 2))
    with pytest.raises(MtlError, match="All traces"):
        reference_trace(ArrayVolume(np.zeros((4, 3), np.float32)))


def test_a_count_snaps_to_the_strongest_coherent_reflectors(layers: Callable[..., Any]) -> None:
    rgt, _ = layers((100, 40))
    random = np.random.default_rng(0)
    depth = rgt * 120 - 10
    image = sum(sign * np.exp(-(((depth - at) / 1.5) ** 2)) for sign, at in ((1, 27.0), (-1, 60.5)))
    image = (image + 0.5 * random.standard_normal(rgt.shape)).astype(np.float32)
    volume = ArrayVolume(rgt)
    curve = reference_curve(volume)
    values = spread(curve, 2)
    snapped = snap(values, curve, volume, ArrayVolume(image), chunk=700)
    np.testing.assert_allclose(snapped * 120 - 10, [27, 60.5], atol=0.6)
    assert (snap(values, curve, volume, ArrayVolume(0 * image)) == values).all()
    assert (np.diff(snap(spread(curve, 30), curve, volume, ArrayVolume(image))) > 0).all()
