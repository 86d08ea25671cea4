"""Tiles partition a volume; how large they are follows from the halo."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlcore.errors import OptionError
from mtlcore.inference.infer import InferOptions, plan_tiles
from mtlcore.inference.tiles import WHOLE, reading, tile_size, tiles

SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=3)


@given(SIZES, st.integers(1, 50), st.integers(0, 20), st.sampled_from([1, 2, 4, 6, 8]))
def test_tiles_partition_every_volume(shape, edge, halo, stride):
    count = np.zeros(shape, int)
    volume = np.arange(math.prod(shape)).reshape(shape)
    for tile in tiles(tuple(shape), (edge,) * len(shape), halo, stride):
        count[tile.core] += 1
        assert np.array_equal(volume[tile.read][tile.keep], volume[tile.core])
        assert all(span.start % stride == 0 for span in tile.read)
        for core, read, length in zip(tile.core, tile.read, shape, strict=True):
            assert read.start == 0 or core.start - read.start >= halo
            assert read.stop == length or read.stop - core.stop >= halo
    assert (count == 1).all()


@given(SIZES, st.integers(0, 300), st.one_of(st.none(), st.integers(1, 50)))
def test_a_tile_is_never_larger_than_the_volume(shape, halo, wanted):
    assert all(edge <= length for edge, length in zip(tile_size(tuple(shape), halo, wanted), shape, strict=True))


def test_small_volumes_run_whole():
    assert tile_size((2000, 4000), 224) == (2000, 4000)
    assert tile_size((128, 128, 128), 224) == (128, 128, 128)


@pytest.mark.parametrize(("shape", "halo"), [((8000, 30000), 224), ((600, 700, 800), 24)])
def test_tiles_of_large_volumes_read_a_bounded_part(shape, halo):
    edges = tile_size(shape, halo)
    assert reading(shape, edges, halo) <= WHOLE[len(shape)]
    # The halo's share stays bearable.
    assert math.prod(edge + 2 * halo for edge in edges) < 4 * math.prod(edges)


def test_a_volume_is_not_cut_where_each_tile_would_read_nearly_all_of_it():
    assert tile_size((200, 200, 200), 224) == (200, 200, 200)


def test_a_backbone_that_must_see_everything_is_never_tiled(make_model):
    model = make_model(2, ("dhr",), backbone={"name": "resunet"})
    assert len(plan_tiles(model, (5000, 5000), InferOptions())) == 1
    assert len(plan_tiles(model, (50, 50), InferOptions(tile=64))) == 1
    with pytest.raises(OptionError, match=r"resunet.*whole volume.*Leave"):
        plan_tiles(model, (5000, 5000), InferOptions(tile=512))


@pytest.mark.parametrize("options", [{"tile": 0}, {"tile": -5}, {"halo": -1}])
def test_impossible_tiles_are_refused(options):
    with pytest.raises(OptionError, match=next(iter(options))):
        InferOptions(**options)
