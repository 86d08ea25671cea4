"""Dead traces are filled from the living around them."""

from __future__ import annotations

import numpy as np

from mtlcore.inference.dead_traces import fill_traces


def ramp(*shape):
    """Values that grow by one from trace to trace along the last axis, and by a hundred along the one before."""
    grid = np.zeros(shape, np.float32) + np.arange(shape[-1], dtype=np.float32)
    return grid + (100 * np.arange(shape[1], dtype=np.float32)[:, None] if len(shape) == 3 else 0)


def test_holes_are_bridged_linearly_and_ends_repeated():
    truth = ramp(5, 8)
    missing = np.zeros(8, bool)
    missing[[0, 3, 4, 7]] = True
    values = np.where(missing, 0, truth).astype(np.float32)
    filled = fill_traces(values, missing)
    assert np.allclose(filled[:, 1:7], truth[:, 1:7])
    assert (filled[:, 0] == truth[:, 1]).all() and (filled[:, 7] == truth[:, 6]).all()


def test_lines_without_any_trace_are_filled_along_the_other_axis():
    truth = ramp(3, 4, 5)
    missing = np.zeros((4, 5), bool)
    missing[2] = True
    missing[1, 1] = True
    filled = fill_traces(np.where(missing, 0, truth).astype(np.float32), missing)
    assert np.allclose(filled, truth)
    assert missing[2].all(), "the caller's mask is not changed"


def test_where_nothing_lives_nothing_changes():
    assert not fill_traces(np.zeros((3, 4), np.float32), np.ones(4, bool)).any()
