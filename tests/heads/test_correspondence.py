"""Labels and loss of horizons carried on between traces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mtl_seismic.heads.correspondence import CELL, cell_mean, correspondence_loss, match_rows, to_samples

ROWS = 40


def times(shift=0.0, throw=0, at=20, rows=ROWS):
    """A trace of time whose horizons lie ``shift`` rows deeper; below ``at`` time jumps by ``throw`` rows."""
    depth = torch.arange(rows, dtype=torch.float32) - shift
    return (depth + throw * (torch.arange(rows) >= at))[None] / rows


def test_rows_are_matched_with_their_fractions():
    matches = match_rows(times(), times(shift=2.5))
    assert matches.known[0].tolist() == [row + 2.5 <= ROWS - 1 for row in range(ROWS)]
    assert torch.equal(matches.none, ~matches.known)  # deeper than the other trace reaches
    assert torch.allclose(matches.row[0, :37], torch.arange(37) + 2.5, atol=1e-3)


def test_strata_that_are_missing_behind_a_fault_have_no_match():
    matches = match_rows(times(), times(throw=8))
    assert not matches.known[0, 20:28].any()
    assert matches.none[0, 21:27].all()
    assert not (matches.known & matches.none).any()
    assert torch.allclose(matches.row[0, 30:40], torch.arange(30.0, 40) - 8, atol=1e-3)


def test_strata_that_a_thrust_repeats_are_matched_where_they_first_occur():
    matches = match_rows(times(throw=-8), times())
    assert matches.known[0, :20].all()
    assert not (matches.known | matches.none)[0, 20:27].any()  # the repeated part of the source
    assert torch.allclose(matches.row[0, 29:], torch.arange(29.0, 40) - 8, atol=1e-3)


def test_unknown_time_is_never_matched():
    holes = times()
    holes[0, 3] = float("nan")
    assert not match_rows(holes, times()).known[0, 3]
    for unknown in (match_rows(times(), holes), match_rows(times() * float("nan"), times())):
        assert not (unknown.known | unknown.none).any()


@pytest.mark.parametrize("shape", [(24, 20), (21, 17), (16, 12, 10)])
def test_cells_and_samples_go_back_and_forth(shape):
    depth = np.broadcast_to(np.arange(shape[0], dtype=np.float32).reshape(-1, *[1] * (len(shape) - 1)), shape)
    cells = cell_mean(torch.from_numpy(depth.copy())[None, None])[0, 0]
    assert cells.shape == tuple(-(-size // CELL) for size in shape)
    back = to_samples(cells.numpy() / CELL, shape)
    assert back.shape == shape
    assert np.abs(back - depth)[1:-2].max() < 1e-4


@pytest.mark.parametrize("axis", [1, 2])
def test_a_jump_between_traces_stays_sharp_and_a_dip_smooth(axis):
    depth, place = (np.arange(n, dtype=np.float32) for n in (16, 10))
    for step, jumps in ((0.8, 0), (0.8, 9)):
        cells = depth[:, None] + step * place + jumps * (place >= 5)
        cells = np.moveaxis(np.broadcast_to(cells[..., None], (16, 10, 3)), 1, axis)
        fine = to_samples(cells, tuple(CELL * size for size in cells.shape))[2:-2] / CELL
        across = np.moveaxis(np.diff(fine, axis=axis), axis, 0)
        inner = np.delete(across[1:-1], 8, axis=0)  # but for the jump, and the ends that are held
        assert np.abs(inner[[1, 2, 3, 11, 12]] - step / 2).max() < 1e-5
        if jumps:
            assert across[9].min() > jumps
            assert max(across[8].max(), across[10].max()) < step


@pytest.mark.parametrize("shape", [(32, 24), (24, 12, 10)])
def test_embeddings_that_know_the_time_have_a_smaller_loss_and_gradients_are_finite(shape):
    depth = torch.arange(shape[0], dtype=torch.float32).view(-1, *[1] * (len(shape) - 1))
    rgt = (depth + 0.3 * torch.arange(shape[1]).view(1, -1, *[1] * (len(shape) - 2))).expand(shape)[None, None] / 40
    rgt = rgt.contiguous()
    centres = torch.linspace(0, 1, 32).view(1, -1, *[1] * len(shape))
    knowing = 8 * torch.exp(-((cell_mean(rgt) - centres) ** 2) * 800)
    guessing = torch.randn(knowing.shape, generator=torch.Generator().manual_seed(0), requires_grad=True)
    good, bad = correspondence_loss(knowing, knowing, rgt), correspondence_loss(guessing, guessing, rgt)
    assert float(good) < 0.7 * float(bad.detach())
    bad.backward()
    assert torch.isfinite(guessing.grad).all()


def test_a_label_that_is_unknown_everywhere_costs_nothing():
    query = torch.randn(1, 4, 8, 8, requires_grad=True)
    loss = correspondence_loss(query, query, torch.full((1, 1, 16, 16), float("nan")))
    loss.backward()
    assert float(loss.detach()) == 0
    assert torch.equal(query.grad, torch.zeros_like(query))


def test_a_section_of_one_trace_has_no_pairs():
    query = torch.randn(1, 4, 8, 1, requires_grad=True)
    assert float(correspondence_loss(query, query, torch.rand(1, 1, 16, 2)).detach()) == 0
