"""Model folders: what is saved comes back, damage is one line, and nothing in a file is ever executed."""

from __future__ import annotations

import json
import os
import pickle
import re
import stat

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mtlcore.errors import MtlError, OptionError
from mtlcore.inference.chain import Chain
from mtlcore.model.checkpoint import load_model, save_model
from mtlcore.model.foreign import import_checkpoint
from mtlcore.training.export import ExportOptions, export_model


@pytest.fixture
def folder(make_model, tmp_path):
    make_model(folder=tmp_path / "model")
    return tmp_path / "model"


def unseal(folder):
    """As a folder of an earlier version, without hashes: what is wrong with it is told otherwise."""
    (folder / "README.md").write_text(re.sub("<!--.*-->", "", (folder / "README.md").read_text()))
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | {"weights_sha256": ""}))


def change_config(folder, **changes):
    unseal(folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(folder, change):
    unseal(folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def error_of(folder):
    with pytest.raises(MtlError) as caught:
        load_model(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("stage", ["mti", "mtr"])
def test_a_saved_model_comes_back_with_the_same_numbers(make_model, make_image, tmp_path, ndim, stage):
    model = make_model(ndim, stage=stage, folder=tmp_path / "model", amplitude=0.3, note="A note.")
    loaded = load_model(tmp_path / "model")
    assert loaded.config == model.config
    image = make_image((20, 18, 16)[:ndim])
    fields = make_model(ndim).predict(image) if stage == "mtr" else None
    expected, found = model.predict(image, fields), loaded.predict(image, fields)
    assert expected.keys() == found.keys()
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
    assert len(loaded.fingerprint) == 64


def test_files_have_the_permissions_that_the_umask_gives(make_model, tmp_path):
    before = os.umask(0o027)
    try:
        make_model(folder=tmp_path / "model")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "model").iterdir()}
    assert modes == {"config.json": 0o640, "model.safetensors": 0o640, "README.md": 0o640}


def test_saving_again_replaces_the_files_and_leaves_no_others(make_model, folder):
    save_model(make_model(seed=5), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    loaded = load_model(folder).net.state_dict()
    assert all(torch.equal(loaded[k], v) for k, v in make_model(seed=5).net.state_dict().items())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ampltude": 1}, ["config.json", "ampltude", "amplitude"]),
        ({"schema": 99}, ["schema 99", "upgrade"]),
        ({"schema": "new"}, ["schema"]),
        ({"ndim": 4}, ["ndim is 4"]),
        ({"ndim": "2"}, ["ndim"]),
        ({"amplitude": 0}, ["amplitude"]),
        ({"tasks": []}, ["no tasks"]),
        ({"inputs": {}}, ["inputs"]),
        ({"inputs": {"image": 0}}, ["inputs"]),
        ({"tasks": [{"name": "falt"}]}, ["falt", "fault"]),
        ({"tasks": [{"weight": 2}]}, ["without a name"]),
        ({"tasks": ["fault"]}, ["tasks"]),
        ({"backbone": {"name": "unet", "depth": 3}}, ["depth", "widths"]),
        ({"backbone": {"name": "unet", "widths": "wide"}}, ["widths"]),
        ({"stage": {"name": "mtx"}}, ["mtx", "mti"]),
    ],
)
def test_a_configuration_that_cannot_be_built_is_one_line(folder, changes, words):
    change_config(folder, **changes)
    message = error_of(folder)
    assert all(word in message for word in words), message


@pytest.mark.parametrize("text", ["{", "", "[]", "3", '"a"', "\x00\xff", "[" * 100_000])
def test_a_configuration_that_is_no_json_table_is_one_line(folder, text):
    (folder / "config.json").write_text(text, encoding="latin-1")
    assert "config.json" in error_of(folder)


def test_tensors_must_agree_one_by_one(folder, make_model):
    name = "heads.dhr.out.weight"
    change_weights(folder, lambda tensors: tensors.pop(name))
    assert f"lacks '{name}'" in error_of(folder)
    save_model(make_model(), folder)
    change_weights(folder, lambda tensors: tensors.update(more=torch.zeros(1)))
    assert "holds 'more'" in error_of(folder)
    save_model(make_model(), folder)
    change_weights(folder, lambda tensors: tensors.update({name: torch.zeros(2, 2)}))
    assert "(2, 2)" in error_of(folder)


@pytest.mark.parametrize("kept", [0, 4, 100, -10])
def test_truncated_weights_are_one_line(folder, kept):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    assert "model.safetensors" in error_of(folder)


def test_missing_files_are_named(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    assert "model.safetensors do not exist" in error_of(folder)
    (folder / "config.json").unlink()
    assert "not a model folder" in error_of(folder)
    assert "No model 'nosuch'" in error_of("nosuch")
    assert "Did you mean 'default'? Packaged: default" in error_of("defualt")
    with pytest.raises(MtlError, match="not a model folder"):
        load_model(folder / "README.md")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precisions_are_read(folder, make_image, kind):
    image = make_image((24, 20))
    expected = load_model(folder).predict(image)
    change_weights(folder, lambda tensors: tensors.update({k: v.to(kind) for k, v in tensors.items()}))
    model = load_model(folder)
    assert {value.dtype for value in model.net.state_dict().values()} == {torch.float32}
    found = model.predict(image)
    assert np.abs(found["dhr"] - expected["dhr"]).max() < 0.05 * np.abs(expected["dhr"]).max()


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("writer", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_a_checkpoint_that_would_execute_something_is_refused(tmp_path, writer, wrapped):
    bomb = Bomb(tmp_path / "executed")
    content = {"state_dict": {"weight": torch.zeros(1)}, "callbacks": bomb} if wrapped else bomb
    writer(content, tmp_path / "bomb.ckpt")
    with pytest.raises(MtlError) as caught:
        import_checkpoint(tmp_path / "bomb.ckpt", tmp_path / "model")
    assert "bomb.ckpt" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "model").exists()


def test_a_model_folder_with_a_pickle_in_it_is_refused(folder, tmp_path):
    torch.save(Bomb(tmp_path / "executed"), folder / "model.safetensors")
    assert "model.safetensors" in error_of(folder)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [{}, [], {"a": 1}, {"state_dict": {"a": torch.zeros(2)}}, torch.zeros(3)])
def test_checkpoints_that_nobody_knows_are_one_line(tmp_path, content):
    torch.save(content, tmp_path / "other.ckpt")
    with pytest.raises(MtlError, match=r"other\.ckpt") as caught:
        import_checkpoint(tmp_path / "other.ckpt", tmp_path / "model")
    assert "\n" not in str(caught.value)
    with pytest.raises(MtlError, match="does not exist"):
        import_checkpoint(tmp_path / "none.ckpt", tmp_path / "model")


@pytest.mark.parametrize("decoders", ["shared", "private"])
@pytest.mark.parametrize("tasks", [["dhr"], ["rgt", "fault"], ["fault"]])
def test_an_exported_part_predicts_the_same_values(make_model, make_image, tmp_path, tasks, decoders):
    backbone = {"name": "unet", "widths": (4, 6), "dilations": (1,), "features": 4, "decoders": decoders}
    make_model(folder=tmp_path / "all", backbone=backbone)
    exported = export_model(tmp_path / "all", tmp_path / "one", ExportOptions(tuple(tasks)))
    image = make_image((30, 22))
    one, everything = load_model(tmp_path / "one"), load_model(tmp_path / "all")
    assert [t.name for t in one.tasks] == tasks
    found = one.predict(image)
    assert found
    assert all(np.array_equal(values, everything.predict(image)[name]) for name, values in found.items())
    assert exported.config == one.config
    if decoders == "private":
        size = (tmp_path / "one" / "model.safetensors").stat().st_size
        assert size < (tmp_path / "all" / "model.safetensors").stat().st_size


def test_a_whole_model_is_exported_with_its_card(folder, tmp_path):
    (folder / "README.md").write_text("# My own card\n")
    export_model(folder, tmp_path / "copy")
    assert (tmp_path / "copy" / "README.md").read_text().startswith("# My own card\n\n<!-- config.json has the SHA-256")
    assert load_model(tmp_path / "copy").fingerprint == load_model(folder).fingerprint


def test_the_best_model_of_a_run_is_exported(make_model, tmp_path):
    make_model(folder=tmp_path / "run" / "best")
    export_model(tmp_path / "run", tmp_path / "copy")
    assert load_model(tmp_path / "copy").config == load_model(tmp_path / "run" / "best").config


@pytest.mark.parametrize("task", ["dhr", "rgt", "fault"])
def test_a_part_of_a_refining_model_reads_all_fields_and_gives_its_own(make_model, make_image, tmp_path, task):
    whole = make_model(stage="mtr", folder=tmp_path / "mtr")
    export_model(tmp_path / "mtr", tmp_path / "one", ExportOptions((task,)))
    one, image = load_model(tmp_path / "one"), make_image((30, 22))
    fields = make_model(seed=1).predict(image)
    found, expected = one.predict(image, fields), whole.predict(image, fields)
    assert found.keys() == {output.name for output in whole.chosen([task])[0].outputs_in(2)}
    assert all(np.array_equal(values, expected[name]) for name, values in found.items())
    with pytest.raises(MtlError, match="Stage 'mtr' refines"):
        one.predict(image, found)
    other = "rgt" if task == "dhr" else "dhr"
    with pytest.raises(MtlError, match=f"has no task '{other}': it has {task}"):
        one.predict(image, fields, tasks=[other])
    # Further passes refine its own fields and leave the others as they are.
    changes = Chain.of([make_model(), one], iterations=2).run(image).changes
    assert [change.keys() for change in changes] == [found.keys()] * 2
    # A part can be exported again.
    export_model(tmp_path / "one", tmp_path / "again", ExportOptions((task,)))
    assert load_model(tmp_path / "again").fingerprint == one.fingerprint


def test_parts_that_a_model_does_not_have_are_not_exported(make_model, tmp_path):
    make_model(tasks=("dhr",), folder=tmp_path / "dhr")
    with pytest.raises(MtlError, match="no task 'fault'"):
        export_model(tmp_path / "dhr", tmp_path / "one", ExportOptions(("fault",)))
    assert not (tmp_path / "one").exists()


def test_a_model_card_says_what_the_model_is(folder):
    card = (folder / "README.md").read_text()
    assert card.startswith("# MTI model, 2D\n")
    assert "dhr, rgt, fault" in card
    assert "Limits" in card


def test_unknown_options_of_parts_name_the_known_ones(folder):
    change_config(folder, stage={"name": "mtr", "iterations": 3})
    with pytest.raises(OptionError, match=r"iterations.*train_on"):
        load_model(folder)


def test_raw_gives_the_networks_own_numbers(make_model, make_image):
    model, image = make_model(), make_image((21, 18))
    raw = model.raw({"image": image})
    with torch.inference_mode():
        expected = model.net({"image": torch.from_numpy(image)[None, None]})
    assert set(raw) == {"dhr", "rgt_slope", "rgt_spread", "rgt_query", "rgt_key", "fault_logit", "fault_orientation"}
    assert np.array_equal(raw["dhr"], expected["dhr"]["dhr"][0, 0].numpy())
    assert raw["fault_orientation"].shape == (3, 21, 18)
    with pytest.raises(MtlError, match="'image' is not among"):
        model.raw({"picture": image})
    with pytest.raises(MtlError, match="expected 1 channel"):
        model.raw({"image": image[None, None]})
