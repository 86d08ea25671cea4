"""The reference's losses, and what its raw numbers mean."""

import numpy as np
import pytest
import torch

from mtl_seismic.heads.metrics.image import structural_similarity
from mtl_seismic.resunet.reference import (
    decode_reference_fault,
    reference_dhr_loss,
    reference_fault_loss,
    reference_rgt_loss,
)
from mtl_seismic.resunet.ssim import ssim
from mtlcore.errors import MtlError

NAN = float("nan")


def uniform(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(20, 17), (13, 12, 15)])
def test_ssim_agrees_with_the_metric(shape):
    a, b = uniform(2, 1, *shape), uniform(2, 1, *shape, seed=1)
    b = 0.7 * a + 0.3 * b
    expected = [structural_similarity(x[0].numpy(), y[0].numpy(), 1.0) for x, y in zip(a, b, strict=True)]
    assert ssim(a, b, data_range=1).item() == pytest.approx(np.mean(expected), abs=1e-6)


def test_ssim_is_1_for_equal_images_and_has_gradients():
    image = uniform(1, 1, 16, 16).requires_grad_()
    assert ssim(image, image, 1).item() == pytest.approx(1, abs=1e-6)
    ssim(image, uniform(1, 1, 16, 16, seed=1), 1).backward()
    assert image.grad.isfinite().all() and image.grad.abs().max() > 0


def test_ssim_is_in_single_precision_under_autocast():
    a, b = uniform(1, 1, 16, 16), uniform(1, 1, 16, 16, seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        assert ssim(a, b, 1) == ssim(a, b, 1).float()
        inside = ssim(a, b, 1)
    assert inside == ssim(a, b, 1)


def test_ssim_refuses_an_image_smaller_than_its_window():
    with pytest.raises(MtlError, match=r"SSIM needs 11 samples on every axis: the image has \(10, 20\)"):
        ssim(torch.zeros(1, 1, 10, 20), torch.zeros(1, 1, 10, 20), 1)


def test_rgt_loss_is_five_times_dissimilarity_and_absolute_error():
    values, labels = uniform(2, 1, 16, 16), uniform(2, 1, 16, 16, seed=1)
    expected = 5 * (1 - ssim(values, labels, 1) + (values - labels).abs().mean())
    torch.testing.assert_close(reference_rgt_loss({"rgt": values}, {"rgt": labels}), expected)


def test_dhr_loss_is_ten_times_the_squared_error():
    values, labels = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[0.0, 4.0]]]])
    assert reference_dhr_loss({"dhr": values}, {"dhr": labels}).item() == pytest.approx(25)


@pytest.mark.parametrize("background", [0.0, NAN, 90.0])
def test_fault_loss_by_hand(background):
    """Angles count as 0 off the faults, however a data set fills them there."""
    raw = {
        "fault_probability": torch.tensor([[[[0.8, 0.2]]]]),
        "fault_dip": torch.tensor([[[[0.4, 0.1]]]]),
        "fault_strike": torch.tensor([[[[0.2, 0.0]]]]),
    }
    labels = {
        "fault_probability": torch.tensor([[[[1.0, 0.0]]]]),
        "fault_dip": torch.tensor([[[[90.0, background]]]]),
        "fault_strike": torch.tensor([[[[18.0, background]]]]),
    }
    dice = 1 - (2 * 0.8 + 1) / (1 + 1 + 1)
    loss_3d = reference_fault_loss(raw, labels)
    assert loss_3d.item() == pytest.approx(dice + 10 * (0.1 + 0.1) / 2 + 10 * 0.1 / 2)
    raw.pop("fault_strike")
    assert reference_fault_loss(raw, labels).item() == pytest.approx(dice + 10 * (0.1 + 0.1) / 2)


def test_dice_takes_its_sums_over_the_batch():
    values, labels = uniform(3, 1, 8, 8), (uniform(3, 1, 8, 8, seed=1) > 0.8).float()
    raw = {"fault_probability": values, "fault_dip": torch.zeros_like(values)}
    target = {"fault_probability": labels, "fault_dip": torch.zeros_like(values)}
    expected = 1 - (2 * (values * labels).sum() + 1) / (values.sum() + labels.sum() + 1)
    torch.testing.assert_close(reference_fault_loss(raw, target), expected)


LOSSES = {
    ("rgt",): reference_rgt_loss,
    ("dhr",): reference_dhr_loss,
    ("fault_probability", "fault_dip", "fault_strike"): reference_fault_loss,
}


@pytest.mark.parametrize(("names", "loss"), LOSSES.items())
def test_unknown_labels_take_no_part(names, loss):
    raw = {name: uniform(2, 1, 16, 16, seed=n).requires_grad_() for n, name in enumerate(names)}
    labels = {name: uniform(2, 1, 16, 16, seed=n + 5).round() for n, name in enumerate(names)}
    for name in names:
        labels[name][1] = NAN
    loss(raw, labels).backward()
    for values in raw.values():
        assert values.grad[0].abs().max() > 0
        assert values.grad[1].abs().max() < 1e-6


@pytest.mark.parametrize(("names", "loss"), LOSSES.items())
def test_a_loss_without_any_known_label_is_0_and_harmless(names, loss):
    raw = {name: uniform(2, 1, 16, 16, seed=n).requires_grad_() for n, name in enumerate(names)}
    result = loss(raw, {name: torch.full((2, 1, 16, 16), NAN) for name in names})
    result.backward()
    assert result.item() == pytest.approx(0, abs=1e-5)
    assert all(values.grad.abs().max() < 1e-6 for values in raw.values())


def test_angles_are_freed_of_the_probability():
    raw = {
        "fault_probability": torch.tensor([0.5, 0.0005, 0.002, 0.0]),
        "fault_dip": torch.tensor([0.25, 0.0005, 0.004, 0.0]),
        "fault_strike": torch.tensor([0.1, 0.0, 0.001, 0.0]),
    }
    fields = decode_reference_fault(raw)
    torch.testing.assert_close(fields["fault_probability"], raw["fault_probability"])
    torch.testing.assert_close(fields["fault_dip"], torch.tensor([90.0, 0, 180, 0]))
    torch.testing.assert_close(fields["fault_strike"], torch.tensor([36.0, 0, 90, 0]))
    assert "fault_strike" not in decode_reference_fault(
        {name: raw[name] for name in ("fault_probability", "fault_dip")}
    )
