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
ROUNDING = 512
"""The most that float32's rounding makes golden outputs deviate from the network in float64 (see conftest)."""
WRONG = 20 * ROUNDING
"""The least that any mistake in the network does."""

TASKS = {
    "rgt": RGT(variant="reference"),
    "dhr": DHR(variant="reference"),
    "fault": Fault(variant="reference"),
}


def network(tasks=("rgt",), inputs=None, ndim=2):
    return MultiTaskNet(ResUNet(), [TASKS[task] for task in tasks], inputs or {"image": 1}, ndim).eval()


@pytest.fixture
def restored(seeded):
    """The reference's network of a name with the golden weights, in float64, and its configuration."""

    def make(name):
        config, state = convert_checkpoint(seeded(name))
        net = network([task["name"] for task in config["tasks"]], config["inputs"], config["ndim"])
        net.load_state_dict(state, strict=True)
        return net.double(), config

    return make


@pytest.fixture
def deviations_of(golden_inputs, golden_outputs, deviations):
    """How far a network's outputs are from the golden ones."""

    def measure(net, config, name):
        inputs = golden_inputs(config["inputs"], NETWORKS[name][0])
        with torch.inference_mode():
            outputs = flatten(net({key: values.double() for key, values in inputs.items()}))
        return deviations(outputs, golden_outputs(name))

    return measure


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_those_of_the_reference(name, restored, deviations_of):
    net, config = restored(name)
    assert parameter_count(net) == NETWORKS[name][1]
    found = deviations_of(net, config, name)
    assert max(found.values()) < ROUNDING, found


def swap_filters(net):
    """Two filters of one layer in each other's place."""
    weight = net.encoder.encoder1.conv0.c[0].weight.data
    weight[[0, 1]] = weight[[1, 0]]


def leak(net):
    """ReLU with another slope below 0."""
    net.encoder.encoder1.conv1.c[-1] = torch.nn.LeakyReLU(0.01)


def reflect(net):
    """Another padding, in one layer."""
    net.encoder.encoder1.conv0.c[0].padding_mode = "reflect"
    net.encoder.encoder1.conv0.c[0]._reversed_padding_repeated_twice = [1, 1, 1, 1]


def dilate(net):
    """Another dilation in the deepest layer."""
    layer = net.encoder.encoder3.convd.c[0]
    layer.dilation = layer.padding = (4, 4)


def normalise_otherwise(net):
    """Another constant in one normalisation."""
    net.encoder.encoder1.up0.c[1].eps = 1e-3


def round_weights(net):
    """Weights of 11 bits."""
    for weight in net.parameters():
        weight.data = weight.data.half().double()


def change_interpolation(monkeypatch):
    """First and last samples that do not keep their places."""

    def resize(features, size):
        return torch.nn.functional.interpolate(features, size=tuple(size), mode="bilinear", align_corners=False)

    monkeypatch.setattr("mtl_seismic.resunet.backbone.resize", resize)


@pytest.mark.parametrize("mistake", [swap_filters, leak, reflect, dilate, normalise_otherwise, round_weights])
def test_a_wrong_layer_is_far_from_the_reference(mistake, restored, deviations_of):
    net, config = restored("mtl2_infer")
    mistake(net)
    found = deviations_of(net, config, "mtl2_infer")
    assert min(found.values()) > WRONG, found


def test_a_wrong_interpolation_is_far_from_the_reference(restored, deviations_of, monkeypatch):
    change_interpolation(monkeypatch)
    found = deviations_of(*restored("mtl2_infer"), "mtl2_infer")
    assert min(found.values()) > WRONG, found


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
