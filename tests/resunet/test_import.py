"""``mtl import``: from a checkpoint file to a model whose raw outputs are the reference's."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import mtlcore
from mtl_cli.main import cli

SHAPES = {"mtl2": (72, 60), "mtl3": (40, 36, 44)}
ROUNDING = 2048
"""How far outputs in float32 may deviate from golden ones, which are float32 too (see conftest)."""


@pytest.mark.parametrize("name", ["mtl2_infer", "mtl2_refine", "mtl3_infer", "mtl3_refine"])
@pytest.mark.parametrize("lightning", [True, False])
def test_an_imported_model_gives_the_references_numbers(
    name, lightning, seeded, golden_inputs, golden_outputs, deviations, tmp_path
):
    if lightning and name.startswith("mtl3"):
        pytest.skip("the same path as in 2D")
    state = seeded(name)
    content = {"state_dict": state, "epoch": 3, "hyper_parameters": {"lr": 5e-5}} if lightning else state
    torch.save(content, tmp_path / "c")
    result = CliRunner().invoke(cli, ["import", str(tmp_path / "c"), str(tmp_path / "model")])
    assert result.exit_code == 0, result.output
    model = mtlcore.load_model(tmp_path / "model")
    assert model.stage.name == ("mti" if name.endswith("infer") else "mtr")
    shape = SHAPES[name[:4]]
    inputs = {key: value[0, 0].numpy() for key, value in golden_inputs(model.config.inputs, shape).items()}
    found = deviations(model.raw(inputs), golden_outputs(name))
    assert max(found.values()) < ROUNDING, found


def test_an_imported_model_runs_on_an_image_of_any_amplitude(seeded, tmp_path, make_image):
    torch.save(seeded("mtl2_infer"), tmp_path / "c.pt")
    assert CliRunner().invoke(cli, ["import", str(tmp_path / "c.pt"), str(tmp_path / "model")]).exit_code == 0
    image = make_image((48, 40))
    fields = mtlcore.predict(image, model=tmp_path / "model")
    louder = mtlcore.predict(image * 1000, model=tmp_path / "model")
    assert list(fields) == ["rgt", "dhr", "fault_probability", "fault_dip"]
    assert fields["rgt"].min() == 0 and fields["rgt"].max() == 1
    np.testing.assert_allclose(louder["dhr"], fields["dhr"] * 1000, rtol=1e-3, atol=1e-4 * np.abs(louder["dhr"]).max())
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["amplitude"] == 0.3294


def test_a_refinement_that_lacks_a_task_gives_the_references_numbers_of_the_others(
    seeded, golden_inputs, golden_outputs, deviations, tmp_path
):
    state = {key: value for key, value in seeded("mtl2_refine").items() if not key.startswith("decoder_dhr")}
    torch.save(state, tmp_path / "c")
    result = CliRunner().invoke(cli, ["import", str(tmp_path / "c"), str(tmp_path / "model")])
    assert "(mtr, 2D, tasks rgt, fault)" in result.output
    model = mtlcore.load_model(tmp_path / "model")
    inputs = {key: value[0, 0].numpy() for key, value in golden_inputs(model.config.inputs, SHAPES["mtl2"]).items()}
    golden = {name: values for name, values in golden_outputs("mtl2_refine").items() if name != "dhr"}
    found = deviations(model.raw(inputs), golden)
    assert max(found.values()) < ROUNDING, found


def test_inspect_says_what_a_checkpoint_is(seeded, tmp_path):
    torch.save({"state_dict": seeded("mtl2_refine")}, tmp_path / "c.ckpt")
    result = CliRunner().invoke(cli, ["inspect", str(tmp_path / "c.ckpt"), "--json"])
    facts = json.loads(result.stdout)
    assert facts["kind"] == "checkpoint, for mtl import"
    assert (facts["stage"], facts["dimensions"], facts["parameters"]) == ("mtr", 2, 4805764)


def test_the_error_names_the_file_and_its_keys(seeded, tmp_path):
    state = seeded("mtl2_infer")
    del state["encoder2.conv1.c.0.bias"]
    torch.save(state | {"foo": torch.zeros(1)}, tmp_path / "c.pt")
    result = CliRunner().invoke(cli, ["import", str(tmp_path / "c.pt"), str(tmp_path / "model")])
    assert result.exit_code == 1
    assert f"Error: {tmp_path / 'c.pt'}: The checkpoint looks like the reference's" in result.stderr
    assert "missing encoder2.conv1.c.0.bias; unknown foo." in result.stderr
    assert not (tmp_path / "model").exists()
