"""Where traces reach a time: order, exactness and gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_seismic.interpret.horizons.crossing import as_traces, cross, sample, without_dead

number = st.floats(0, 1, width=32)


@st.composite
def traces_of_any_kind(draw: st.DrawFn) -> np.ndarray:
    """Rising, falling, repeating, constant, with NaN and infinities."""
    depth = draw(st.integers(2, 12))
    unknown = st.sampled_from([np.nan, np.inf, -np.inf])
    value = st.one_of(number, number, number, unknown)
    rows = draw(st.lists(st.lists(value, min_size=depth, max_size=depth), min_size=1, max_size=4))
    return as_traces(np.array(rows, dtype=np.float32).T)


@settings(max_examples=60)
@given(traces_of_any_kind(), st.lists(number, min_size=2, max_size=6))
def test_horizons_never_cross(traces: np.ndarray, values: list[float]) -> None:
    depth, _ = cross(traces, np.sort(np.array(values, dtype=np.float64)))
    # Undefined ones are left out of each trace's sequence.
    for sequence in depth.T:
        defined = sequence[np.isfinite(sequence)]
        assert (np.diff(defined) >= 0).all()
        assert ((defined >= 0) & (defined <= traces.shape[1] - 1)).all()


@settings(max_examples=60)
@given(traces_of_any_kind(), st.lists(number, min_size=1, max_size=4))
def test_time_on_a_horizon_is_the_horizons(traces: np.ndarray, values: list[float]) -> None:
    wanted = np.array(values, dtype=np.float64)
    depth, _ = cross(traces, wanted)
    found = sample(np.nan_to_num(traces), depth)
    defined = np.isfinite(depth)
    np.testing.assert_allclose(found[defined], np.broadcast_to(wanted[:, None], depth.shape)[defined], atol=2e-6)


def test_depths_lie_between_samples() -> None:
    traces = np.array([[0, 0.25, 0.5, 1], [0.25, 0.5, 0.5, 0.75]], dtype=np.float32)
    depth, _ = cross(traces, np.array([0.0, 0.125, 0.25, 0.5, 0.75, 1.0]))
    expected = [[0, 0.5, 1, 2, 2.5, 3], [np.nan, np.nan, 0, 1, 3, np.nan]]
    np.testing.assert_allclose(depth.T, expected)


def test_where_time_repeats_the_shallowest_place_counts() -> None:
    thrust = np.array([[0.0, 0.2, 0.4, 0.6, 0.3, 0.5, 0.7, 0.9]], dtype=np.float32)
    depth, _ = cross(thrust, np.array([0.5, 0.65]))
    np.testing.assert_allclose(depth[:, 0], [2.5, 5.75], rtol=1e-6)


def test_a_step_counts_the_samples_of_section_it_jumps_over() -> None:
    steps = np.full(60, 0.01)
    steps[29] = 0.08
    trace = np.concatenate([[0], np.cumsum(steps)])[None].astype(np.float32)
    _, abruptness = cross(trace, np.array([0.1, 0.33, 0.5]))
    np.testing.assert_allclose(abruptness[:, 0], [1, 8, 1], rtol=1e-3)


def test_coarsely_quantised_time_is_no_gap() -> None:
    trace = (np.arange(100) // 2 / 50).astype(np.float32)[None]
    _, abruptness = cross(trace, np.array([0.31, 0.5, 0.77]))
    assert (abruptness < 3).all()


def test_sampling_is_linear_and_undefined_outside() -> None:
    field = np.array([[0, 10, 30], [5, 5, 5]], dtype=np.float32)
    found = sample(field, np.array([[0.5, 1.0], [2.0, 2.1], [-0.1, np.nan], [1.5, 0.0]]))
    np.testing.assert_allclose(found, [[5, 5], [30, np.nan], [np.nan, np.nan], [20, 5]])


def test_dead_traces_are_constant_unknown_or_masked() -> None:
    traces = np.array([[0, 0, 0], [np.nan] * 3, [0, 0.5, 1], [0, 0.5, 1], [np.nan, 0.5, 1]], dtype=np.float32)
    dead = np.isnan(without_dead(traces, np.array([True, True, True, False, True]))).all(axis=1)
    assert dead.tolist() == [True, True, False, True, False]
