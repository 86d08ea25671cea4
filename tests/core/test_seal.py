"""A model is what was saved: hashes of weights and configuration, and networks no larger than their weights."""

import json
import resource

import numpy as np
import pytest
import torch

from mtlcore import MtlError
from mtlcore.errors import MtlWarning
from mtlcore.model.checkpoint import load_model, model_integrity, packaged_models, save_model
from mtlcore.model.seal import ALLOW, seal
from mtlcore.plugin.plugins import current


@pytest.fixture
def folder(make_model, tmp_path):
    make_model(folder=tmp_path / "model")
    return tmp_path / "model"


def flip(path, position, bit=0):
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("position", np.random.default_rng(0).uniform(0, 1, 20))
def test_each_flipped_bit_of_the_weights_is_found(position, folder, monkeypatch):
    weights = folder / "model.safetensors"
    start = 8 + int.from_bytes(weights.read_bytes()[:8], "little")
    flip(weights, start + int(position * (weights.stat().st_size - start)), int(position * 1000) % 8)
    with pytest.raises(
        MtlError, match=r"The model has changed since it was saved: the weights .*safetensors \(SHA"
    ) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)
    assert model_integrity(folder).startswith("CHANGED since it was saved: the weights")
    monkeypatch.setenv(ALLOW, "1")
    with pytest.warns(MtlWarning, match="has changed since it was saved.*it is used all the same"):
        load_model(folder)
    load_model(folder, check=False)


def test_a_changed_configuration_is_found(folder):
    assert model_integrity(folder) == "weights and configuration as saved"
    config = folder / "config.json"
    values = json.loads(config.read_text())
    # Blanks, line ends and the order of keys are nobody's business.
    config.write_text(json.dumps(dict(reversed(values.items()))))
    load_model(folder)
    config.write_text(json.dumps(values | {"amplitude": 2.0}))
    with pytest.raises(MtlError, match=r"has changed since it was saved: the configuration next to .*README\.md"):
        load_model(folder)
    seal(folder)
    assert load_model(folder).config.amplitude == 2.0


def test_folders_without_hashes_are_taken_as_they_are(folder):
    values = json.loads((folder / "config.json").read_text())
    del values["weights_sha256"]
    (folder / "config.json").write_text(json.dumps(values))
    (folder / "README.md").unlink()
    load_model(folder)
    assert model_integrity(folder) == "not recorded"
    seal(folder)
    assert model_integrity(folder) == "weights and configuration as saved"


def test_a_model_is_replaced_whole_or_not_at_all(folder, make_model, monkeypatch):
    before = load_model(folder).fingerprint
    other = make_model(seed=1)
    monkeypatch.setattr("mtlcore.model.checkpoint.sealed_card", lambda card, values: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_model(other, folder)
    assert load_model(folder).fingerprint == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    monkeypatch.undo()
    (folder / "notes.txt").write_text("mine")
    save_model(other, folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert model_integrity(folder) == "weights and configuration as saved"


def test_packaged_models_are_what_was_saved():
    for packaged in packaged_models(current()):
        assert model_integrity(packaged.folder) == "weights and configuration as saved", packaged.folder


def enlarge(folder, **backbone):
    config = folder / "config.json"
    values = json.loads(config.read_text())
    values["backbone"] |= backbone
    config.write_text(json.dumps(values))
    seal(folder)


@pytest.mark.parametrize(
    "backbone", [{"widths": [4] * 10_000}, {"widths": [4, 10**7]}, {"dilations": [1] * 100_000}, {"features": 10**9}]
)
def test_a_network_larger_than_its_weights_is_refused_at_once(backbone, folder):
    enlarge(folder, **backbone)
    used = resource.getrusage(resource.RUSAGE_SELF)
    with pytest.raises(MtlError) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert (after.ru_maxrss - used.ru_maxrss) * 1024 < 300e6
    assert after.ru_utime - used.ru_utime < 20


def test_numbers_are_the_same_after_the_look_at_the_size(folder, make_image):
    image = make_image((40, 36))
    one, other = load_model(folder), load_model(folder, check=False)
    assert all(torch.equal(a, b) for a, b in zip(one.net.parameters(), other.net.parameters(), strict=True))
    assert np.isfinite(one.predict(image)["dhr"]).all()
