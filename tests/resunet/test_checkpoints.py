"""Reference checkpoints are recognised, renamed, and refused with what is wrong."""

import pytest
import torch

from mtl_seismic.resunet import plugin
from mtl_seismic.resunet.checkpoints import convert_checkpoint
from mtlcore.errors import MtlError
from mtlcore.plugin.plugins import Plugins

FAULT = ["fault_probability", "fault_dip", "fault_strike"]
NETWORKS = {
    "mtl2_infer": ("mti", 2, ["image"]),
    "mtl2_refine": ("mtr", 2, ["rgt", "dhr", *FAULT[:2]]),
    "mtl3_infer": ("mti", 3, ["image"]),
    "mtl3_refine": ("mtr", 3, ["rgt", "dhr", *FAULT]),
}


def without(state, *prefixes):
    return {key: value for key, value in state.items() if not key.startswith(prefixes)}


def expect_error(state):
    with pytest.raises(MtlError) as caught:
        convert_checkpoint(state)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_is_told_by_its_keys(name, shapes_only):
    stage, ndim, inputs = NETWORKS[name]
    config, state = convert_checkpoint(shapes_only(name))
    assert config == {
        "stage": {"name": "mti"} if stage == "mti" else {"name": "mtr", "image": False},
        "ndim": ndim,
        "backbone": {"name": "resunet"},
        "tasks": [{"name": task, "variant": "reference"} for task in ("rgt", "dhr", "fault")],
        "inputs": dict.fromkeys(inputs, 1),
        "amplitude": {2: 0.3294, 3: 0.4117}[ndim],
    }
    assert list(config["inputs"]) == inputs
    assert len(state) == len(shapes_only(name))


def test_weights_are_renamed_and_not_changed(seeded):
    reference = seeded("mtl2_refine")
    _, state = convert_checkpoint(reference)
    for ours, theirs in {
        "encoder.stems.rgt.0.c.0.weight": "input1.0.c.0.weight",
        "encoder.stems.fault_dip.1.c.0.bias": "input4.1.c.0.bias",
        "encoder.encoder1.conv0.c.0.weight": "encoder1.conv0.c.0.weight",
        "decoders.dhr.decoder1.up0.c.0.bias": "decoder_dhr.decoder1.up0.c.0.bias",
        "heads.rgt.out.2.weight": "decoder_rgt.out.2.weight",
        "heads.fault.out.2.weight": "decoder_fault.out.2.weight",
        "heads.fault.semantic.conv.3.c.0.weight": "subdecoder_fault_semantic.conv.3.c.0.weight",
        "heads.fault.dip.out.0.c.0.bias": "subdecoder_fault_dip.out.0.c.0.bias",
    }.items():
        assert state[ours] is reference[theirs]


@pytest.mark.parametrize("prefix", ["model.", "module.", "net.", "module.model."])
def test_a_common_prefix_is_taken_off(prefix, shapes_only):
    plain = shapes_only("mtl2_refine")
    prefixed = {prefix + key: value for key, value in plain.items()}
    assert convert_checkpoint(prefixed) == convert_checkpoint(plain)


@pytest.mark.parametrize(
    ("absent", "tasks"),
    [
        (("decoder_rgt",), ["dhr", "fault"]),
        (("decoder_fault", "subdecoder"), ["rgt", "dhr"]),
        (("decoder_rgt", "decoder_dhr"), ["fault"]),
    ],
)
@pytest.mark.parametrize("name", ["mtl2_infer", "mtl3_infer"])
def test_tasks_that_a_checkpoint_lacks_are_left_out(name, absent, tasks, shapes_only):
    config, state = convert_checkpoint(without(shapes_only(name), *absent))
    assert [task["name"] for task in config["tasks"]] == tasks
    assert {key.split(".")[1] for key in state if key.startswith(("heads.", "decoders."))} == set(tasks)


def test_stems_are_the_fields_of_the_tasks_that_there_are(shapes_only):
    state = without(shapes_only("mtl2_refine"), "decoder_fault", "subdecoder", "input3", "input4")
    state["encoder1.conv0.c.0.weight"] = torch.empty(16, 8, 3, 3)
    config, _ = convert_checkpoint(state)
    assert config["inputs"] == {"rgt": 1, "dhr": 1}
    assert config["stage"] == {"name": "mtr", "image": False}


def test_a_refinement_that_lacks_a_task_still_reads_its_field(shapes_only):
    config, state = convert_checkpoint(without(shapes_only("mtl3_refine"), "decoder_dhr"))
    assert [task["name"] for task in config["tasks"]] == ["rgt", "dhr", "fault"]
    assert config["heads"] == ["rgt", "fault"]
    assert list(config["inputs"]) == ["rgt", "dhr", "fault_probability", "fault_dip", "fault_strike"]
    assert not [key for key in state if "heads.dhr" in key or "decoders.dhr" in key]


def test_stems_that_do_not_fit_the_tasks_are_refused(shapes_only):
    message = expect_error(without(shapes_only("mtl3_refine"), "decoder_dhr", "input4", "input5"))
    assert "reads 3 fields, but its tasks (rgt, fault) give 4 in 3D" in message


def test_something_else_is_not_recognised(shapes_only):
    assert convert_checkpoint({}) is None
    assert convert_checkpoint({"encoder.0.weight": torch.empty(16, 1, 3, 3)}) is None
    assert convert_checkpoint({"notencoder1.conv0.c.0.weight": torch.empty(16, 1, 3, 3)}) is None
    assert convert_checkpoint(without(shapes_only("mtl2_infer"), "encoder1")) is None


def test_missing_and_unknown_keys_are_named(shapes_only):
    state = without(shapes_only("mtl2_infer"), "encoder2.up0.c.0.bias")
    state["extra.weight"] = torch.empty(1)
    message = expect_error(state)
    assert message.endswith("has keys missing encoder2.up0.c.0.bias; unknown extra.weight.")


def test_many_keys_are_counted(shapes_only):
    message = expect_error(without(shapes_only("mtl3_infer"), "subdecoder_fault_strike"))
    assert message.count("subdecoder_fault_strike") == 8
    assert message.endswith("and 2 more (10 in all).")


def test_a_wrong_shape_is_named(shapes_only):
    state = shapes_only("mtl2_infer") | {"encoder3.convd.c.0.weight": torch.empty(256, 64, 3, 3)}
    message = expect_error(state)
    assert "encoder3.convd.c.0.weight" in message
    assert "(256, 64, 3, 3): expected (256, 128, 3, 3)" in message


def test_a_network_of_neither_2_nor_3_dimensions_is_refused(shapes_only):
    message = expect_error(shapes_only("mtl2_infer") | {"encoder1.conv0.c.0.weight": torch.empty(16, 1, 3)})
    assert "(16, 1, 3): expected 4 axes" in message


def test_a_checkpoint_of_no_task_is_refused(shapes_only):
    message = expect_error(without(shapes_only("mtl2_infer"), "decoder", "subdecoder"))
    assert "no decoder of a task" in message


def test_the_plugin_registers_the_backbone_and_answers_the_hook(shapes_only):
    plugins = Plugins(installed=[], environ={})
    plugins.register(plugin, "resunet")
    assert plugins.backbones["resunet"]().channels == 16
    config, _ = plugins.hook.convert_checkpoint(state=shapes_only("mtl2_infer"))
    assert config["ndim"] == 2
    assert plugins.hook.convert_checkpoint(state={}) is None
