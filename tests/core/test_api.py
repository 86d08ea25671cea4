"""mtlcore from Python: images of any kind in, fields of the same kind out; files, pictures, training, evaluation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mtlcore
from mtlcore.errors import OptionError

SHAPES = [(20, 18), (20, 18, 16)]


@pytest.fixture(params=SHAPES, ids=["2D", "3D"])
def case(request, make_model, make_image):
    """A model and an image for it."""
    return make_model(len(request.param), tasks=("dhr", "fault")), make_image(request.param)


def test_tensors_give_tensors(case):
    model, image = case
    plain, found = model.predict(image), model.predict(torch.from_numpy(image))
    assert found.keys() == plain.keys()
    for name, values in found.items():
        assert isinstance(values, torch.Tensor) and values.dtype == torch.float32
        np.testing.assert_array_equal(values.numpy(), plain[name])


@pytest.mark.parametrize("depth_axis", [0, -1])
def test_labelled_arrays_give_labelled_arrays_with_their_coordinates(case, depth_axis):
    xarray = pytest.importorskip("xarray")
    model, image = case
    names = ["twt", "inline", "crossline"][: image.ndim]
    coordinates = {name: np.arange(size) * 4.0 + 100 for name, size in zip(names, image.shape, strict=True)}
    given = xarray.DataArray(image, dims=names, coords=coordinates, attrs={"survey": "F3"})
    if depth_axis == -1:
        given = given.transpose(*names[1:], "twt")
    found = model.predict(given)
    for name, values in model.predict(image).items():
        assert found[name].dims == given.dims
        assert found[name].name == name
        for axis in names:
            np.testing.assert_array_equal(found[name][axis], given[axis])
        np.testing.assert_array_equal(found[name].transpose(*names).values, values)
    assert found["fault_dip"].attrs["units"] == "degree"
    assert given.attrs == {"survey": "F3"}


def test_paths_and_volumes_give_volumes_with_their_geometry(case, tmp_path):
    model, image = case
    np.save(tmp_path / "image.npy", image)
    volume = mtlcore.open(tmp_path / "image.npy")
    for given in (str(tmp_path / "image.npy"), tmp_path / "image.npy", volume):
        found = model.predict(given)
        for name, values in model.predict(image).items():
            assert found[name].geometry.axes == volume.geometry.axes
            np.testing.assert_array_equal(found[name].load(), values)


def test_fields_of_any_kind_are_refined(make_model, make_image):
    image = make_image((20, 18))
    fields = make_model(tasks=("dhr",)).predict(image)
    model = make_model(stage="mtr", tasks=("dhr",))
    tensors = {name: torch.from_numpy(values) for name, values in fields.items()}
    np.testing.assert_array_equal(model.predict(image, fields)["dhr"], model.predict(image, tensors)["dhr"])


def test_options_are_keywords(make_model, make_image, tmp_path):
    image = make_image((20, 18))
    make_model(tasks=("dhr",), folder=tmp_path / "model")
    plain, averaged = (mtlcore.predict(image, model=tmp_path / "model", tta=tta)["dhr"] for tta in (False, True))
    assert not np.allclose(plain, averaged)
    assert "dhr_uncertainty" in mtlcore.predict(image, model=tmp_path / "model", uncertainty=True)
    with pytest.raises(OptionError, match=r"no option 'uncertanty'\. Did you mean 'uncertainty'"):
        mtlcore.predict(image, model=tmp_path / "model", uncertanty=True)


def test_stages_are_those_of_the_models(make_model, make_image, tmp_path):
    image = make_image((20, 18))
    for stage in ("mti", "mtr"):
        make_model(stage=stage, tasks=("dhr",), folder=tmp_path / stage)
    both = [tmp_path / "mti", tmp_path / "mtr"]
    chained = mtlcore.predict(image, model=both)
    np.testing.assert_array_equal(chained["dhr"], mtlcore.predict(image, stages=("mti", "mtr"), model=both)["dhr"])
    first = mtlcore.predict(image, model=both[0])
    np.testing.assert_allclose(mtlcore.predict(image, model=both[1], fields=first)["dhr"], chained["dhr"], atol=1e-4)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((4, 4), dtype=complex), "type complex128: expected real numbers"),
        (np.zeros(4), r"shape \(4,\): expected 2 or 3 axes"),
        (torch.zeros(2, 2, 2, 2), "expected 2 or 3 axes"),
        ("nowhere.npy", "nowhere.npy does not exist"),
    ],
)
def test_what_is_no_image_is_refused(image, words):
    with pytest.raises(mtlcore.MtlError, match=words):
        mtlcore.predict(image)


def test_a_model_says_what_it_is(make_model, tmp_path):
    text = repr(make_model(3, tasks=("dhr", "fault"), folder=tmp_path / "model"))
    assert text.startswith("<Model mti 3D: dhr, fault; unet, ") and str(tmp_path / "model") in text


def test_fields_are_plotted_over_their_image(case, tmp_path):
    pytest.importorskip("matplotlib")
    model, image = case
    fields = model.predict(image)
    figure = mtlcore.plot(fields, image, path=tmp_path / "p.png")
    # The image and every field, each with a colour bar.
    assert len(figure.axes) == 2 * (1 + len(fields))
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert mtlcore.plot({"dhr": torch.from_numpy(fields["dhr"])}).axes
    with pytest.raises(mtlcore.MtlError, match="no image to draw fault_dip over"):
        mtlcore.plot({"fault_dip": fields["fault_dip"]})


def test_training_and_evaluation_from_python(tmp_path, capsys):
    source = {"items": 2, "validation_items": 1, "shape": [48, 48]}
    small = {"name": "unet", "widths": [4, 6], "dilations": [1], "features": 4}
    options = {"batch_size": 2, "crop": [32, 32], "metric_items": 1, "pictures": 0, "device": "cpu"}
    given = {"tasks": ["dhr"], "backbone": small, "source": source}
    model = mtlcore.train("synth:rgm2d", tmp_path / "run", **given, epochs=1, **options)
    assert [task.name for task in model.tasks] == ["dhr"] and model.folder == tmp_path / "run" / "best"
    assert "epoch: 1/1  loss" in capsys.readouterr().out
    mtlcore.train(resume=tmp_path / "run", epochs=2, progress=False)
    assert len((tmp_path / "run/epochs.csv").read_text().splitlines()) == 3
    assert not capsys.readouterr().out
    found = mtlcore.evaluate(tmp_path / "run", "synth:rgm2d", source=source, progress=False)
    assert found.mean["dhr.snr"] == found.items[0]["dhr.snr"]
    with pytest.raises(mtlcore.MtlError, match="not empty"):
        mtlcore.train("synth:rgm2d", tmp_path / "run", **given, epochs=1)
