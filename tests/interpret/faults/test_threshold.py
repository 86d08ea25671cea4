"""Thresholds that the probabilities give."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from mtl_cli.main import cli
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtl_seismic.interpret.faults.thinning import Points
from mtl_seismic.interpret.faults.threshold import (
    DEFAULT,
    LEAST,
    PROBABILITIES,
    SHARES,
    automatic,
    count,
    count_ridges,
    of_density,
)
from mtlcore.io.volume import ArrayVolume

Array = NDArray[np.float32]


def ridges(probabilities: Array) -> Points:
    """Thinned samples of these probabilities."""
    none = np.zeros((len(probabilities), 2))
    return Points(none, none, probabilities, np.ones(len(probabilities)))


def expected_f1(probabilities: Array, threshold: float) -> float:
    """Of ridges that are true as often as is known of their probabilities."""
    share = np.interp(probabilities, PROBABILITIES, SHARES)
    found = probabilities >= threshold
    return float(2 * share[found].sum() / (found.sum() + share.sum()))


@pytest.mark.parametrize("unsure", [0.0, 0.2, 0.6, 1.0])
def test_the_automatic_threshold_has_the_greatest_f1_to_expect(unsure: float) -> None:
    random = np.random.default_rng(0)
    low, high = random.beta(0.6, 4, 4000), random.beta(30, 1, 4000)
    probabilities = np.where(random.random(4000) < unsure, low, high)
    found = automatic(count_ridges([ridges(part) for part in np.array_split(probabilities, 3)]))
    scores = [expected_f1(probabilities, at) for at in np.linspace(LEAST, 0.95, 95)]
    assert expected_f1(probabilities, found) > max(scores) - 0.002
    assert found >= LEAST


def test_the_less_sure_a_network_is_the_lower_is_the_threshold() -> None:
    random = np.random.default_rng(0)
    low, high = random.beta(1.2, 6, 2000), random.beta(30, 1, 20000)
    sure, unsure = (automatic(count_ridges([ridges(np.concatenate([low, part]))])) for part in (high, high[:100]))
    assert unsure < 0.1 < sure


def test_a_density_is_the_share_of_samples_from_the_threshold_on() -> None:
    probability = np.random.default_rng(0).random((60, 80)).astype(np.float32)
    counts = count(ArrayVolume(probability))
    for density in (0.02, 0.05, 0.3):
        assert (probability >= of_density(counts, density)).mean() == pytest.approx(density, abs=0.005)


def test_volumes_read_in_parts_have_one_distribution_and_dead_samples_none(monkeypatch: pytest.MonkeyPatch) -> None:
    probability = np.random.default_rng(0).random((200, 300)).astype(np.float32)
    probability[:, :50] = 0
    whole = count(ArrayVolume(probability))
    monkeypatch.setattr("mtl_seismic.interpret.faults.thinning.SLAB_SAMPLES", 3000)
    assert np.array_equal(count(ArrayVolume(probability)), whole)
    assert whole.sum() == 200 * 250
    assert automatic(count(ArrayVolume(np.zeros((5, 5), np.float32)))) == DEFAULT


def test_the_command_takes_auto_and_a_density_and_records_what_it_found(
    make_fields: Callable[..., dict[str, Array]], make_result: Callable[..., Path]
) -> None:
    fields = make_fields((48, 60), [((24.0, 30.0), 65.0, None)])
    fields["fault_probability"] = fields["fault_probability"] * np.float32(0.3) + np.float32(0.001)
    folder = make_result(fields)

    def faults(*options: str) -> tuple[str, dict[str, float]]:
        asked = ["faults", str(folder), "--force", "--no-picture", "--format", "json", *options]
        done = CliRunner().invoke(cli, [*asked, "--json"], prog_name="mtl")
        return done.output, json.loads(done.stdout) if done.exit_code == 0 else {}

    assert "try a lower --threshold" in faults()[0]
    for options in (("--threshold", "auto"), ("--density", "0.03")):
        record = faults(*options)[1]
        assert len(record["faults"]) == 1
        assert 0.01 <= record["threshold"] <= 0.3011
    for options, message in ((("--threshold", "low"), "expected a probability"), (("--density", "5"), "density is 5")):
        assert message in faults(*options)[0]
    with pytest.raises(ValueError, match="or auto"):
        ExtractOptions(threshold=1.5)
