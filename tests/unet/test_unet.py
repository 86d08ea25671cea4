"""The default backbone: exact tiles, a halo no larger than needed, and shuffling without loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_seismic.heads.dhr import DHR
from mtl_seismic.unet.backbone import HEAD_REACH, UNet
from mtl_seismic.unet.shuffle import shuffle, unshuffle
from mtlcore.errors import OptionError
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.tiles import Tiling
from mtlcore.model.net import MultiTaskNet

TILING = {"name": "unet", "widths": (4, 6), "dilations": (1,), "features": 4}
SHALLOW = {"name": "unet", "widths": (4,), "dilations": (1,), "features": 4}


@pytest.mark.parametrize(
    ("shape", "tile", "backbone"),
    [
        ((131, 97), 24, TILING),
        ((90, 203), 40, TILING),
        ((61, 57, 43), 24, SHALLOW),
    ],
)
def test_tiles_with_the_declared_halo_equal_the_whole(infer, make_model, make_image, shape, tile, backbone):
    model = make_model(len(shape), ("dhr", "fault"), backbone=backbone)
    image = make_image(shape)
    assert model.backbone.halo < max(shape) // 2  # else the test would say nothing
    whole = infer(model, image, {}, model.tasks, InferOptions())
    tiled = infer(model, image, {}, model.tasks, InferOptions(tile=tile))
    for name in whole:
        # An angle may turn from 0 to 180.
        difference = np.abs(whole[name] - tiled[name])
        angle = name in ("fault_dip", "fault_strike")
        difference = np.minimum(difference, np.abs(180 - difference)) / 180 if angle else difference
        assert difference.max() < 1e-5 * max(1, np.abs(whole[name]).max()), name


def test_tiles_of_a_refining_network_read_along_horizons_as_the_whole_does(infer, make_model, make_image):
    shape = (170, 180)
    model = make_model(stage="mtr", tasks=("dhr", {"name": "rgt", "neighbours": [9, 20]}), backbone=TILING)
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    time = rows + 4 * np.sin(np.arange(shape[1]) / 9) + 12 * (np.arange(shape[1]) > 100)
    fields = {"dhr": make_image(shape, 1), "rgt": (time / time.max()).astype(np.float32)}
    whole, tiled = (
        infer(model, make_image(shape), fields, model.tasks[:1], InferOptions(tile=tile))["dhr"] for tile in (None, 36)
    )
    assert np.abs(whole - tiled).max() < 1e-5
    narrow = InferOptions(tile=36, halo=model.backbone.halo)
    assert np.abs(infer(model, make_image(shape), fields, model.tasks[:1], narrow)["dhr"] - whole).max() > 1e-4


def test_tiles_with_a_smaller_halo_do_not_equal_the_whole(infer, make_model, make_image):
    model, image = make_model(2, ("dhr",), backbone=TILING), make_image((131, 97))
    whole = infer(model, image, {}, model.tasks, InferOptions())["dhr"]
    tiled = infer(model, image, {}, model.tasks, InferOptions(tile=24, halo=8))["dhr"]
    assert np.abs(whole - tiled).max() > 1e-3


@pytest.mark.parametrize(
    "backbone",
    [
        UNet(widths=(4, 6, 8), dilations=(1, 2)),
        UNet(widths=(4, 6), dilations=(1,)),
        UNet(widths=(4,), dilations=(1, 2)),
        UNet(widths=(4, 6, 8), dilations=(), stem=1),
        UNet(widths=(4, 4), dilations=(2,), stem=3),
    ],
    ids=str,
)
def test_the_halo_is_what_the_network_sees_and_no_more(backbone):
    seen = reach(backbone)
    assert seen + HEAD_REACH <= backbone.halo < seen + HEAD_REACH + backbone.stride + backbone.stem
    assert backbone.halo % backbone.stride == 0


def reach(backbone: UNet) -> int:
    """How far from the edge of a tile the outputs in it see, by gradients of a net in which nothing cancels."""
    torch.manual_seed(0)
    parts = (backbone.encoder({"image": 1}, 2), backbone.decoder("any", 2), backbone.neck("any", 2))
    net = torch.nn.Sequential(*parts).double().eval()
    for parameter in net.parameters():
        parameter.data.abs_()
    middle = backbone.stride * 64
    image = torch.full((1, 1, backbone.stride, 2 * middle), 1e-3, dtype=torch.float64, requires_grad=True)
    features = net({"image": image})
    (gradient,) = torch.autograd.grad(features[..., middle : middle + backbone.stride].sum(), image)
    seen = torch.nonzero(gradient.abs().sum((0, 1, 2))).flatten()
    return max(middle - int(seen.min()), int(seen.max()) - (middle + backbone.stride - 1))


@given(st.integers(2, 3), st.integers(1, 4), st.integers(1, 3), st.lists(st.integers(1, 4), min_size=3, max_size=3))
def test_shuffle_undoes_unshuffle(ndim, factor, channels, counts):
    shape = (2, channels, *(count * factor for count in counts[:ndim]))
    values = torch.arange(int(np.prod(shape)), dtype=torch.float32).view(shape)
    cells = unshuffle(values, factor)
    assert cells.shape == (2, channels * factor**ndim, *counts[:ndim])
    assert torch.equal(shuffle(cells, factor), values)


def test_unshuffle_agrees_with_torch_in_2d():
    values = torch.randn(2, 3, 8, 12)
    assert torch.equal(unshuffle(values, 4), torch.nn.functional.pixel_unshuffle(values, 4))


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("stem", [1, 2])
@pytest.mark.parametrize("decoders", ["shared", "private"])
def test_one_code_serves_2d_and_3d(make_model, make_image, ndim, stem, decoders):
    backbone = {"name": "unet", "widths": (3, 5), "dilations": (1,), "stem": stem, "features": 3, "decoders": decoders}
    model = make_model(ndim, backbone=backbone)
    found = model.predict(make_image((13, 11, 9)[:ndim]))
    expected = {"dhr", "rgt", "fault_probability", "fault_dip"} | ({"fault_strike"} if ndim == 3 else set())
    assert set(found) == expected
    for values in found.values():
        assert values.shape == (13, 11, 9)[:ndim]
        assert values.dtype == np.float32
        assert np.isfinite(values).all()


def test_no_bias_stands_before_a_normalisation(make_model):
    net = make_model().net
    convolutions = {name: module for name, module in net.named_modules() if hasattr(module, "kernel_size")}
    biased = {name for name, module in convolutions.items() if module.bias is not None}
    tasks = ("dhr", "rgt", "fault")
    heads = {"heads.dhr.out", "heads.fault.out", "heads.rgt.slopes.out", "heads.rgt.embeddings"}
    assert biased == {f"necks.{task}.layers.1" for task in tasks} | heads


@pytest.mark.parametrize("size", [32, 33, 40, 47])
def test_far_ends_of_any_size_are_padded_alike(size):
    """By the margin at least, and less than a stride beyond: the network never meets a far end without."""
    net = MultiTaskNet(UNet(widths=(4, 6, 8)), [DHR()], {"image": 1}, 2)
    padded = net.pad(torch.arange(float(size)).expand(1, 1, 4, size))
    assert padded.shape[3] % net.stride == 0
    assert 8 <= padded.shape[3] - size < 8 + net.stride
    assert (padded[..., size:] == size - 1).all()
    assert net({"image": torch.zeros(1, 1, 20, size)})["dhr"]["dhr"].shape == (1, 1, 20, size)


def test_options_that_make_no_network_are_refused():
    for options in ({"widths": ()}, {"stem": 0}, {"features": 0}, {"dilations": (0,)}):
        with pytest.raises(OptionError, match="unet"):
            UNet(**options)


def test_a_halo_of_columns_is_cut_at_the_edges_of_the_volume():
    tiling = Tiling((40, 30), (16, 16), 8, 4)
    first, last = tiling.columns[0], tiling.columns[-1]
    assert first.read == (slice(0, 40), slice(0, 24))
    assert last.read == (slice(0, 40), slice(8, 30))
    assert last.keep == (slice(0, 40), slice(8, 22))
    assert (tiling.depths[-1].read, tiling.depths[-1].keep) == (slice(24, 40), slice(8, 16))
