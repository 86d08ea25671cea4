"""Models that share weights with one next to them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from mtlcore.errors import MtlError
from mtlcore.model.checkpoint import WEIGHTS, load_model, save_model
from mtlcore.model.sections import over_sections
from mtlcore.model.tensors import load_tensors
from mtlcore.plugin.plugins import current
from mtlcore.training.export import ExportOptions, export_model


@pytest.fixture
def folder(make_model, tmp_path):
    """A 3D model that leaves the weights of its 2D network to the 2D model next to it."""
    plane = make_model(folder=tmp_path / "plane")
    save_model(over_sections(plane, current()), tmp_path / "volume", shared=tmp_path / "plane")
    return tmp_path / "volume"


def test_shared_weights_are_stored_once_and_found(folder, make_image):
    assert not load_tensors(folder / WEIGHTS)
    image = make_image((8, 8, 8))
    expected = over_sections(load_model(folder.parent / "plane"), current()).predict(image)
    assert np.array_equal(load_model(folder).predict(image)["dhr"], expected["dhr"])


def test_an_exported_copy_has_all_its_weights(folder, make_image, tmp_path):
    export_model(folder, tmp_path / "elsewhere/whole")
    shutil.rmtree(folder.parent / "plane")
    image = make_image((8, 8, 8))
    assert np.isfinite(load_model(tmp_path / "elsewhere/whole").predict(image)["dhr"]).all()
    with pytest.raises(MtlError, match=r"plane, which is not there.*mtl export"):
        load_model(folder)


def test_the_fingerprint_tells_of_shared_weights_too(folder, make_model):
    before = load_model(folder).fingerprint
    make_model(folder=folder.parent / "plane", seed=1)
    assert load_model(folder).fingerprint != before


def test_weights_that_are_not_the_models_are_not_left_out(make_model, tmp_path):
    make_model(folder=tmp_path / "other", seed=1)
    lifted = over_sections(make_model(), current())
    with pytest.raises(MtlError, match="not a part of the model's"):
        save_model(lifted, tmp_path / "volume", shared=tmp_path / "other")
    (tmp_path / "deeper").mkdir()
    with pytest.raises(MtlError, match="not next to"):
        save_model(over_sections(make_model(seed=1), current()), tmp_path / "deeper/volume", shared=tmp_path / "other")
    assert not (tmp_path / "volume").exists()
    assert not (tmp_path / "deeper/volume").exists()


def test_a_2d_model_is_exported_as_a_model_over_sections(make_model, tmp_path):
    make_model(folder=tmp_path / "plane")
    wanted = ExportOptions(as_sections=True, shared=tmp_path / "plane")
    export_model(tmp_path / "plane", tmp_path / "volume", wanted)
    assert load_model(tmp_path / "volume").ndim == 3
    assert "# MTI model, 3D" in (tmp_path / "volume/README.md").read_text(encoding="utf-8")
