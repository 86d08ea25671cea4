"""Comparisons: intervals that hold what they promise, and verdicts that follow each figure's direction."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mtl_seismic.heads.dhr import DHR
from mtl_seismic.heads.fault import Fault
from mtlcore import MtlError
from mtlcore.training.compare import bootstrap_interval, compare, of_items
from mtlcore.training.curves import draw_curves, read_curves

TASKS = (DHR(), Fault())


def evaluation(**figures):
    """Of figures by name: dhr_snr=[...] is dhr.snr item by item."""
    names = {name.replace("_", ".", 1): values for name, values in figures.items()}
    count = len(next(iter(names.values())))
    return of_items([{name: values[item] for name, values in names.items()} for item in range(count)])


def test_the_interval_contains_the_true_mean_as_often_as_it_says():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        low, high = bootstrap_interval(random.normal(0.3, 1.0, 40), random, resamples=500)
        held += low <= 0.3 <= high
    assert 0.89 < held / 300 < 0.99


def test_one_item_alone_tells_nothing_of_others():
    assert bootstrap_interval(np.array([5.0]), np.random.default_rng(0)) == (-math.inf, math.inf)


def test_items_are_paired():
    """Items differ by 30 dB and the models by 0.1 dB on each: unpaired, nothing could be said."""
    random = np.random.default_rng(1)
    first = random.uniform(0, 30, 50)
    (row,) = compare([evaluation(dhr_snr=first), evaluation(dhr_snr=first + 0.1)], TASKS)
    assert row.means == pytest.approx((first.mean(), first.mean() + 0.1))
    (found,) = row.differences
    assert (found.mean, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert (found.items, found.verdict) == (50, "better")


@pytest.mark.parametrize(("name", "more_is"), [("dhr_snr", "better"), ("fault_dip_error", "worse")])
def test_verdicts_follow_the_figures_direction(name, more_is):
    few, many = [1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.5]
    less_is = {"better": "worse", "worse": "better"}[more_is]
    for first, second, verdict in ((few, many, more_is), (many, few, less_is), (few, [4.0, 3.0, 2.0, 1.0], "")):
        (row,) = compare([evaluation(**{name: first}), evaluation(**{name: second})], TASKS)
        assert row.differences[0].verdict == verdict


def test_figures_without_a_pair_have_no_part():
    first, second = evaluation(dhr_snr=[1.0, math.nan, 3.0]), evaluation(dhr_snr=[2.0, 9.0, math.nan])
    (row,) = compare([first, second], TASKS)
    assert row.differences[0].items == 1 and row.differences[0].mean == 1.0
    assert compare([first, evaluation(fault_f1_2=[1.0])], TASKS) == []


def test_curves_of_runs_are_read_and_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    header = "time,stage,step,total,loss,valid_loss\n"
    rows = "t,epoch,1,2,3.0,4.0\nt,epoch,2,2,2.5,3.5\nt,epoch,2,2,2.0,\n"
    (tmp_path / "epochs.csv").write_text(header + rows)
    curves = read_curves(tmp_path)
    assert curves == {"loss": [(1, 3.0), (2, 2.0)], "valid_loss": [(1, 4.0)]}
    draw_curves(tmp_path / "c.png", {"one": curves, "two": {"loss": [(1, 1.0)]}}, ["loss", "valid_loss"])
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(MtlError, match=r"has no epochs\.csv of a training run"):
        read_curves(tmp_path / "nowhere")
