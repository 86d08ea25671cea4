"""Horizons of volumes: where they lie, where they are undefined, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mtl_seismic.interpret.horizons import Horizon, extract_horizons
from mtlcore import ArrayVolume, Geometry, MtlError
from mtlcore.io.volume import Window

SHAPE = (50, 7, 9)


class Watched(ArrayVolume):
    """Remembers how many lines were read at once."""

    most_lines = 0

    def read(self, window: Window) -> Any:
        self.most_lines = max(self.most_lines, window[1].stop - window[1].start)
        return super().read(window)


def test_planes_come_back(layers: Callable[..., Any]) -> None:
    rgt, _ = layers(SHAPE)
    (horizon,) = extract_horizons(rgt, seeds=[(20.25, 2, 3)])
    index = np.indices(SHAPE[1:])
    expected = 20.25 + 0.5 * (index[0] - 2) - 0.25 * (index[1] - 3)
    np.testing.assert_allclose(horizon.depth, expected, atol=1e-4)
    assert horizon.depth.dtype == horizon.quality.dtype == np.float32
    assert (horizon.name, horizon.seed, horizon.coverage) == ("horizon", (20.25, 2.0, 3.0), 1.0)
    np.testing.assert_allclose(horizon.quality, 1, atol=1e-3)


def test_a_section_works_as_a_volume_does(layers: Callable[..., Any]) -> None:
    rgt, image = layers((50, 30))
    first, second = extract_horizons(rgt, [0.3, 0.4], image=image, names=["A", "B"])
    assert [first.name, second.name] == ["A", "B"]
    assert first.depth.shape == (30,)
    np.testing.assert_allclose(second.depth - first.depth, 0.1 * 70, atol=1e-4)


@pytest.mark.parametrize("chunk", [1, 50 * 9 * 2, 50 * 9 * 3])
def test_reading_line_by_line_changes_nothing(chunk: int) -> None:
    random = np.random.default_rng(0)
    rgt = np.sort(random.random(SHAPE).astype(np.float32), axis=0)
    image, fault = random.standard_normal(SHAPE).astype(np.float32), random.random(SHAPE).astype(np.float32)
    whole = extract_horizons(rgt, [0.3, 0.6], image=image, fault_probability=fault)
    watched = Watched(rgt)
    parts = extract_horizons(watched, [0.3, 0.6], image=image, fault_probability=fault, chunk=chunk)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one.depth, other.depth)
        np.testing.assert_array_equal(one.quality, other.quality)
    assert watched.most_lines <= max(1, chunk // (50 * 9)) + 4


def test_undefined_on_dead_traces_and_outside(layers: Callable[..., Any]) -> None:
    rgt, image = layers(SHAPE)
    rgt[:, 3, 4] = 0  # as mtl run leaves dead traces
    live = np.ones(SHAPE[1:], bool)
    live[0, 0] = False
    volume = ArrayVolume(rgt, Geometry.of_shape(SHAPE, live=live))
    middle, shallow = extract_horizons(volume, [0.5, 10 / 70], image=image)
    undefined = {(0, 0), (3, 4)}
    assert set(map(tuple, np.argwhere(np.isnan(middle.depth)).tolist())) == undefined
    np.testing.assert_array_equal(np.isnan(middle.quality), np.isnan(middle.depth))
    assert not np.isnan(shallow.depth[6, 0])
    assert np.isnan(shallow.depth[0, 8])  # above the volume there


def test_cut_where_section_is_missing_and_only_there() -> None:
    """A normal fault between traces 10 and 20: below sample 10 + trace, 6 samples of section are missing."""
    depth, trace = np.indices((60, 30)).astype(np.float64)
    time = depth + 6 * ((depth > 10 + trace) & (trace >= 10) & (trace < 20))
    rgt = (time / 70).astype(np.float32)
    missing = np.array([20.0 + 3 + 5])  # in the gap of trace 15: 25..32
    (horizon,) = extract_horizons(rgt, missing / 70)
    assert np.isnan(horizon.depth[12:18]).any()
    assert np.isfinite(horizon.depth[:10]).all()
    assert np.isfinite(horizon.depth[20:]).all()
    (kept,) = extract_horizons(rgt, missing / 70, gap=8)
    assert np.isfinite(kept.depth).all()
    assert (kept.quality[np.isnan(horizon.depth)] < 0.2).all()


def test_quality_falls_at_faults_in_noise_and_off_the_phase(layers: Callable[..., Any]) -> None:
    rgt, image = layers((60, 40))
    fault = np.zeros_like(rgt)
    fault[:, 20] = 0.75
    noise = image.copy()
    noise[:, 30:] = np.random.default_rng(0).standard_normal((60, 10))
    skipped = image.copy()
    skipped[:, 10] *= -1
    (at_fault,) = extract_horizons(rgt, [0.6], fault_probability=fault)
    np.testing.assert_allclose(at_fault.quality[[5, 20]], [1, 0.25], atol=1e-3)
    (in_noise,) = extract_horizons(rgt, [0.6], image=noise)
    assert in_noise.quality[:27].min() > 0.95
    assert in_noise.quality[32:].mean() < 0.6
    (off_phase,) = extract_horizons(rgt, [0.6], image=skipped)
    assert off_phase.quality[10] == 0
    assert off_phase.quality[20:].min() > 0.95
    (strict,) = extract_horizons(rgt, [0.6], image=skipped, min_quality=0.5)
    assert np.isnan(strict.depth[10])
    assert strict.coverage < 1


def test_what_cannot_be(layers: Callable[..., Any]) -> None:
    rgt, _ = layers(SHAPE)
    for seed in [(50, 0, 0), (-0.1, 0, 0), (5, 7, 0), (5, 0)]:
        with pytest.raises(MtlError, match="outside the volume"):
            extract_horizons(rgt, seeds=[seed])
    with pytest.raises(MtlError, match="does not fit time of shape 50x7x9"):
        extract_horizons(rgt, [0.5], image=rgt[:, :5])
    with pytest.raises(MtlError, match="no two samples"):
        extract_horizons(rgt[:1], [0.5])
    with pytest.raises(MtlError, match="finite"):
        extract_horizons(rgt, [np.nan])
    rgt[:, 2, 2] = 0
    with pytest.raises(MtlError, match="dead trace"):
        extract_horizons(rgt, seeds=[(5, 2, 2)])
    with pytest.raises(ValueError, match="either values or seeds"):
        extract_horizons(rgt)


def test_single_lines_traces_and_two_samples() -> None:
    for shape in [(2, 1), (2, 1, 1), (5, 1, 3), (3, 4, 1)]:
        rgt = np.broadcast_to(np.linspace(0, 1, shape[0]).reshape(-1, *[1] * (len(shape) - 1)), shape)
        horizon: Horizon = extract_horizons(rgt.astype(np.float32), [0.5], image=rgt.astype(np.float32))[0]
        np.testing.assert_allclose(horizon.depth, (shape[0] - 1) / 2, atol=1e-6)
        assert ((horizon.quality >= 0) & (horizon.quality <= 1)).all()
