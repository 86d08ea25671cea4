"""What tracked traces say of others: which level each row carries on, by products of learned embeddings."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_seismic.heads.alignment import Costs
from mtl_seismic.heads.evidence import Band, Evidence


class Votes:
    """Embeddings of all traces, ``query`` and ``key``: traces x rows x channels (see correspondence.py)."""

    def __init__(self, query: Tensor, key: Tensor, costs: Costs) -> None:
        self.query, self.key, self.costs = query / query.shape[2] ** 0.5, key, costs
        self.rows = query.shape[1]

    def on(self, traces: Tensor, told: Tensor, voters: Tensor, carrier: Tensor, levels: Tensor) -> Evidence:
        """Which level each row of the traces carries on.

        ``told`` indexes ``traces``, ``carrier`` says which row of each of all traces carries each level, ``levels``
        which level each row has. What voters say is averaged before it becomes a probability: the mean of their keys
        at each level is compared.
        """
        asked, index = torch.unique(voters, return_inverse=True)
        present = (carrier[asked] >= 0).to(self.key.dtype)
        offered = self._keys(asked, carrier[asked]) * present[..., None]
        order = told.argsort(stable=True)
        starts = torch.searchsorted(told[order], torch.arange(len(traces)))
        keys, carried = (
            torch.nn.functional.embedding_bag(index[order], values.flatten(1), starts, mode="sum")
            for values in (offered, present)
        )
        keys = keys.view(len(traces), *offered.shape[1:])
        keys /= carried.clamp(min=1)[..., None]
        return self._compared(self.query[traces], keys, carried, Band.around(levels[asked], carrier.shape[1]))

    def _compared(self, query: Tensor, keys: Tensor, carried: Tensor, band: Band) -> Evidence:
        """``keys``: traces x levels x channels, means of as many voters as ``carried`` says."""
        wrong = self.costs.wrong
        blank = torch.where(carried > 0, 0.0, -torch.inf)[:, None]
        blocks = list(band.blocks())
        shares = query.new_empty(*query.shape[:2], band.width + 1)
        for rows, levels in blocks:
            offered = keys[:, levels].transpose(1, 2)
            shares[:, rows, :-1] = torch.baddbmm(blank[..., levels], query[:, rows], offered)
        shares[..., -1] = -self.costs.none
        shares = shares.softmax(2).mul_(1 - wrong).add_(wrong / self.rows).log_()
        evidence, none = shares[..., :-1], shares[..., -1]
        for rows, levels in blocks:
            absent = (none[:, rows] - self.costs.absent)[..., None]
            evidence[:, rows] = torch.where((carried == 0)[:, None, levels], absent, evidence[:, rows])
        return Evidence(evidence, none, band)

    def _keys(self, traces: Tensor, carrier: Tensor) -> Tensor:
        """Keys of the rows that carry each level, between rows linearly: traces x levels x channels."""
        upper = carrier.floor().clamp(0, self.rows - 2).long()
        part = (carrier - upper).clamp(0, 1)[..., None]
        at = (traces[:, None] * self.rows + upper).flatten()
        flat = self.key.flatten(0, 1)
        keys = torch.lerp(flat[at], flat[at + 1], part.flatten(0, 1))
        return keys.view(*upper.shape, self.key.shape[2])
