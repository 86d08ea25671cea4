import numpy as np
import pytest

from mtl_seismic.heads.corruption import corrupt_dhr, corrupt_fault, corrupt_rgt, erasing_mask
from mtl_seismic.synth import Rgm2D, Rgm3D, generate

RECIPES = [Rgm2D(shape=(192, 160)), Rgm3D(shape=(48, 56, 40))]


def items(recipe, number=6):
    return [generate(recipe, 0, index) for index in range(number)]


@pytest.mark.parametrize("fraction", [0.05, 0.45, 0.9])
def test_a_mask_erases_at_most_its_fraction_and_nearly_that(fraction):
    mask = erasing_mask(np.random.default_rng(1), (120, 130), fraction)
    assert fraction - 0.01 < 1 - mask.mean() <= fraction


@pytest.mark.parametrize("recipe", RECIPES)
def test_most_true_faults_stay_and_few_false_ones_come(recipe):
    rng = np.random.default_rng(0)
    kept, false, total = 0.0, 0.0, 0.0
    for item in items(recipe):
        true = item["fault_probability"] > 0
        found, _, _ = corrupt_fault(item["fault_probability"], item["fault_dip"], item.get("fault_strike"), rng)
        kept, false, total = kept + (found * true).sum(), false + (found * ~true).sum(), total + true.sum()
    assert 0.55 < kept / total < 0.95
    assert 0.01 < false / (kept + false) < 0.35


@pytest.mark.parametrize("recipe", RECIPES)
def test_angles_follow_the_same_masks_as_probability(recipe):
    item = items(recipe, 1)[0]
    true = item["fault_probability"] > 0
    strike = item.get("fault_strike")
    found, dip, strikes = corrupt_fault(item["fault_probability"], item["fault_dip"], strike, np.random.default_rng(0))
    np.testing.assert_array_equal(dip > 0, found > 0)
    both = true & (found > 0)
    # Where a false fault crosses an erased piece of a true one, its own angle stands.
    assert np.mean(dip[both] == item["fault_dip"][both]) > 0.9
    assert (strikes is None) == (strike is None)
    if strikes is not None:
        assert strikes[found == 0].max(initial=0) == 0
        assert strikes.min() >= 0 and strikes.max() <= 180


def test_rgt_errs_by_up_to_ten_percent_and_not_at_the_top():
    rgt = np.linspace(0, 1, 96, dtype=np.float32)[:, None] * np.ones(80, np.float32)
    errors = [corrupt_rgt(rgt, np.random.default_rng(k)) - rgt for k in range(20)]
    assert all(error[0].max() == 0 for error in errors)
    assert 0.02 < max(np.abs(error).max() for error in errors) <= 0.2
    assert all((rgt + error).max() <= 1 and (rgt + error).min() >= 0 for error in errors)


def test_dhr_is_faded_in_parts_and_noisy():
    dhr = np.random.default_rng(0).standard_normal((160, 150)).astype(np.float32)
    ratios = [corrupt_dhr(dhr, np.random.default_rng(k)).std() / dhr.std() for k in range(10)]
    assert 0.6 < np.mean(ratios) < 0.95
    assert (corrupt_dhr(dhr, np.random.default_rng(0)) == 0).mean() < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 4, 3)])
def test_the_smallest_arrays_can_be_corrupted(shape):
    rng, ones = np.random.default_rng(0), np.ones(shape, np.float32)
    strike = ones if len(shape) == 3 else None
    for values in (corrupt_rgt(ones, rng), corrupt_dhr(ones, rng), *corrupt_fault(ones, ones, strike, rng)[:2]):
        assert values.shape == shape and values.dtype == np.float32 and np.isfinite(values).all()


def test_inputs_stay_untouched():
    labels = [np.ones((20, 20), np.float32) for _ in range(4)]
    corrupt_rgt(labels[0], np.random.default_rng(0))
    corrupt_dhr(labels[1], np.random.default_rng(0))
    corrupt_fault(labels[2], labels[3], None, np.random.default_rng(0))
    assert all((label == 1).all() for label in labels)
