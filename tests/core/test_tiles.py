"""Columns and tiles partition a volume; how large they are follows from memory and the halo."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlcore.errors import MtlError, OptionError
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.layout import cut
from mtlcore.inference.planning import Budget, bytes_needed, plan
from mtlcore.inference.tiles import Tiling

SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=3)
GB = 10**9


@given(SIZES, st.integers(1, 50), st.integers(0, 20), st.sampled_from([1, 2, 4, 6, 8]))
def test_tiles_of_columns_partition_every_volume(shape, edge, halo, stride):
    tiling = Tiling(tuple(shape), (edge,) * len(shape), halo, stride)
    count = np.zeros(shape, int)
    volume = np.arange(math.prod(shape)).reshape(shape)
    read = 0
    for column in tiling.columns:
        assert np.array_equal(volume[column.read][column.keep], volume[column.core])
        assert column.core[0] == column.read[0] == slice(0, shape[0])
        for span in tiling.depths:
            count[(span.core, *column.core[1:])] += 1
            read += math.prod(part.stop - part.start for part in (span.read, *column.read[1:]))
        spans = [*zip(column.core[1:], column.read[1:], shape[1:], strict=True)]
        for core, seen, length in [*spans, *((span.core, span.read, shape[0]) for span in tiling.depths)]:
            assert seen.start % stride == 0
            assert seen.start == 0 or core.start - seen.start >= halo
            assert seen.stop == length or seen.stop - core.stop >= halo
    assert (count == 1).all()
    assert (tiling.samples_read, tiling.steps) == (read, len(tiling.columns) * len(tiling.depths))


@given(SIZES, st.integers(1, 50), st.integers(0, 20), st.sampled_from([1, 2, 4, 6, 8]), st.data())
def test_columns_of_the_mirrored_volume_are_aligned_in_it(shape, edge, halo, stride, data):
    axis = data.draw(st.integers(1, len(shape) - 1))
    tiling = Tiling(tuple(shape), (edge,) * len(shape), halo, stride)
    volume = np.arange(math.prod(shape)).reshape(shape)
    for column in tiling.columns:
        part = tiling.mirrored(column, axis)
        seen = np.flip(volume[part.read], axis)
        assert np.array_equal(np.flip(seen[part.keep], axis), volume[column.core])
        first = shape[axis] - part.read[axis].stop
        assert first % stride == 0
        core = slice(shape[axis] - column.core[axis].stop, shape[axis] - column.core[axis].start)
        assert first == 0 or core.start - first >= halo


# The halos of the packaged models, and volumes of every size that users have.
@pytest.mark.parametrize(
    ("shape", "halo", "memory", "most"),
    [
        ((512, 512, 512), 48, 4 * GB, 4.0),
        ((1000, 1000, 1000), 48, 4 * GB, 5.0),
        ((1000, 1000, 1000), 80, 16 * GB, 5.0),
        ((1500, 1000, 1000), 80, 16 * GB, 5.1),
        ((1500, 20000), 176, 4 * GB, 1.4),
        ((3000, 4000), 176, 4 * GB, 1.3),
        ((128, 128, 128), 80, 4 * GB, 1.0),
    ],
)
def test_plans_at_the_halos_that_are_shipped_read_a_bounded_multiple(shape, halo, memory, most):
    per_sample = 200 if len(shape) == 3 else 480
    tiling = plan(shape, halo, 16, Budget(memory, per_sample))
    assert tiling.samples_read <= most * math.prod(shape)
    assert bytes_needed(shape, tiling.edges, halo, 16, per_sample) <= memory


def test_what_fits_nowhere_is_refused_with_the_bytes_that_it_needs():
    with pytest.raises(MtlError, match=r"needs \d+ MB, more than the 10 MB allowed for it: raise --memory"):
        plan((500, 500, 500), 80, 16, Budget(10_000_000, 200))


def test_a_backbone_that_must_see_everything_is_never_cut(make_model):
    model = make_model(2, ("dhr",), backbone={"name": "resunet"})
    (tiling,) = cut([model], (500, 500), InferOptions(), 10 * GB)
    assert tiling.steps == 1
    assert cut([model], (50, 50), InferOptions(tile=64), 10 * GB)[0].steps == 1
    with pytest.raises(OptionError, match=r"resunet.*whole volume.*Leave"):
        cut([model], (5000, 5000), InferOptions(tile=512), 10 * GB)
    with pytest.raises(MtlError, match=r"resunet.*needs about .* GB, more than the 0.1 GB allowed"):
        cut([model], (5000, 5000), InferOptions(), GB // 10)


@pytest.mark.parametrize("options", [{"tile": 0}, {"tile": -5}, {"halo": -1}, {"memory": 0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(OptionError, match=next(iter(options))):
        InferOptions(**options)
