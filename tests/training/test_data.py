"""Training samples: the order of items, and random changes that follow what outputs declare."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_seismic.heads.dhr import DHR
from mtl_seismic.heads.fault import DIP, PROBABILITY, STRIKE, Fault
from mtl_seismic.heads.rgt import RGT
from mtl_seismic.stages.mti import MTI
from mtl_seismic.stages.mtr import MTR
from mtl_seismic.synth.items import generate
from mtl_seismic.synth.recipes import RECIPES
from mtlcore.errors import MtlError
from mtlcore.plugin.interfaces import Items
from mtlcore.training.data import SMALLEST_PIECE, AugmentOptions, EpochOrder, Samples, batches, collate, cut, part
from mtlcore.training.optimise import MovingAverage, Plateau, check_labels, scheduled_rate

TASKS = (DHR(), RGT(), Fault())


@dataclass(frozen=True)
class Few(Items):
    made: tuple = field(repr=False)

    @property
    def shape(self):
        return self.made[0]["image"].shape

    def __len__(self):
        return len(self.made)

    def __getitem__(self, index):
        return dict(self.made[index])


def items(ndim=2, count=1):
    recipe = RECIPES[f"rgm{ndim}d"](shape=(32, 26, 22)[:ndim])
    return Few(tuple(generate(recipe, 0, index) for index in range(count)))


def samples(ndim=2, stage=None, **options):
    return Samples(items(ndim), stage or MTI(), TASKS, 1.0, 0, **options)


@given(st.integers(1, 20), st.integers(1, 60), st.sampled_from([(1, 1), (4, 1), (4, 2), (6, 3)]), st.integers(0, 99))
def test_every_item_is_seen_once_in_each_pass(count, size, shares, seed):
    batch_size, ranks = shares
    seen = []
    for epoch in range(4):
        shards = [list(EpochOrder(count, size, batch_size, seed, epoch, 0, rank, ranks)) for rank in range(ranks)]
        assert {len(shard) for shard in shards} == {-(-size // batch_size)}
        seen += [key for together in zip(*shards, strict=True) for shard in together for key in shard]
    passes = [seen[start : start + count] for start in range(0, len(seen) - count + 1, count)]
    assert all(sorted(index for _, index in one) == list(range(count)) for one in passes)
    assert len(set(seen)) == len(seen)  # so that no two samples are changed alike


@given(st.integers(1, 20), st.integers(1, 60), st.integers(0, 5), st.integers(0, 99), st.data())
def test_the_order_is_the_same_for_any_number_of_ranks_and_from_any_start(count, size, epoch, seed, data):
    whole = list(EpochOrder(count, size, 6, seed, epoch))
    for ranks in (2, 3, 6):
        shards = [list(EpochOrder(count, size, 6, seed, epoch, 0, rank, ranks)) for rank in range(ranks)]
        assert [[key for share in together for key in share] for together in zip(*shards, strict=True)] == whole
    start = data.draw(st.integers(0, len(whole)))
    order = EpochOrder(count, size, 6, seed, epoch, start)
    assert list(order) == whole[start:]
    assert len(order) == len(whole) - start


def test_seeds_and_epochs_have_orders_of_their_own():
    orders = {tuple(map(tuple, EpochOrder(50, 50, 5, seed, epoch))) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4


@pytest.mark.parametrize("stage", [MTI(), MTR()])
@pytest.mark.parametrize("ndim", [2, 3])
def test_a_sample_is_a_function_of_its_key(stage, ndim):
    one = samples(ndim, stage, crop=(16,) * ndim, augment=AugmentOptions())
    keys = [(number, 0) for number in range(6)]
    first = [one[key] for key in keys]
    for key, expected in zip(reversed(keys), reversed(first), strict=True):
        found = one[key]
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[name], expected[name], equal_nan=True) for name in found)
    assert not all(np.array_equal(first[0]["image"], other["image"]) for other in first[1:])


@pytest.mark.parametrize("ndim", [2, 3])
def test_flips_are_those_of_the_raw_data_with_the_declared_changes(ndim):
    """An augmented sample equals the sample of an item that was mirrored beforehand."""
    plain, augmented = samples(ndim), samples(ndim, augment=AugmentOptions(polarity=0, amplitude=1))
    outputs = {output.name: output for task in TASKS for output in task.outputs_in(ndim)}
    found = set()
    for number in range(30):
        flipped = augmented[number, 0]
        for axes in ((), (1,), (2,), (1, 2)):
            item = dict(plain.items[0])
            if max(axes, default=0) >= ndim:
                continue
            for axis in axes:
                for name, values in item.items():
                    rule = outputs[name].mirror if name in outputs else None
                    mirrored = np.ascontiguousarray(np.flip(values, axis))
                    item[name] = mirrored if rule is None else rule(mirrored, axis, ndim)
            expected = replace(plain, items=Few((item,)))[number, 0]
            if np.array_equal(flipped["image"], expected["image"]):
                found.add(axes)
                for name, values in expected.items():
                    assert np.allclose(values, flipped[name], atol=1e-5), name
                break
        else:
            pytest.fail("no mirror gives this sample")
    assert found == ({(), (1,)} if ndim == 2 else {(), (1,), (2,), (1, 2)})


def test_polarity_changes_amplitudes_alone():
    plain, augmented = samples()[0, 0], samples(augment=AugmentOptions(False, 1.0, 1.0))[0, 0]
    for name, values in plain.items():
        sign = -1 if name in ("image", "label/dhr") else 1
        assert np.array_equal(augmented[name], sign * values), name


def test_what_follows_the_polarity_and_is_no_amplitude_changes_its_sign_alone():
    from mtlcore.plugin.outputs import Output
    from mtlcore.training.data import _factor

    outputs = {name: Output(name, odd=name == "impedance") for name in ("impedance", "rgt")}
    for factor, expected in ((-1.7, -1.0), (1.7, 1.0)):
        assert _factor("label/impedance", factor, outputs) == expected
        assert _factor("field/impedance", factor, outputs) == expected
        assert _factor("label/rgt", factor, outputs) == 1.0
        assert _factor("image", factor, outputs) == factor


def test_amplitude_changes_image_and_dhr_alike():
    plain, option = samples()[0, 0], AugmentOptions(False, 0.0, 2.0)
    factors = []
    for number in range(20):
        augmented = samples(augment=option)[number, 0]
        factors.append(float(np.abs(augmented["image"]).max() / np.abs(plain["image"]).max()))
        assert np.allclose(augmented["label/dhr"], plain["label/dhr"] * np.float32(factors[-1]), rtol=1e-4)
        assert np.array_equal(augmented["label/rgt"], plain["label/rgt"])
    assert 0.5 <= min(factors) < 0.8
    assert 1.25 < max(factors) <= 2


def test_refinement_inputs_follow_the_labels_through_flips_and_polarity():
    stage = MTR(train_on="files")
    made = dict(items()[0])
    made |= {f"refinement/{name}": made[name] for name in ("dhr", "rgt", PROBABILITY, DIP)}
    one = Samples(Few((made,)), stage, TASKS, 0.5, 0, (20, 20), AugmentOptions())
    for number in range(8):
        sample = one[number, 0]
        for name in ("dhr", "rgt", PROBABILITY, DIP):
            assert np.array_equal(sample[f"field/{name}"], sample[f"label/{name}"]), name


def test_labels_are_unknown_where_the_image_is_dead_and_what_is_read_is_filled_from_beside():
    made = dict(items()[0])
    made["image"] = made["image"].copy()
    made["image"][:, 4], made["image"][9, 9] = 0, np.nan
    made["rgt"] = made["rgt"].copy()
    made["rgt"][2, 2] = np.nan
    sample = Samples(Few((made,)), MTR(), TASKS, 1.0, 0)[0, 0]
    for name, values in sample.items():
        if name.startswith("label/"):
            assert np.isnan(values[:, 4]).all()
            assert np.isnan(values[9, 9])
        else:
            assert np.isfinite(values).all(), name
            np.testing.assert_allclose(values[:, 4], (values[:, 3] + values[:, 5]) / 2, atol=1e-5)
    assert np.isnan(sample["label/rgt"][2, 2])


def test_crops_lie_inside_and_axes_that_are_short_are_taken_whole():
    for number in range(10):
        sample = samples(crop=(16, 999))[number, 0]
        assert {values.shape for values in sample.values()} == {(16, 26)}


@given(st.lists(st.integers(1, 90), min_size=2, max_size=3), st.integers(1, 5), st.integers(0, 99))
def test_pieces_are_of_one_size_and_hold_samples_once(size, most, seed):
    """All arrays are cut alike, and what no piece holds is less than a sample's row of each piece."""
    count = 2 * int(np.prod(size))
    image = torch.arange(count).reshape(2, 1, *size)
    pieces = cut({"image": image, "label/rgt": -image}, most, np.random.default_rng(seed))
    again = cut({"image": image}, most, np.random.default_rng(seed))
    assert torch.equal(pieces["image"], again["image"])
    assert torch.equal(pieces["image"], -pieces["label/rgt"])
    edges = pieces["image"].shape[2:]
    assert len(set(pieces["image"].flatten().tolist())) == pieces["image"].numel()
    for edge, length in zip(edges, size, strict=True):
        assert min(length, SMALLEST_PIECE) <= edge
        assert length // edge <= most
    assert pieces["image"].numel() == 2 * np.prod(
        [length // edge * edge for edge, length in zip(edges, size, strict=True)]
    )
    steps = pieces["image"].diff(dim=2)
    assert not steps.numel() or set(steps.flatten().tolist()) == {int(np.prod(size[1:]))}


def test_pieces_of_many_sizes_are_drawn_and_whole_windows_too():
    image = torch.zeros(1, 1, 288, 256)
    random = np.random.default_rng(0)
    shapes = [tuple(cut({"image": image}, 4, random)["image"].shape[2:]) for _ in range(200)]
    assert {depth for depth, _ in shapes} == {288, 144, 96, 72}
    assert {width for _, width in shapes} == {256, 128, 85, 64}
    assert shapes.count((288, 256)) > 20


def test_a_batch_fills_labels_that_only_some_items_have():
    one = {"image": np.ones((4, 4), np.float32), "label/rgt": np.zeros((4, 4), np.float32)}
    batch = collate([one, {"image": one["image"]}])
    assert batch["image"].shape == (2, 1, 4, 4)
    assert torch.isnan(batch["label/rgt"][1]).all()
    assert set(part(batch, "label")) == {"rgt"}


def test_reading_batches_leaves_torchs_random_state_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert len(list(batches(samples(), [[(0, 0)], [(1, 0)]], 0))) == 2
    assert torch.equal(torch.get_rng_state(), before)


def test_tasks_without_any_label_are_refused():
    check_labels(TASKS, ["image", "dhr", "rgt", PROBABILITY, STRIKE])
    with pytest.raises(MtlError, match=r"no label for task 'rgt'.*--tasks"):
        check_labels(TASKS, ["image", "dhr", PROBABILITY])


@pytest.mark.parametrize("schedule", ["cosine", "constant", "plateau"])
def test_rates_warm_up_and_then_stay_or_fall_to_a_hundredth(schedule):
    rates = [scheduled_rate(schedule, 2.0, step, 100, 10) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[9] == pytest.approx(2)
    assert max(rates) == pytest.approx(2)
    if schedule == "cosine":
        assert rates[10:] == sorted(rates[10:], reverse=True)
        assert rates[-1] == pytest.approx(0.02, rel=0.1)
    else:
        assert set(rates[10:]) == {2.0}
    assert scheduled_rate(schedule, 2.0, 0, 5, 0) == pytest.approx(2)


def test_a_plateau_lowers_the_rate_after_its_patience():
    plateau = Plateau(0.1, 2)
    for loss in (5, 4, 4, 4):
        plateau.update(loss)
    assert plateau.scale == 1
    plateau.update(4)
    assert plateau.scale == pytest.approx(0.1)
    plateau.update(3)
    assert (plateau.scale, plateau.waited) == (pytest.approx(0.1), 0)


def test_a_moving_average_is_fast_at_first_and_then_slow():
    net = torch.nn.Linear(1, 1, bias=False)
    net.weight.data.fill_(0)
    average = MovingAverage(net, 0.9)
    net.weight.data.fill_(1)
    average.update(net)
    assert float(average.state["weight"]) == pytest.approx(9 / 11)
    for _ in range(200):
        average.update(net)
    net.weight.data.fill_(2)
    average.update(net)
    assert float(average.state["weight"]) == pytest.approx(1.1, abs=1e-3)


def test_resampled_items_are_those_of_data_sampled_otherwise():
    """Labels follow: time keeps its order, dips turn, what is unknown stays so."""
    made = {name: values.copy() for name, values in items()[0].items()}
    made["image"][:, 4] = 0
    one = Samples(Few((made,)), MTI(), TASKS, 1.0, 0, augment=AugmentOptions(False, 0.0, 1.0, resample=2.0))
    plain = replace(one, augment=None)[0, 0]
    heights = set()
    for number in range(12):
        sample = one[number, 0]
        rows = sample["image"].shape[0]
        heights.add(rows)
        factor = rows / plain["image"].shape[0]
        if factor == 1:
            continue
        assert 0.5 <= factor <= 2
        for name, values in sample.items():
            assert values.shape == sample["image"].shape
            assert np.isnan(values[:, 4]).all() == name.startswith("label/"), name
        live = np.arange(sample["image"].shape[1]) != 4
        assert np.nanmin(np.diff(sample["label/rgt"][:, live], axis=0)) >= 0
        check_dips(plain, sample, factor, live)
    assert len(heights) > 6


def check_dips(plain, sample, factor, live):
    """Where the resampled item has faults, its dips are those of the item's straight faults, turned."""
    dips = np.unique(plain[f"label/{DIP}"][plain[f"label/{PROBABILITY}"] > 0])
    on_fault = (sample[f"label/{PROBABILITY}"] > 0.5) & live
    assert on_fault.any()
    cotangents = 1 / np.tan(np.deg2rad(sample[f"label/{DIP}"][on_fault]))
    expected = 1 / np.tan(np.deg2rad(dips)) / factor
    assert np.abs(cotangents[:, None] - expected).min(axis=1).max() < 1e-3


def test_traces_are_resampled_each_axis_by_its_own_factor_with_labels_that_follow():
    option = AugmentOptions(False, 0.0, 1.0, resample_traces=(0.4, 1.5))
    for ndim in (2, 3):
        plain, one = samples(ndim)[0, 0], samples(ndim, augment=option)
        shapes = set()
        for number in range(8):
            sample = one[number, 0]
            shape = sample["image"].shape
            shapes.add(shape[1:])
            assert {values.shape for values in sample.values()} == {shape}
            assert shape[0] == plain["image"].shape[0]
            factors = [new / old for new, old in zip(shape[1:], plain["image"].shape[1:], strict=True)]
            assert all(0.38 <= factor <= 1.52 for factor in factors)
            if ndim == 2:
                check_dips(plain, sample, 1 / factors[0], np.bool_(True))
        assert len({axis for shape in shapes for axis in shape}) > 6
        assert ndim == 2 or any(second != third for second, third in shapes)


def test_a_window_fits_the_narrowest_of_resampled_items():
    option = AugmentOptions(resample_traces=(0.5, 1.5))
    one = samples(crop=option.smallest((32, 26)), augment=option)
    assert {one[number, 0]["image"].shape for number in range(12)} == {(32, 13)}
    for wrong in ((1.0, 0.5), (0.0, 1.0), (1.0, 9.0)):
        with pytest.raises(MtlError, match="expected two factors"):
            AugmentOptions(resample_traces=wrong)


def test_a_window_fits_the_shortest_of_resampled_items():
    """Batches hold items of one size, whatever factors were drawn."""
    made = items()[0]
    shape = tuple(made["image"].shape)
    one = samples(crop=(round(shape[0] / 1.5), shape[1]), augment=AugmentOptions(resample=1.5))
    assert {one[number, 0]["image"].shape for number in range(12)} == {(round(shape[0] / 1.5), shape[1])}


def test_resampled_labels_beside_unknown_samples_are_right_or_unknown():
    made = {name: values.copy() for name, values in items()[0].items()}
    option = AugmentOptions(False, 0.0, 1.0, resample=1.5)
    whole = Samples(Few((made,)), MTI(), (RGT(),), 1.0, 0, augment=option)
    unknown = np.random.default_rng(0).random(made["rgt"].shape) < 0.1
    partly = replace(whole, items=Few((made | {"rgt": np.where(unknown, np.nan, made["rgt"])},)))
    shares = []
    for number in range(6):
        expected, found = (one[number, 0]["label/rgt"] for one in (whole, partly))
        known = np.isfinite(found)
        shares.append(known.mean())
        # Time is known up to its scale: the extremes may be unknown.
        slope, level = np.polyfit(found[known], expected[known], 1)
        assert np.quantile(np.abs(slope * found + level - expected)[known], 0.98) < 0.02
    assert 0.5 < np.mean(shares) < 0.95
