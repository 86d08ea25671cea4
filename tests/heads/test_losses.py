"""Losses of the default tasks: unknown labels have no say, and a batch's loss is the mean of its items'."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mtl_seismic.heads.dhr import DHR
from mtl_seismic.heads.fault import DIP, PROBABILITY, STRIKE, Fault
from mtl_seismic.heads.orientation import to_tensor
from mtl_seismic.heads.rgt import RGT
from mtlcore.errors import OptionError
from mtlcore.losses import fill_unknown, masked_mean

TASKS = [DHR(), RGT(), Fault()]
CASES = [(task, ndim) for task in TASKS for ndim in (2, 3)]
NAMED = [f"{task.name}-{ndim}d" for task, ndim in CASES]


def batch(task, ndim, items=3, seed=0):
    """Raw predictions that want gradients, and labels of items with different shares of faults."""
    torch.manual_seed(seed)
    shape = (items, 1, *[14] * ndim)
    torch.manual_seed(seed)
    raw = {name: value.detach() for name, value in task.head(6, ndim)(torch.randn(items, 6, *shape[2:])).items()}
    depth = torch.linspace(0, 1, 14).view(1, 1, 14, *[1] * (ndim - 1))
    slope = torch.linspace(-0.2, 0.3, 14) * torch.rand(items, 1, *[1] * ndim)
    share = torch.linspace(0, 0.6, items).view(-1, *[1] * (ndim + 1))
    labels = {
        "dhr": torch.randn(shape),
        "rgt": (depth + slope).expand(shape).clone(),
        PROBABILITY: (torch.rand(shape) < share).float(),
        DIP: torch.rand(shape) * 180,
        STRIKE: torch.rand(shape) * 180,
    }
    wanted = [output.name for output in task.outputs_in(ndim)]
    return {name: value.requires_grad_() for name, value in raw.items()}, {name: labels[name] for name in wanted}


def _coarse(mask, like):
    """Where all samples of a cell are masked, for a raw tensor of cells."""
    factor = mask.shape[2] // like.shape[2]
    pool = torch.nn.functional.avg_pool2d if mask.ndim == 4 else torch.nn.functional.avg_pool3d
    return pool(mask.float(), factor) == 1


def gradients(loss, raw):
    return torch.autograd.grad(loss, list(raw.values()), allow_unused=True)


@pytest.mark.parametrize(("task", "ndim"), CASES, ids=NAMED)
def test_a_batch_has_the_mean_loss_of_its_items(task, ndim):
    raw, labels = batch(task, ndim)
    labels = {name: torch.where(torch.rand_like(value) < 0.3, torch.nan, value) for name, value in labels.items()}
    raw = {name: value.detach() for name, value in raw.items()}
    whole = task.loss(raw, labels)
    items = [
        task.loss({k: v[i : i + 1] for k, v in raw.items()}, {k: v[i : i + 1] for k, v in labels.items()})
        for i in range(3)
    ]
    assert float(whole) == pytest.approx(float(torch.stack(items).mean()), rel=1e-5)
    assert np.isfinite(float(whole))


@pytest.mark.parametrize(("task", "ndim"), CASES, ids=NAMED)
def test_unknown_labels_leave_finite_gradients_and_have_no_say(task, ndim):
    raw, labels = batch(task, ndim)
    plain = {name: value.detach() for name, value in raw.items()}
    # RGT's slopes look at neighbours: one sample on every side of an unknown one is unknown too.
    unknown, blind = (torch.zeros_like(next(iter(labels.values())), dtype=torch.bool) for _ in range(2))
    unknown[:, :, 3:9, 4:10], blind[:, :, 4:8, 5:9] = True, True
    masked = {name: torch.where(unknown, torch.nan, value) for name, value in labels.items()}
    loss = task.loss(raw, masked)
    for value, gradient in zip(raw.values(), gradients(loss, raw), strict=True):
        assert torch.isfinite(gradient).all()
        assert not gradient[_coarse(blind, gradient).expand_as(gradient)].any()
        assert gradient.any() or value.numel() == 0
    other = {name: torch.where(_coarse(blind, value), value + 3, value) for name, value in plain.items()}
    assert float(task.loss(other, masked)) == pytest.approx(float(loss.detach()), rel=1e-6)


@pytest.mark.parametrize(("task", "ndim"), CASES, ids=NAMED)
def test_labels_that_are_unknown_everywhere_give_a_loss_without_a_gradient(task, ndim):
    raw, labels = batch(task, ndim)
    loss = task.loss(raw, {name: torch.full_like(value, torch.nan) for name, value in labels.items()})
    assert torch.isfinite(loss)
    assert all(gradient is None or not gradient.any() for gradient in gradients(loss, raw))


@pytest.mark.parametrize("variant", ["default", "slopes", "reference"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_losses_take_half_precision(dtype, variant):
    others = () if variant == "slopes" else (DHR(variant=variant), Fault(variant=variant))
    for task in (RGT(variant="tracked" if variant == "default" else variant), *others):
        raw, labels = batch(task, 2)
        raw = {name: value.detach() for name, value in raw.items()}
        full = float(task.loss(raw, labels))
        half = float(task.loss({name: value.to(dtype) for name, value in raw.items()}, labels))
        assert half == pytest.approx(full, rel=0.05, abs=0.02), task.name


def test_orientation_is_learned_on_faults_alone_and_as_an_axis():
    task = Fault()
    raw, labels = batch(task, 2)
    labels[PROBABILITY] = torch.zeros_like(labels[PROBABILITY])
    labels[PROBABILITY][:, :, 5, 5] = 1
    orientation = gradients(task.loss(raw, labels), raw)[1]
    assert torch.count_nonzero(orientation[:, 0]) == 3
    raw = {name: value.detach() for name, value in raw.items()}
    for other in (labels[DIP] + 180, labels[DIP] - 180):
        assert float(task.loss(raw, {**labels, DIP: other})) == pytest.approx(float(task.loss(raw, labels)), rel=1e-4)


def test_items_without_faults_do_not_teach_to_doubt_all():
    """Dice has no say there: it would be as good as 1 whatever is predicted, in every small piece of a section."""
    raw, labels = batch(Fault(), 2)
    plain = {name: value.detach() for name, value in raw.items()}
    without = replace(Fault(), dice_weight=0.0)
    assert float(Fault().loss(plain, labels)) > float(without.loss(plain, labels))
    labels[PROBABILITY] = torch.zeros_like(labels[PROBABILITY])
    assert float(Fault().loss(plain, labels)) == float(without.loss(plain, labels))


def test_where_two_dips_could_be_meant_the_commoner_one_is_learned():
    """And not one between them, which is that of no fault."""
    dip = torch.where(torch.arange(100) < 60, 60.0, 110.0).view(1, 1, 10, 10)
    labels = {DIP: dip, PROBABILITY: torch.ones_like(dip)}
    logit = torch.zeros_like(dip)
    losses = {}
    for constant in range(50, 120, 5):
        tensor = to_tensor(torch.full_like(dip, float(constant)), None)
        losses[constant] = float(Fault().loss({"fault_logit": logit, "fault_orientation": tensor}, labels))
    assert min(losses, key=losses.__getitem__) == 60


def test_half_the_noise_is_worth_the_same_in_clean_and_noisy_items():
    truth = torch.randn(1, 1, 20, 20, generator=torch.manual_seed(0))
    error = torch.randn(truth.shape, generator=torch.manual_seed(1))
    task = DHR(gradient_weight=0.0, noise_weight=1.0)

    def noise_term(level):
        predicted, labels = {"dhr": truth + level * error}, {"dhr": truth}
        return float(task.loss(predicted, labels) - replace(task, noise_weight=0.0).loss(predicted, labels))

    for level in (0.8, 0.1):
        assert noise_term(level) - noise_term(level / 2) == pytest.approx(np.log(2), abs=0.01)


def test_a_fault_without_labelled_angles_still_has_a_loss():
    raw, labels = batch(Fault(), 3)
    for missing in ([STRIKE], [DIP, STRIKE]):
        some = {name: value for name, value in labels.items() if name not in missing}
        assert torch.isfinite(Fault().loss(raw, some))


def test_perfect_predictions_have_the_least_loss():
    """Descending the loss of one batch leads to its labels."""
    for task, ndim in CASES:
        _, labels = batch(task, ndim)
        raw, _ = batch(task, ndim, seed=5)
        optimizer = torch.optim.Adam(list(raw.values()), lr=0.1)
        losses = []
        for _ in range(60):
            loss = task.loss(raw, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < losses[0] - 0.5 * abs(losses[0]), (task.name, ndim)


def test_masked_mean_is_the_mean_over_items_of_each_items_own_mean():
    values = torch.tensor([[[1.0, 3.0, 100.0]], [[4.0, 100.0, 100.0]], [[9.0, 9.0, 9.0]]])
    mask = torch.tensor([[[True, True, False]], [[True, False, False]], [[False, False, False]]])
    assert float(masked_mean(values, mask)) == pytest.approx((2 + 4 + 0) / 3)


def test_filled_labels_are_finite():
    filled, known = fill_unknown(torch.tensor([1.0, torch.nan]))
    assert filled.tolist() == [1, 0]
    assert known.tolist() == [True, False]


def test_a_temperature_softens_fault_probabilities_and_moves_none_across_one_half():
    logit = torch.linspace(-6, 6, 25).view(1, 1, 5, 5)
    raw = {"fault_logit": logit, "fault_orientation": torch.zeros(1, 3, 5, 5)}
    plain, soft = (Fault(temperature=value).decode(raw)["fault_probability"] for value in (1.0, 2.0))
    assert torch.equal(plain > 0.5, soft > 0.5)
    assert ((soft - 0.5).abs() <= (plain - 0.5).abs()).all()
    assert torch.allclose(soft, torch.sigmoid(logit / 2))
    with pytest.raises(OptionError, match="temperature of 0"):
        Fault(temperature=0.0)
