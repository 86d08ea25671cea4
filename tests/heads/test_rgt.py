"""Relative geological time from slopes: flat, dipping, folded; always increasing; operators and their adjoints."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_seismic.heads import flattening
from mtl_seismic.heads.flattening import increasing, integrate_slopes, stretch
from mtl_seismic.heads.rgt import RGT
from mtl_seismic.heads.slopes import label_slopes

STIFFNESS = RGT().vertical_weight


def folded(shape, dip=0.0, height=0.0, length=60.0):
    """Time of layers whose depth rises by ``dip`` samples a trace and folds by ``height`` samples, and its slopes."""
    axes = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in shape), indexing="ij")
    horizon = sum(dip * x + height * np.sin(2 * np.pi * x / length) for x in axes[1:])
    return axes[0] - horizon


def horizon_errors(found, truth):
    """Depth errors in samples: along lines of equal true time, by how much the found time differs, over its rate.

    Both are compared by the depth at which each trace reaches the times of the middle trace.
    """
    depth = found.shape[0]
    flat_found, flat_truth = (values.reshape(depth, -1).astype(np.float64) for values in (found, truth))
    middle = flat_truth.shape[1] // 2
    seeds = np.arange(depth // 4, 3 * depth // 4, 4)
    errors = []
    for trace in range(flat_truth.shape[1]):
        true_depth = np.interp(flat_truth[seeds, middle], flat_truth[:, trace], np.arange(depth), np.nan, np.nan)
        found_depth = np.interp(flat_found[seeds, middle], flat_found[:, trace], np.arange(depth), np.nan, np.nan)
        errors.append(found_depth - true_depth)
    return np.abs(np.concatenate(errors)[np.isfinite(np.concatenate(errors))])


def from_labels(truth):
    """Time integrated from the slopes that training would read off the true time."""
    slopes, usable = label_slopes(torch.from_numpy(stretch(truth.astype(np.float32)))[None, None])
    weight = np.where(usable[0].numpy().all(0), 1.0, 0.01).astype(np.float32)
    return integrate_slopes(slopes[0].numpy(), weight, STIFFNESS)


@pytest.mark.parametrize("shape", [(50, 40), (30, 20, 24)])
def test_flat_slopes_give_linear_time(shape):
    found = integrate_slopes(np.zeros((len(shape) - 1, *shape), np.float32), np.ones(shape, np.float32), STIFFNESS)
    line = np.linspace(0, 1, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    assert np.abs(found - line).max() < 1e-6


@pytest.mark.parametrize(
    ("shape", "dip", "height"),
    [
        ((120, 100), 0.3, 0),
        ((120, 100), -0.5, 0),
        ((120, 100), 0, 8),
        ((200, 300), 0.1, 10),
        ((256, 1024), 0.05, 12),
        ((400, 64), 0.3, 6),
        ((64, 400), 0.02, 5),
        ((64, 48, 40), 0.2, 3),
        ((40, 160, 12), 0.05, 3),
        ((60, 2), 0.3, 0),
    ],
)
def test_dipping_and_folded_layers_are_recovered_from_their_own_slopes(shape, dip, height):
    truth = folded(shape, dip, height)
    found = from_labels(truth)
    errors = horizon_errors(found, truth)
    assert errors.size
    assert errors.max() < 0.5, f"{errors.mean():.3f} {errors.max():.3f}"
    assert (found.min(), found.max()) == (0, 1)
    assert (np.diff(found, axis=0) > 0).all()


@settings(max_examples=25)
@given(st.integers(2, 3), st.integers(0, 2**32 - 1), st.floats(0, 5), st.floats(-12, 6))
def test_time_is_increasing_and_spans_0_to_1_whatever_the_slopes(ndim, seed, size, exponent):
    random = np.random.default_rng(seed)
    shape = tuple(int(n) for n in random.integers(2, 34 if ndim == 2 else 14, ndim))
    slopes = (random.standard_normal((ndim - 1, *shape)) * size).astype(np.float32)
    weight = (random.random(shape) * 10.0**exponent).astype(np.float32)
    found = integrate_slopes(slopes, weight, STIFFNESS, iterations=10)
    assert (found.min(), found.max()) == (0, 1)
    assert (np.diff(found, axis=0) > 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 2))
def test_any_time_is_made_increasing(seed, horizontal):
    time = np.random.default_rng(seed).standard_normal((12, *[3] * horizontal)).astype(np.float32) * 50
    fixed = increasing(time)
    assert (np.diff(fixed, axis=0) > 0).all()
    ordered = np.sort(time, axis=0)
    assert np.allclose(
        increasing(ordered) - ordered,
        flattening.LEAST_INCREASE * np.arange(12).reshape(-1, *[1] * horizontal),
        atol=1e-4,
    )


def test_time_of_a_deep_trace_still_increases_in_single_precision():
    time = np.broadcast_to(np.zeros(8000, np.float32)[:, None], (8000, 2)).copy()
    time[-1] = 8000
    assert (np.diff(stretch(increasing(time)), axis=0) > 0).all()


@pytest.mark.parametrize(("shape", "axis"), [((9, 7), 1), ((9, 7, 5), 1), ((9, 7, 5), 2), ((2, 2), 1)])
def test_operators_have_their_adjoints(shape, axis):
    torch.manual_seed(0)
    s = torch.randn(shape, dtype=torch.float64)
    slope = torch.randn([n - (i == axis) for i, n in enumerate(shape)], dtype=torch.float64)
    forward = flattening._across(s, slope, axis)
    residual = torch.randn_like(forward)
    backward = flattening._across_adjoint(residual, slope, axis)
    assert float((forward * residual).sum()) == pytest.approx(float((s * backward).sum()), abs=1e-10)


@pytest.mark.parametrize("shape", [(30, 20), (18, 14, 12)])
def test_conjugate_gradients_solve_the_normal_equations(shape):
    torch.manual_seed(0)
    p = torch.randn(len(shape) - 1, *shape, dtype=torch.float64) * 0.1
    w = torch.rand(shape, dtype=torch.float64) + 0.5
    links = [weight for _, weight in flattening._links(p, w)]
    shift = flattening._solve(p, w, links, 0.1, torch.zeros_like(w), 3000)

    def cost(s):
        total = 0.1 * torch.diff(s, dim=0).square().sum()
        for axis, (slope, weight) in enumerate(flattening._links(p, w), start=1):
            total = total + (weight * flattening._misfit(s, slope, axis).square()).sum()
        return total

    best = float(cost(shift))
    for _ in range(5):
        assert float(cost(shift + 1e-2 * torch.randn_like(shift))) > best


def test_time_is_continued_across_a_fault_that_slopes_do_not_explain():
    """A throw of 6 samples between two traces: labels do not trust that link, so time may jump there."""
    truth = folded((100, 80), 0.1, 4)
    truth[:, 40:] += 6
    errors = horizon_errors(from_labels(truth)[:, :39], truth[:, :39])
    assert errors.max() < 0.5


def test_slopes_of_labels_are_those_of_the_layers():
    for shape in ((60, 50), (40, 30, 20)):
        time = folded(shape, 0.25, 0).astype(np.float32)
        slopes, usable = label_slopes(torch.from_numpy(stretch(time))[None, None])
        assert usable.all()
        assert torch.allclose(slopes, torch.tensor(0.25), atol=1e-3)


def test_slopes_are_not_trusted_across_faults_and_where_time_is_unknown():
    time = folded((60, 50)).astype(np.float32)
    time[:, 25:] += 8
    time[10:14, 5] = np.nan
    slopes, usable = label_slopes(torch.from_numpy(time)[None, None])
    assert torch.isfinite(slopes).all()
    assert not usable[0, 0, :, 24:26].any()
    assert not usable[0, 0, 9:15, 5].any()
    assert not usable[0, 0, 10:14, 4:7].any()
    assert usable[0, 0, 20:, 8:22].all()


def test_solve_of_the_task_takes_decoded_tensors():
    for ndim in (2, 3):
        task, shape = RGT(), (20, 16, 14)[:ndim]
        raw = task.head(4, ndim)(torch.randn(1, 4, *shape))
        decoded = {name: value[0].detach().numpy() for name, value in task.decode(raw).items()}
        arrays = {name: value[0] if value.shape[0] == 1 else value for name, value in decoded.items()}
        found = task.solve(arrays, np.zeros(shape, np.float32))["rgt"]
        assert found.shape == shape
        assert (found.min(), found.max()) == (0, 1)


def test_merging_mirrored_times_keeps_them_increasing_and_from_0_to_1():
    time = stretch(folded((90, 40), dip=0.2, height=3).astype(np.float32))
    merged = RGT(variant="slopes").merge([{"rgt": time}, {"rgt": time**2}])["rgt"]
    assert np.quantile(np.abs(merged - time), 0.95) < 0.01
    random = [np.sort(np.random.default_rng(i).random((20, 8)), axis=0).astype(np.float32) for i in range(2)]
    merged = RGT(variant="slopes").merge([{"rgt": time} for time in random])["rgt"]
    assert (merged.min(), merged.max()) == (0, 1)
    assert (np.diff(merged, axis=0) >= 0).all()


def test_of_tracked_times_that_of_the_image_as_it_is_counts():
    """A mean of two, each wrong in other places, is wrong in both."""
    times = [np.sort(np.random.default_rng(i).random((20, 8)), axis=0).astype(np.float32) for i in range(2)]
    assert np.array_equal(RGT().merge([{"rgt": time} for time in times])["rgt"], times[0])
