import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtl_seismic.synth import RECIPES, Recipe, generate, parameters

LABELS = {"image", "dhr", "rgt", "fault_probability", "fault_dip"}
SIZE = st.integers(8, 50)
quick = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def check(item, shape):
    names = LABELS | ({"fault_strike"} if len(shape) == 3 else set())
    assert set(item) == names | {f"refinement/{name}" for name in names - {"image"}}
    for values in item.values():
        assert values.shape == shape and values.dtype == np.float32 and np.isfinite(values).all()
    fault = item["fault_probability"]
    assert set(np.unique(fault)) <= {0, 1}
    np.testing.assert_array_equal(item["fault_dip"] > 0, fault > 0)
    assert item["fault_dip"].max() < 180
    assert (item["rgt"].min(), item["rgt"].max()) == (0, 1)
    if len(shape) == 3:
        assert item["fault_strike"].min() >= 0 and item["fault_strike"].max() <= 180
        assert not item["fault_strike"][fault == 0].any()


@quick
@given(st.sampled_from(["rgm2d", "field2d"]), st.tuples(SIZE, SIZE), st.integers(0, 10**6))
def test_sections_of_any_shape(name, shape, index):
    check(generate(RECIPES[name](shape=shape), 0, index, refinement_inputs=True), shape)


@quick
@given(st.sampled_from(["rgm3d", "field3d"]), st.tuples(SIZE, SIZE, SIZE), st.integers(0, 10**6))
def test_volumes_of_any_shape(name, shape, index):
    check(generate(RECIPES[name](shape=shape), 0, index, refinement_inputs=True), shape)


SMALL = {name: RECIPES[name](shape=(48, 40, 36)[: int(name[-2])]) for name in ("rgm2d", "rgm3d", "field2d", "field3d")}


@pytest.mark.parametrize("recipe", SMALL.values(), ids=SMALL)
def test_an_item_does_not_depend_on_what_was_made_before(recipe):
    forward = [generate(recipe, 5, index, True) for index in (0, 1, 2)]
    backward = [generate(recipe, 5, index, True) for index in (2, 1, 0)][::-1]
    for one, other in zip(forward, backward, strict=True):
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name])


@pytest.mark.parametrize("recipe", SMALL.values(), ids=SMALL)
def test_refinement_inputs_change_nothing_else(recipe):
    plain, full = generate(recipe, 5, 1), generate(recipe, 5, 1, True)
    for name, values in plain.items():
        np.testing.assert_array_equal(values, full[name])


@pytest.mark.parametrize("recipe", SMALL.values(), ids=SMALL)
def test_seeds_and_indices_make_different_items(recipe):
    images = [generate(recipe, seed, index)["image"] for seed, index in ((0, 0), (0, 1), (1, 0))]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(np.corrcoef(images[one].ravel(), images[other].ravel())[0, 1]) < 0.5


@pytest.mark.parametrize("recipe", SMALL.values(), ids=SMALL)
def test_parameters_are_plain_json_and_repeat(recipe):
    drawn = parameters(recipe, 5, 3)
    text = json.dumps(drawn, allow_nan=False)
    assert json.loads(text) == json.loads(json.dumps(parameters(recipe, 5, 3)))


@pytest.mark.parametrize("options", [{"shape": (8, 8, 8)}, {"shape": (0, 8)}, {"dip": (130.0, 50.0)}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match=r"sizes are needed|not a range"):
        RECIPES["rgm2d"](**options)


def test_a_recipe_of_no_known_kind_is_refused():
    with pytest.raises(TypeError, match="RECIPES"):
        generate(Recipe(shape=(8, 8)), 0, 0)
