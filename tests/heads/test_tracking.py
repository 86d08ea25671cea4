"""Horizons tracked by embeddings that know the time: across faults, new strata and unconformities, in 2D and 3D."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_seismic.heads.correspondence import cell_mean, to_samples
from mtl_seismic.heads.flattening import increasing, stretch
from mtl_seismic.heads.metrics import horizon_depth_error
from mtl_seismic.heads.tracking.bands import BAND_REACH, BAND_ROWS, bands_around, level_range
from mtl_seismic.heads.tracking.final_levels import without_spikes
from mtl_seismic.heads.tracking.lattice import best_paths
from mtl_seismic.heads.tracking.levels import fill_unmatched, runs
from mtl_seismic.heads.tracking.problem import Costs
from mtl_seismic.heads.tracking.scores import LevelScores
from mtl_seismic.heads.tracking.solve import track
from mtl_seismic.synth.items import generate
from mtl_seismic.synth.recipes import RECIPES

CHANNELS = 64


def embeddings(rgt):
    """What a perfect network would say of a volume: of the same time, the same embedding."""
    time = cell_mean(torch.from_numpy(rgt)[None, None])[0, 0]
    centres = torch.linspace(0, 1, CHANNELS).view(-1, *[1] * time.ndim)
    bumps = torch.exp(-((time[None] - centres) ** 2) * (0.7 * CHANNELS) ** 2)
    unit = bumps / bumps.norm(dim=0, keepdim=True)
    # Cells of other times have a negative product: they would rather say that none is of the same time.
    query = np.concatenate([100 * unit.numpy(), np.full_like(unit[:1].numpy(), -40)])
    return query, np.concatenate([unit.numpy(), np.ones_like(unit[:1].numpy())])


def solved(rgt):
    levels, agreed = track(*embeddings(rgt))
    assert levels.shape == agreed.shape == tuple(-(-size // 2) for size in rgt.shape)
    assert (agreed >= 0).all() and (agreed <= 1).all()
    return stretch(increasing(to_samples(levels, rgt.shape)))


def tilted(shape, dip=0.2):
    time = np.arange(shape[0], dtype=np.float32).reshape(-1, *[1] * (len(shape) - 1))
    for axis in range(1, len(shape)):
        place = np.arange(shape[axis], dtype=np.float32)
        time = time - dip * place.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return time


@pytest.mark.parametrize("shape", [(96, 80), (97, 61), (64, 200), (64, 40, 36)])
def test_dipping_layers_are_tracked(shape):
    truth = stretch(tilted(shape))
    errors = horizon_depth_error(solved(truth), truth)
    assert errors["p95"] < 2
    assert errors["mean"] < 0.5


@pytest.mark.parametrize("throw", [-14, 14])
@pytest.mark.parametrize("shape", [(120, 80), (80, 48, 20)])
def test_horizons_jump_at_a_fault_that_cuts_the_whole_section(shape, throw):
    time = tilted(shape, 0.1)
    time[:, 30:] += throw
    truth = stretch(time)
    errors = horizon_depth_error(solved(truth), truth)
    assert errors["mean"] < 1
    assert errors["within_2"] > 0.93  # labels at the cells' resolution reach 0.96 to 0.975


def test_strata_that_the_reference_trace_lacks_are_told_apart_behind_it():
    """A block in the middle lacks the strata that blocks on both sides have: their order is known all the same."""
    time = tilted((120, 90), 0.0)
    time = np.broadcast_to(time, (120, 90)).copy()
    time[60:, 30:60] += 20
    truth = stretch(time)
    found = solved(truth)
    assert (np.diff(found, axis=0) > 0).all()
    left = horizon_depth_error(found[:, :28], truth[:, :28])  # the last cells lie on both sides of the fault
    assert left["within_2"] > 0.93


def test_items_of_the_reference_recipe_are_solved_nearly_as_well_as_their_cells_allow():
    lost = []
    for index in range(3):
        truth = generate(RECIPES["rgm2d"](shape=(240, 160)), 3, index, False)["rgt"]
        cells = cell_mean(torch.from_numpy(truth)[None, None])[0, 0].numpy() * len(truth) / 2
        best = stretch(increasing(to_samples(cells, truth.shape)))
        shares = [horizon_depth_error(time, truth)["within_2"] for time in (best, solved(truth))]
        lost.append(shares[0] - shares[1])
    assert np.mean(lost) < 0.05


@pytest.mark.parametrize("shape", [(2, 2), (3, 9), (40, 2), (40, 13), (2, 2, 2), (9, 3, 2), (40, 9, 7)])
def test_small_volumes_are_solved_too(shape):
    truth = stretch(tilted(shape))
    found = solved(truth)
    if shape[0] == 40:
        assert horizon_depth_error(found, truth)["p95"] < 2
    assert found.shape == shape
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=0) > 0).all()


def test_embeddings_without_meaning_still_give_time_that_increases():
    random = np.random.default_rng(0)
    query, key = random.standard_normal((2, 8, 30, 25)).astype(np.float32)
    levels, _ = track(query, key)
    time = stretch(increasing(to_samples(levels, (60, 50))))
    assert (np.diff(time, axis=0) > 0).all()
    assert (time.min(), time.max()) == (0, 1)


def certain(levels, count):
    """Scores, one trace, that each row lies on one level; -1: none of them."""
    evidence = np.full((1, len(levels), count + 1), np.log(1e-3), np.float32)
    for row, level in enumerate(levels):
        evidence[0, row, level] = 0
    return known(evidence)


def known(values):
    """Scores of all levels, and of none, which comes last: traces x rows x levels."""
    first = np.zeros(values.shape[:2], np.int64)
    return LevelScores(values[..., :-1].copy(), values[..., -1].copy(), first, values.shape[2] - 1)


def best_levels(scores, costs, jumps=None):
    if jumps is None:
        jumps = np.full(scores.unmatched.shape, costs.jump, np.float32)
    return best_paths(scores, costs, jumps)


@pytest.mark.parametrize(
    "levels",
    [
        list(range(12)),
        [0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15],  # strata are missing
        [5, 6, 7, 8, 9, 10, 6, 7, 8, 9, 10, 11],  # strata are repeated
        [0, 1, 2, 3, 4, 4, 5, 6, 7, 9, 10, 11],  # layers thicken and thin
    ],
)
def test_levels_are_found_where_the_scores_are_clear(levels):
    found, new = best_levels(certain(levels, 20), Costs())
    assert found[0].tolist() == levels
    assert not new.any()


@pytest.mark.parametrize("place", [6, 8, 10])
def test_a_jump_is_where_a_fault_is_known_to_be(place):
    """Rows 5 to 10 say nothing of their level: levels jump on the way, and where they do the fault tells."""
    scores = certain([*range(5), *range(17, 29)], 30)
    scores.matched[0, 5:11], scores.unmatched[0, 5:11] = -3, -9
    jumps = np.full((1, 17), 30, np.float32)
    jumps[0, place] = 12
    levels = best_levels(scores, Costs(), jumps)[0][0]
    assert np.flatnonzero(np.diff(levels) > 2) + 1 == [place]


def test_horizons_jump_at_faults_alone_where_faults_are_known():
    """Embeddings that take one block for another, 12 levels off: believed without faults, but not where none is."""
    truth = stretch(tilted((120, 96), 0.0) + np.zeros((120, 96), np.float32))
    wrong = truth.copy()
    wrong[40:70, 60:] += 24 / 120
    query, key = embeddings(wrong)
    faults = np.zeros((60, 48), np.float32)
    believed, doubted = (track(0.3 * query, key, known)[0][20:35, 32:] for known in (None, faults))
    expected = np.arange(20, 35)[:, None]
    assert np.abs(believed - expected).mean() > 5
    assert np.abs(doubted - expected).mean() < 3


def test_of_layers_that_look_alike_the_nearer_ones_are_meant():
    """Rows 10 to 19 look like those of levels 12 to 21, and a little more like those of levels 80 to 89."""
    scores = certain([*range(10), *range(12, 22), *range(20, 30)], 100)
    scores.matched[0, np.arange(10, 20), np.arange(80, 90)] = scores.matched[0, 0, 0] + 0.1
    jumps = np.full((1, 30), 5, np.float32)
    levels, _ = best_levels(scores, Costs(), jumps)
    assert levels[0, 10:20].tolist() == list(range(12, 22))
    assert best_levels(scores, Costs(jump_per_level=0), jumps)[0][0, 10:20].tolist() == list(range(80, 90))


def test_below_what_lies_below_all_levels_nothing_else_lies():
    """Rows 4 to 7, of which nothing is known, are between levels, whatever else that costs."""
    scores = certain([*range(4), -1, -1, -1, -1, *range(6, 10)], 10)
    found, _ = best_levels(scores, Costs(inside=9), np.full((1, 12), 1, np.float32))
    assert found[0, 4:8].max() < 10 - 1
    assert found[0, 8:].tolist() == [6, 7, 8, 9]


@given(st.integers(1, 700), st.integers(1, 4), st.integers(0, 99))
def test_a_band_holds_what_neighbours_have_and_as_much_around(rows, neighbours, seed):
    random = np.random.default_rng(seed)
    levels = random.uniform(0, 2, (neighbours, rows)).cumsum(1).astype(np.float32)
    count = int(levels.max()) + 1 + int(random.integers(0, 50))
    table = np.array([[*range(neighbours), -1], [0] * neighbours + [-1]])
    bands = bands_around(*level_range(levels), table, count)
    for trace, some in enumerate((levels, levels[:1])):
        first = np.repeat(bands.first[trace], BAND_ROWS)[:rows]
        last = first + bands.width[trace] - 1
        assert first.min() >= 0
        assert last.max() < count
        assert (np.diff(first) >= 0).all()
        assert (first <= np.maximum(np.floor(some.min(0)) - BAND_REACH, 0)).all()
        assert (last >= np.minimum(np.ceil(some.max(0)) + BAND_REACH, count - 1)).all()


def test_paths_in_a_band_are_those_among_all_levels():
    """Rows that go on, jump, and match nothing, of two traces, with scores that are nowhere clear."""
    random = np.random.default_rng(1)
    paths = np.array([[*range(300), *range(320, 500), *[-1] * 20, *range(500, 600)], [*range(40, 640)]])
    values = random.uniform(-9, -3, (2, 600, 701)).astype(np.float32)
    np.put_along_axis(values, paths[..., None], random.uniform(-4, -1, (2, 600, 1)).astype(np.float32), 2)
    whole = known(values)
    around = np.arange(600, dtype=np.float32) + np.array([[0], [40]], np.float32)
    bands = bands_around(*level_range(around), np.array([[0], [1]]), 700)
    width = int(bands.width.max())
    assert width < 350
    first = np.repeat(bands.first, BAND_ROWS, axis=1)[:, :600]
    cells = np.minimum(first[..., None] + np.arange(width), 699)
    banded = LevelScores(np.take_along_axis(whole.matched, cells, 2), whole.unmatched, first, 700)
    (levels, new), (expected, expected_new) = best_levels(banded, Costs()), best_levels(whole, Costs())
    assert (np.where(new, -1, levels) == paths).mean() > 0.98
    np.testing.assert_array_equal(levels, expected)
    np.testing.assert_array_equal(new, expected_new)
    np.testing.assert_allclose(banded.between(levels), whole.between(levels), rtol=1e-5)
    np.testing.assert_allclose(banded.agreement(levels), whole.agreement(levels), rtol=1e-5)


@pytest.mark.parametrize("throw", [-30, 30])
def test_tall_sections_are_tracked(throw):
    time = tilted((900, 64), 0.3)
    time[:, 30:] += throw
    truth = stretch(time)
    assert horizon_depth_error(solved(truth), truth)["within_2"] > 0.9


def test_unmatched_rows_are_told_apart_wherever_they_lie():
    rows = [-1, -1, -1, -1, 0, 1, 2, 3, 4, -1, -1, -1, -1, -1, -1, 5, 6, 7, -1, -1, -1]
    found, new = best_levels(certain(rows, 8), Costs())
    assert new[0].tolist() == [level < 0 for level in rows]
    assert found[0, [0, 9, 20]].tolist() == [-1, 4, 7]
    assert runs(new[0]) == [(0, 4), (9, 15), (18, 21)]


def test_unmatched_rows_lie_between_those_around_or_increase_by_one():
    levels = torch.tensor([[4.0, 4, 4, 5, 6, 6, 6, 9, 9, 9]])
    unmatched = torch.tensor([[True, True, False, False, False, True, True, False, True, True]])
    assert fill_unmatched(levels, unmatched).tolist() == [[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]
    assert torch.equal(fill_unmatched(levels, torch.zeros_like(unmatched)), levels)


@pytest.mark.parametrize("lateral", [(40,), (12, 14)])
def test_traces_that_none_recognises_get_the_time_of_those_beside_them(lateral):
    """And do not collapse to one time, however many they are."""
    truth = stretch(tilted((80, *(2 * size for size in lateral)), 0.05))
    query, key = embeddings(truth)
    query[:-1, :, 5:11], query[-1, :, 5:11] = 0, -1000
    levels, agreed = track(query, key)
    spans = levels[-1] - levels[0]
    assert spans.min() > 0.9 * np.median(spans)
    assert (agreed[:, 7] < 0.5).all()


def test_beyond_a_wide_gap_tracking_begins_again():
    """Of more traces than networks compare nothing is recognised; behind them layers are followed all the same."""
    truth = stretch(tilted((80, 500), 0.05))
    query, key = embeddings(truth)
    query[:-1, :, 140:215], query[-1, :, 140:215] = 0, -1000
    found = stretch(increasing(to_samples(track(query, key)[0], truth.shape)))
    for place in (slice(0, 270), slice(440, 500)):
        assert horizon_depth_error(found[:, place], truth[:, place])["p95"] < 2


def test_strata_that_come_in_on_both_sides_of_a_fold_are_the_same():
    """Up on either side, away from the reference trace, which has none of them."""
    place = np.abs(np.arange(96, dtype=np.float32) - 48)
    time = np.arange(120, dtype=np.float32)[:, None] + np.minimum(place, 30)
    found = solved(stretch(time))
    assert np.abs(found - found[:, ::-1])[:, 1:-1][:, ::-1].max() < 0.1
    assert np.abs(found[-8:, 12] - found[-8:, 84]).max() < 0.02


@pytest.mark.parametrize("shape", [(20, 30), (12, 18, 16)])
def test_levels_of_a_few_traces_alone_give_way_and_steps_and_dips_stay(shape):
    axes = torch.meshgrid(*(torch.arange(float(n)) for n in shape), indexing="ij")
    levels = axes[0] + 0.4 * axes[1] + 9 * (axes[1] > shape[1] // 2)
    spiky = levels.clone()
    spiky[4:9, 3:5] += 7
    found = without_spikes(spiky)
    assert torch.allclose(found[:, 2:], levels[:, 2:], atol=0.81)
    step = shape[1] // 2
    assert torch.allclose(found[:, step - 1 : -2], levels[:, step - 1 : -2])  # as sharp as it was
