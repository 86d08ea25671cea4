"""The reference network: its numbers, sizes and shapes."""

import pytest
import torch

from mtl_seismic.heads.dhr import DHR
from mtl_seismic.heads.fault import Fault
from mtl_seismic.heads.rgt import RGT
from mtl_seismic.resunet.backbone import ResUNet
from mtl_seismic.resunet.checkpoints import convert_checkpoint
from mtl_seismic.stages.mti import MTI
from mtl_seismic.stages.mtr import MTR
from mtlcore.errors import MtlError
from mtlcore.model.net import MultiTaskNet, flatten, input_channels, parameter_count

NETWORKS = {
    "mtl2_infer": ((72, 60), 4_802_852),
    "mtl2_refine": ((72, 60), 4_805_764),
    "mtl3_infer": ((40, 36, 44), 14_481_061),
    "mtl3_refine": ((40, 36, 44), 14_492_009),
}
OURS = {"fsem": "fault_probability", "fdip": "fault_dip", "fstrike": "fault_strike"}


TASKS = {
    "rgt": RGT(variant="reference"),
    "dhr": DHR(variant="reference"),
    "fault": Fault(variant="reference"),
}


def network(tasks=("rgt",), inputs=None, ndim=2):
    return MultiTaskNet(ResUNet(), [TASKS[task] for task in tasks], inputs or {"image": 1}, ndim).eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_those_of_the_reference(name, seeded, golden_inputs, golden_outputs):
    shape, parameters = NETWORKS[name]
    config, state = convert_checkpoint(seeded(name))
    net = network([task["name"] for task in config["tasks"]], config["inputs"], config["ndim"])
    net.load_state_dict(state, strict=True)
    assert parameter_count(net) == parameters
    with torch.inference_mode():
        outputs = flatten(net(golden_inputs(config["inputs"], shape)))

    expected = {OURS.get(key, key): values for key, values in golden_outputs(name).items()}
    assert outputs.keys() == expected.keys()
    step = (slice(None, None, 3 if len(shape) == 3 else 1),) * len(shape)
    for key, values in expected.items():
        torch.testing.assert_close(outputs[key][(0, 0, *step)], values, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_stages_give_the_inputs_that_a_checkpoint_reads(name, shapes_only):
    config, _ = convert_checkpoint(shapes_only(name))
    options = dict(config["stage"])
    stage = {"mti": MTI, "mtr": MTR}[options.pop("name")](**options)
    inputs = input_channels(stage, list(TASKS.values()), config["ndim"])
    assert list(inputs.items()) == list(config["inputs"].items())


@pytest.mark.parametrize("shape", [(16, 16), (17, 31), (33, 50), (16, 17, 19)])
def test_any_size_of_16_samples_or_more_is_kept(shape):
    torch.manual_seed(0)
    net = network(("rgt", "fault"), ndim=len(shape))
    with torch.inference_mode():
        outputs = flatten(net({"image": torch.randn(2, 1, *shape)}))
    assert all(values.shape == (2, 1, *shape) and values.isfinite().all() for values in outputs.values())


def test_too_small_a_size_is_refused():
    with pytest.raises(MtlError, match=r"'resunet' needs 16 samples on every axis: the image has \(15, 40\)"):
        network()({"image": torch.zeros(1, 1, 15, 40)})


def test_decoders_get_features_at_full_size_from_encoder_features_at_three():
    backbone = ResUNet()
    encoder, decoder = backbone.encoder({"image": 1}, 2), backbone.decoder("rgt", 2)
    with torch.inference_mode():
        features = encoder({"image": torch.randn(1, 1, 33, 22)})
        assert [tuple(f.shape[1:]) for f in features] == [(16, 33, 22), (32, 16, 11), (64, 8, 5)]
        assert decoder(features).shape == (1, backbone.channels, 33, 22)
    assert backbone.halo is None and backbone.stride == 1


def test_inputs_are_joined_in_their_order_with_a_stem_each():
    inputs = {"image": 1, "rgt": 1, "direction": 2}
    encoder = ResUNet().encoder(inputs, 2)
    assert list(encoder.stems) == list(inputs)
    assert encoder.stems["direction"][0].c[0].in_channels == 2
    tensors = {name: torch.randn(1, channels, 16, 16) for name, channels in inputs.items()}
    with torch.inference_mode():
        swapped = dict(reversed(tensors.items()))
        torch.testing.assert_close(encoder(tensors), encoder(swapped), rtol=0, atol=0)


def test_gradients_reach_every_weight():
    net = network(("rgt", "dhr", "fault")).train()
    sum(values.sum() for values in flatten(net({"image": torch.randn(2, 1, 24, 24)})).values()).backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in net.parameters())
