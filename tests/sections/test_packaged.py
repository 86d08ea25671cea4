"""The packaged 3D model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mtlcore.inference.infer import InferOptions
from mtlcore.model.checkpoint import load_model
from mtlcore.plugin.plugins import current
from mtlcore.training.sources import open_items

DEPTH, INLINE = 0, 1


@pytest.fixture(scope="module")
def model():
    """The default for volumes."""
    return load_model("default", stage="mti", ndim=3)


def volume(shape):
    """A synthetic item of unit amplitude, and its labels."""
    options = {"items": 1, "validation_items": 1, "seed": 77, "shape": list(shape)}
    item = open_items("synth:rgm3d", options, "valid", current().outputs, current())[0]
    image = item["image"].astype(np.float32)
    return image / np.sqrt(np.mean(image**2)), item


@pytest.mark.parametrize("axis", [DEPTH, INLINE])
def test_its_declared_reach_makes_tiles_exact(model, axis):
    """Along an axis a tile of 32 samples with its halo on both sides equals the whole, to 1e-4."""
    reach = model.backbone.halo
    assert reach < replace(model.backbone, reach=None).halo
    length = 2 * reach + 160
    image, _ = volume([length if other == axis else 16 for other in range(3)])
    start = (length - 32) // 2 // model.backbone.stride * model.backbone.stride

    def raw(first, last):
        part = torch.from_numpy(np.ascontiguousarray(np.take(image, range(first, last), axis)))[None, None]
        with torch.inference_mode():
            found = model.net({"image": part})
        values = torch.cat([found["dhr"]["dhr"], found["fault"]["fault_logit"].sigmoid()])
        return values.narrow(axis + 2, start - first, 32)

    exact, near = raw(0, length), raw(start - reach, start + 32 + reach)
    assert torch.allclose(near, exact, atol=1e-4)
    # Far fewer are not enough: what is declared is needed.
    assert not torch.allclose(raw(start - reach // 4, start + 32 + reach // 4), exact, atol=1e-3)


def test_it_finds_faults_at_one_half_and_denoises(infer, model):
    """Even in a volume of 64 samples, a small one, and a noisy one."""
    image, labels = volume((64, 64, 64))
    tasks = [task for task in model.tasks if task.name != "rgt"]
    fields = infer(model, image, {}, tasks, InferOptions())
    figures = {}
    for task in tasks:
        figures |= task.metrics(fields, labels | {"image": image})
    assert figures["snr"] > figures["input_snr"] + 2
    assert figures["f1_2"] > 0.75
    assert figures["plane_angle"] < 25
