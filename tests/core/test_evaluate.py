"""Evaluation: perfect fields have ideal figures, and undefined figures have no part in a mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from mtl_seismic.synth.source import Synthetic
from mtlcore.errors import MtlError
from mtlcore.inference.chain import Chain, Result
from mtlcore.plugin.interfaces import Items
from mtlcore.training.evaluate import evaluate, summary


class Perfect(Chain):
    """Gives the labels of the image that it is asked about."""

    items: Items

    def run(self, image, tasks=None, fields=None, live=None):
        item = next(
            item
            for item in (self.items[i] for i in range(len(self.items)))
            if item["image"] is image or np.array_equal(item["image"], image)
        )
        names = [output.name for task in self.models[-1].chosen(tasks) for output in task.outputs_in(self.ndim)]
        return Result({name: item[name] for name in names}, [], None, 0)


@dataclass(frozen=True)
class Fixed(Items):
    made: tuple
    shape: tuple

    def __len__(self):
        return len(self.made)

    def __getitem__(self, index):
        return self.made[index]


@pytest.mark.parametrize(("recipe", "shape"), [("rgm2d", (64, 64)), ("rgm3d", (32, 32, 32))])
def test_perfect_fields_have_ideal_figures(make_model, recipe, shape):
    source = Synthetic(items=2, shape=shape)
    items = source.open(recipe, "train", ())
    items = Fixed(tuple(items[i] for i in range(2)), shape)
    chain = Perfect((make_model(len(shape)),))
    object.__setattr__(chain, "items", items)
    found = evaluate(chain, items)
    mean = found.mean
    assert mean["dhr.ssim"] == pytest.approx(1, abs=1e-6)
    assert not mean["dhr.snr"] < 60
    assert mean["dhr.input_snr"] < 40
    assert mean["rgt.mae"] == 0
    assert mean["rgt.horizon_mean"] == pytest.approx(0, abs=1e-3)
    assert mean["rgt.horizon_within_2"] == pytest.approx(1)
    for name in ("precision_0", "recall_0", "f1_0", "f1_2", "average_precision", "dip_within_5"):
        assert mean[f"fault.{name}"] == pytest.approx(1), name
    assert mean["fault.calibration_error"] == pytest.approx(0)
    assert mean["fault.dip_error"] == pytest.approx(0, abs=1e-3)
    if len(shape) == 3:
        assert mean["fault.plane_angle"] == pytest.approx(0, abs=0.1)
        assert mean["fault.strike_error"] == pytest.approx(0, abs=1e-3)
    assert len(found.items) == 2
    assert len(evaluate(chain, items, tasks=["dhr"], limit=1).items) == 1
    assert all(name.startswith("dhr.") for name in evaluate(chain, items, tasks=["dhr"], limit=1).mean)


def test_undefined_figures_have_no_part_in_a_mean():
    means, counts = summary([{"a": 1.0, "b": math.nan}, {"a": 3.0, "b": math.inf}, {"b": 5.0}])
    assert means == {"a": 2.0, "b": 5.0}
    assert counts == {"a": 2, "b": 1}
    means, counts = summary([{"a": math.nan}])
    assert math.isnan(means["a"])
    assert counts == {"a": 0}


def test_items_without_a_tasks_labels_have_no_figures_of_it(make_model, make_image):
    image = make_image((32, 30))
    items = Fixed(({"image": image, "dhr": image},), image.shape)
    found = evaluate(Chain.of([make_model()]), items)
    assert found.mean
    assert all(name.startswith("dhr.") for name in found.mean)


def test_refinement_alone_is_evaluated_from_corrupted_labels(make_model):
    items = Synthetic(items=1, shape=(48, 48)).open("rgm2d", "train", ())
    chain = Chain.of([make_model(stage="mtr")])
    one, other = evaluate(chain, items), evaluate(chain, items)
    assert one.mean == pytest.approx(other.mean, nan_ok=True)
    assert "fault.f1_2" in one.mean


def test_data_without_any_label_of_the_tasks_are_refused(make_model, make_image):
    image = make_image((24, 20))
    items = Fixed(({"image": image, "rgt": image},), image.shape)
    with pytest.raises(MtlError, match="no label of dhr, fault: there is nothing to compare with"):
        evaluate(Chain.of([make_model()]), items, ["dhr", "fault"])
