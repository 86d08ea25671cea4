"""How finely a network should see traces: at which sampling it is surest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtl_seismic.heads.dhr import DHR
from mtl_seismic.heads.fault import Fault
from mtl_seismic.heads.rgt import RGT
from mtlcore.inference.chain import Chain
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.trace_sampling import COARSER, FINER, thin_outputs, trace_factor
from mtlcore.model.model import Model, Parts

SHAPE = (40, 60)
FACTORS = (*COARSER, 1.0, *FINER)


class Network:
    """One that answers as told at each sampling of traces: {factor: (probability, share of samples)}."""

    def __init__(self, told, width=SHAPE[-1]):
        self.told, self.width, self.seen = told, width, []

    def __call__(self, window):
        self.seen.append(window.shape)
        factor = min(FACTORS, key=lambda known: abs(known - window.shape[-1] / self.width))
        probability, share = self.told.get(factor, (0.4, 0.5))
        found = np.zeros(window.size, np.float32)
        found[: round(share * window.size)] = probability
        return [found.reshape(window.shape)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({1.0: (0.6, 0.05), 1.4: (0.8, 0.05), 2.0: (0.95, 0.05), 2.8: (0.9, 0.04)}, 2.0),
        ({1.0: (0.9, 0.05), 1.4: (0.91, 0.036)}, 1.0),  # hardly surer: as it is
        ({1.0: (0.8, 0.06), 1.4: (0.9, 0.015)}, 1.0),  # surer, and most is lost
        ({1.0: (0.9, 0.05)}, 1.0),  # nothing is found at others
        ({}, 1.0),
        ({1.0: (0.6, 0.05), 1.4: (0.7, 0.05), 2.0: (0.8, 0.05), 2.8: (0.9, 0.05)}, 2.8),
        ({1.0: (0.6, 0.05), 0.7: (0.8, 0.07)}, 0.7),
        ({1.0: (0.75, 0.05), 0.7: (0.8, 0.07)}, 1.0),
        ({1.0: (0.8, 0.05), 0.7: (0.8, 0.07)}, 1.0),  # the same faults, of fewer samples
        ({1.4: (0.9, 0.05)}, 1.0),  # found there alone: by chance
        ({1.4: (0.9, 0.05), 2.0: (0.8, 0.03)}, 1.4),  # not found as it is
    ],
)
def test_the_surest_answer_decides_and_only_a_clear_one(make_image, told, expected):
    assert trace_factor(Network(told), make_image(SHAPE), SHAPE[0]) == expected


def test_windows_are_small_parts_of_a_large_image_sampled_as_the_whole_will_be(make_image):
    network = Network({1.0: (0.9, 0.05)}, width=128)
    trace_factor(network, make_image((300, 900)), 150)
    assert network.seen == [(64, 128)] * 2 + [(64, 179)] * 2 + [(64, 90)] * 2


def test_only_probabilities_of_thin_things_are_looked_at():
    assert thin_outputs(Fault(), 3) == ["fault_probability"]
    assert thin_outputs(DHR(), 2) == thin_outputs(RGT(), 2) == []


def test_a_run_takes_it_unless_a_scale_is_given_or_nothing_is_known(make_model, make_image, monkeypatch):
    model, calls = make_model(tasks=("dhr", "fault")), []

    def trace_factor(answer, image, rows):
        calls.append([values.shape for values in answer(image)])
        return 2.0

    monkeypatch.setattr("mtlcore.inference.chain.trace_factor", trace_factor)
    config = replace(model.config, periods=(1.0, 99.0))
    known = Model(config, Parts(model.stage, model.backbone, model.tasks), model.net)
    image = make_image((20, 14))
    options = InferOptions(uncertainty=True, mirrored_average=True)
    found = Chain.of([known], options=options).run(image)
    assert found.seen == (20, 28)
    assert {values.shape for values in found.fields.values()} == {image.shape}
    assert calls == [[image.shape]]  # one answer, of the faults alone
    assert Chain.of([model]).run(image).seen == image.shape
    assert Chain.of([known], options=InferOptions(scale=1.0)).run(image).seen == image.shape
    for other, shape in ((make_model(tasks=("dhr",)), (20, 14)), (make_model(ndim=3, tasks=("fault",)), (20, 14, 12))):
        plain = Model(replace(other.config, periods=(1.0, 99.0)), Parts(*parts_of(other)), other.net)
        assert Chain.of([plain]).run(make_image(shape)).seen == shape


def parts_of(model):
    return model.stage, model.backbone, model.tasks


def test_an_image_that_was_not_measured_whole_keeps_its_traces(make_model, make_image, monkeypatch):
    model = make_model(tasks=("fault",))
    known = Model(replace(model.config, periods=(1.0, 99.0)), Parts(*parts_of(model)), model.net)
    monkeypatch.setattr("mtlcore.inference.chain.trace_factor", lambda *given: 2.0)
    monkeypatch.setattr("mtlcore.inference.statistics.MAX_SAMPLE", 600)
    monkeypatch.setattr("mtlcore.inference.statistics.RUN", 8)
    image = make_image((20, 64))
    assert Chain.of([known]).run(image).seen == image.shape
