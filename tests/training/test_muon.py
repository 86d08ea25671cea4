"""The orthogonalising optimizer: its updates, and that all else follows Adam."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlcore.training.muon import Muon, is_matrix, orthogonalised
from mtlcore.training.optimise import make_optimizer


@given(st.integers(8, 40), st.integers(8, 200), st.floats(1e-6, 1e6), st.integers(0, 99))
def test_singular_values_come_near_one_and_directions_stay(rows, columns, scale, seed):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * scale
    found = orthogonalised(matrix)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    inner = left.T @ found @ right.T
    assert found.shape == matrix.shape
    large = values > values.max() / 30
    assert (inner.diagonal()[large] > 0.5).all()
    assert (inner.diagonal() < 1.3).all()
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-3


def test_no_gradient_is_no_update():
    assert torch.equal(orthogonalised(torch.zeros(9, 12)), torch.zeros(9, 12))


def test_a_layer_rests_while_it_has_no_gradient():
    """Momentum alone would go on at full pace, as its size does not count."""
    torch.manual_seed(0)
    parameter = torch.nn.Parameter(torch.randn(9, 12))
    optimizer = Muon([parameter], lr=0.1, weight_decay=0.0)
    parameter.grad = torch.randn(9, 12)
    optimizer.step()
    before = parameter.detach().clone()
    parameter.grad = torch.zeros(9, 12)
    optimizer.step()
    assert torch.equal(parameter.detach(), before)
    parameter.grad = torch.randn(9, 12)
    optimizer.step()
    assert not torch.equal(parameter.detach(), before)


@pytest.mark.parametrize("shape", [(5,), (3, 40, 1, 1), (40, 7, 1, 1)])
def test_biases_and_thin_layers_are_updated_as_adam_does(shape):
    torch.manual_seed(0)
    start, gradients = torch.randn(shape), [torch.randn(shape) for _ in range(6)]
    ends = []
    for kind in (Muon, torch.optim.AdamW):
        parameter = torch.nn.Parameter(start.clone())
        optimizer = kind([parameter], lr=1e-2, weight_decay=0.1)
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
        ends.append(parameter.detach())
    assert not is_matrix(parameter)
    assert torch.allclose(*ends, atol=1e-6)


def test_all_directions_of_a_convolution_are_learned_at_one_pace():
    """Where one direction's gradient is a hundred times another's, Adam's rate suits one of them."""
    torch.manual_seed(0)
    sizes = torch.logspace(0, -2, 16)
    mixed = torch.linalg.qr(torch.randn(16, 16))[0]
    losses = {}
    for name in ("muon", "adamw"):
        layer = torch.nn.Conv2d(16, 16, 1, bias=False)
        torch.nn.init.zeros_(layer.weight)
        optimizer = make_optimizer(name, layer.parameters(), 0.05, 0.0)
        for _ in range(60):
            found = layer.weight[:, :, 0, 0]
            loss = ((found - mixed) @ mixed.T * sizes).square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses[name] = float((layer.weight[:, :, 0, 0] - mixed).detach().square().mean())
    assert losses["muon"] < 0.5 * losses["adamw"]


def test_a_closure_is_evaluated():
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = Muon([parameter], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = parameter.square().sum()
        loss.backward()
        return float(loss.detach())

    assert optimizer.step(closure) == 3.0
    assert float(parameter.detach().max()) < 1
