"""Training the 3D network after a frozen 2D one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mtl_seismic.sections import encoder as encoder_module
from mtlcore.model.model import Model
from mtlcore.model.sections import over_sections
from mtlcore.plugin.plugins import current

SHAPE = (1, 1, 16, 16, 16)


@pytest.fixture
def encoder(make_model):
    """A section encoder that keeps what it makes, frozen."""
    lifted = over_sections(make_model(), current())
    backbone = {**lifted.config.backbone, "widths": [4], "dilations": [1], "cache": True}
    model = Model.new(replace(lifted.config, backbone=backbone), current())
    return model.net.encoder.requires_grad_(False).eval()


@pytest.fixture
def computed(monkeypatch):
    """The images that were really encoded."""
    seen = []
    encode = encoder_module.SectionEncoder._encode

    def counting(self, inputs):
        seen.append(inputs["image"].clone())
        return encode(self, inputs)

    monkeypatch.setattr(encoder_module.SectionEncoder, "_encode", counting)
    return seen


def test_a_frozen_network_looks_once_at_every_image(encoder, computed):
    first, second = torch.randn(SHAPE), torch.randn(SHAPE)
    once = encoder({"image": torch.cat([first, second])})
    again = encoder({"image": torch.cat([second, first])})
    assert len(computed) == 2
    for name, values in once.items():
        assert values.dtype == again[name].dtype
        assert torch.equal(again[name], values.flip(0))


def test_what_is_trained_or_used_is_computed_each_time(encoder, computed):
    image = torch.randn(SHAPE)
    with torch.inference_mode():
        for _ in range(2):
            encoder({"image": image})
    assert len(computed) == 2
    encoder.requires_grad_(True)
    for _ in range(2):
        encoder({"image": image})
    assert len(computed) == 4
    encoder.requires_grad_(False).train()
    for _ in range(2):
        encoder({"image": image})
    assert len(computed) == 6
