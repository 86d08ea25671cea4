"""A 2D network over the sections of a volume, with and without a 3D network after it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from mtlcore.errors import MtlError, OptionError
from mtlcore.inference.chain import Chain, Known
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.loading import load_chain
from mtlcore.inference.store import MemoryStore
from mtlcore.inference.work import Pass
from mtlcore.io.volume import ArrayVolume
from mtlcore.model.checkpoint import load_model, save_model
from mtlcore.model.model import Model
from mtlcore.model.sections import over_sections
from mtlcore.plugin.plugins import current
from mtlcore.run.scratch import Scratch
from mtlcore.training.finetune import copy_matching_weights

SHAPE = (24, 20, 28)


@pytest.fixture
def plane(make_model):
    """A 2D model."""
    return make_model(tasks=("dhr", {"name": "rgt", "channels": 4}, "fault"))


@pytest.fixture
def lifted(plane):
    """The same, over the sections of volumes."""
    return over_sections(plane, current())


def fused(lifted, **options):
    """A model with a 3D network, whose weights begin as those of ``lifted``."""
    backbone = {**lifted.config.backbone, "widths": [4, 6], "dilations": [1], "fine": 4, **options}
    model = Model.new(replace(lifted.config, backbone=backbone), current())
    copy_matching_weights(model, lifted)
    return model


def raw_of(model, image):
    with torch.inference_mode():
        return {
            name: values.float()
            for raw in model.net({"image": torch.from_numpy(image)[None, None]}).values()
            for name, values in raw.items()
        }


def sections_of(plane, image, axis):
    """Per raw tensor, what the 2D model says of each section along an axis, stacked along the other one."""
    other = 3 - axis
    found = [raw_of(plane, np.ascontiguousarray(np.take(image, i, other))) for i in range(image.shape[other])]
    return {name: torch.stack([raw[name] for raw in found], other + 2) for name in found[0]}


@pytest.mark.parametrize("shape", [SHAPE, (17, 10, 13)])
def test_it_says_what_the_2d_network_says_of_the_sections_along_both_axes(plane, lifted, make_image, shape):
    image = make_image(shape)
    raw = raw_of(lifted, image)
    along = [sections_of(plane, image, axis) for axis in (1, 2)]
    assert torch.allclose(raw["dhr"], (along[0]["dhr"] + along[1]["dhr"]) / 2, atol=1e-5)
    larger = torch.maximum(along[0]["fault_logit"], along[1]["fault_logit"])
    assert torch.allclose(raw["fault_logit"], larger, atol=1e-5)


def test_products_of_embeddings_are_the_mean_of_both_axes(plane, lifted, make_image):
    image = make_image(SHAPE)
    raw = raw_of(lifted, image)
    first, second = ((slice(None), slice(None), 3, 4, 5), (slice(None), slice(None), 6, 2, 9))
    fused = (raw["rgt_query"][first] * raw["rgt_key"][second]).sum() / raw["rgt_query"].shape[1] ** 0.5
    products = []
    for axis in (1, 2):
        found = sections_of(plane, image, axis)
        # A cell has two sections.
        query, key = (found[name].unflatten(5 - axis, (-1, 2)).mean(6 - axis) for name in ("rgt_query", "rgt_key"))
        products.append((query[first] * key[second]).sum() / query.shape[1] ** 0.5)
    assert float(fused) == pytest.approx(float(sum(products) / 2), abs=2e-3)


@pytest.mark.parametrize("widths", [(), (4, 6)])
def test_tiles_agree_with_the_whole(infer, lifted, make_image, widths):
    """With the derived halo to rounding; one axis is long enough to have tiles without edges."""
    model = fused(lifted) if widths else lifted
    for task in model.net.heads.values():
        for layer in (*task.corrections.values(), *task.fine_corrections.values()):
            torch.nn.init.normal_(layer.weight, 0, 0.1)
    shape = (16, 2 * model.backbone.halo + 48, 12)
    image = make_image(shape)
    tasks = [task for task in model.tasks if task.name != "rgt"]
    whole = infer(model, image, {}, tasks, InferOptions())
    tiled = infer(model, image, {}, tasks, InferOptions(tile=40))
    for name in ("dhr", "fault_probability"):
        assert np.allclose(tiled[name], whole[name], atol=1e-4), name
    too_small = infer(model, image, {}, tasks, InferOptions(tile=40, halo=0))
    assert np.abs(too_small["dhr"] - whole["dhr"]).max() > 1e-3


def test_a_declared_reach_is_the_halo_of_tiles(lifted):
    assert replace(lifted.backbone, reach=48).halo == 48
    assert lifted.backbone.halo > lifted.backbone.plane.halo


def test_a_3d_network_begins_by_changing_nothing_and_then_learns(lifted, make_image):
    image, model = make_image(SHAPE), fused(lifted)
    before, after = raw_of(lifted, image), raw_of(model, image)
    assert before.keys() == after.keys()
    assert all(torch.allclose(after[name], before[name], atol=1e-6) for name in before)
    tensor = torch.from_numpy(image)[None, None]
    raw = model.net({"image": tensor})
    labels = {"dhr": tensor, "fault_probability": (tensor > 1).float(), "rgt": torch.rand_like(tensor).cumsum(2)}
    labels |= {"fault_dip": torch.full_like(tensor, 60), "fault_strike": torch.full_like(tensor, 30)}
    sum(task.loss(raw[task.name], labels) for task in model.tasks).backward()
    for name, head in model.net.heads.items():
        assert all(
            layer.weight.grad.abs().max() > 0
            for part in (head.corrections, head.fine_corrections)
            for layer in part.values()
        ), name


def test_a_3d_network_grows_on_a_model_over_the_same_sections_alone(lifted, make_model):
    with pytest.raises(OptionError, match="has the backbone"):
        copy_matching_weights(fused(lifted), make_model(3))
    assert fused(lifted).backbone.grows_from(lifted.backbone)
    other = replace(lifted.backbone, network={**lifted.backbone.network, "features": 5})
    assert not fused(lifted).backbone.grows_from(other)


def planar(strike, dip, shape=(40, 40, 40)):
    """A probability that is high along one plane through the middle."""
    from mtl_seismic.heads import orientation

    angle = [torch.full((1, 1), float(value)) for value in (dip, strike)]
    normal = orientation.normal(*angle)[0]
    grid = torch.stack(torch.meshgrid(*[torch.arange(n) - n / 2 + 0.25 for n in shape], indexing="ij"))
    distance = torch.einsum("a,aijk->ijk", normal, grid.float())
    return torch.exp(-0.5 * (distance / 1.2) ** 2)[None, None]


@pytest.mark.parametrize(("strike", "dip"), list(product((0, 30, 90, 150), (50, 75, 90, 120))))
def test_planes_follow_from_the_probability(strike, dip):
    from mtl_seismic.heads import orientation
    from mtl_seismic.heads.metrics import plane_angle

    probability = planar(strike, dip)
    found = orientation.from_tensor(orientation.of_planes(probability))
    here = probability[0, 0, ::2, ::2, ::2] > 0.5
    here[:4], here[-4:], here[:, :4], here[:, -4:], here[..., :4], here[..., -4:] = (False,) * 6
    angles = [angle[0, 0][here].numpy() for angle in (found[1], found[0])]
    truth = [np.full_like(angles[0], value) for value in (strike, dip)]
    assert here.sum() > 50
    assert plane_angle(*angles, *truth).max() < 2.0


def test_a_2d_model_runs_on_a_volume_only_when_that_is_asked_for(plane, make_image, tmp_path):
    save_model(plane, tmp_path / "plane")
    with pytest.raises(MtlError, match=r"2D and the image 3D.*--as-sections"):
        load_chain(("mti",), 3, [tmp_path / "plane"], quiet=True)
    chain = load_chain(("mti",), 3, [tmp_path / "plane"], quiet=True, as_sections=True)
    fields = chain.run(make_image(SHAPE)).fields
    assert set(fields) == {"dhr", "rgt", "fault_probability", "fault_dip", "fault_strike"}
    assert all(values.shape == SHAPE and np.isfinite(values).all() for values in fields.values())
    with pytest.raises(OptionError, match="image is 2D: leave it out"):
        load_chain(("mti",), 2, [tmp_path / "plane"], quiet=True, as_sections=True)


def test_models_that_refine_or_are_3d_do_not_run_over_sections(make_model):
    with pytest.raises(MtlError, match="'mtr', which refines"):
        over_sections(make_model(stage="mtr"), current())
    with pytest.raises(MtlError, match="is 3D"):
        over_sections(make_model(3), current())


def test_a_model_over_sections_is_saved_and_loaded_as_any_other(lifted, make_image, tmp_path):
    save_model(fused(lifted), tmp_path / "model")
    image = make_image(SHAPE)
    again = load_model(tmp_path / "model")
    assert again.ndim == 3
    assert np.array_equal(again.predict(image)["dhr"], fused(lifted).predict(image)["dhr"])


@pytest.mark.parametrize("variant", ["slopes", "reference"])
def test_every_variant_of_every_task_runs_over_sections(make_model, make_image, variant):
    faults = "reference" if variant == "reference" else "default"
    tasks = (
        {"name": "dhr", "variant": faults},
        {"name": "rgt", "variant": variant},
        {"name": "fault", "variant": faults},
    )
    fields = over_sections(make_model(tasks=tasks), current()).predict(make_image(SHAPE))
    assert all(np.isfinite(values).all() for values in fields.values())
    assert 0 <= fields["fault_strike"].min() <= fields["fault_strike"].max() <= 180


def test_a_backbone_without_its_2d_network_says_what_it_lacks(make_model):
    with pytest.raises(OptionError, match="needs the 2D network"):
        make_model(3, backbone={"name": "sections"})


def test_tasks_that_the_2d_network_lacks_are_refused(lifted):
    config = replace(lifted.config, tasks=(*lifted.config.tasks, {"name": "salt"}))
    with pytest.raises(MtlError, match="salt"):
        Model.new(config, current())


def test_a_mirrored_average_is_that_of_the_mirrored_volumes(lifted, make_image):
    """Sections are kept for each copy of the volume, and each copy reads its own."""
    image = make_image((16, 24, 32))
    options = InferOptions(scale=1.0)
    plain = Chain.of([lifted], options=options)
    copies = [plain.run(image, ["dhr"]).fields["dhr"]]
    for axis in (1, 2):
        flipped = np.ascontiguousarray(np.flip(image, axis))
        copies.append(np.flip(plain.run(flipped, ["dhr"]).fields["dhr"], axis))
    mean = np.mean(copies, axis=0)
    assert np.abs(copies[1] - copies[0]).max() > 1e-3
    for tile in (None, 8):
        average = Chain.of([lifted], options=replace(options, mirrored_average=True, tile=tile)).run(image, ["dhr"])
        assert np.allclose(average.fields["dhr"], mean, atol=1e-4)
    spread = Chain.of([lifted], options=replace(options, uncertainty=True)).run(image, ["dhr"]).fields
    negative = [-plain.run(-image, ["dhr"]).fields["dhr"]]
    for axis in (1, 2):
        flipped = np.ascontiguousarray(-np.flip(image, axis))
        negative.append(-np.flip(plain.run(flipped, ["dhr"]).fields["dhr"], axis))
    assert np.allclose(spread["dhr_uncertainty"], np.std([*copies, *negative], axis=0), atol=1e-4)


def test_a_run_that_goes_on_is_cut_as_it_was_begun(lifted, make_image, tmp_path, monkeypatch):
    """Slabs are counted: with another memory they would be others, and what is done would be taken for what is not."""
    monkeypatch.setattr("mtl_seismic.sections.encoder.BATCH", 16 * 40 * 4)
    volume = ArrayVolume(make_image((16, 40, 72)))
    begun = Chain.of([lifted], options=InferOptions(scale=1.0, tile=16, memory=2_000_000)).prepare(volume, MemoryStore)
    step = Pass(0, 0, ("dhr",), {}, False)
    known = Known(begun.conditioning.statistics, begun.conditioning.shape, begun.tilings[0].edges, begun.memory)
    Scratch(tmp_path).save(known)
    later = Chain.of([lifted], options=InferOptions(scale=1.0, tile=16, memory=8_000_000_000))
    resumed = later.prepare(volume, MemoryStore, known=Scratch(tmp_path).load())
    assert resumed.slabs(step) == begun.slabs(step)
    assert [column.core for column in resumed.columns] == [column.core for column in begun.columns]
    # Without what is known they differ: the test says something.
    assert later.prepare(volume, MemoryStore).slabs(step) != begun.slabs(step)
