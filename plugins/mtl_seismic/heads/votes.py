"""What tracked traces say of others: which level each row carries on, by products of learned embeddings."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_seismic.heads.alignment import Costs


class Votes:
    """Embeddings of all traces, ``query`` and ``key``: traces x rows x channels (see correspondence.py)."""

    def __init__(self, query: Tensor, key: Tensor, costs: Costs) -> None:
        self.query, self.key, self.costs = query / query.shape[2] ** 0.5, key, costs
        self.rows = query.shape[1]

    def on(self, traces: Tensor, told: Tensor, voters: Tensor, carrier: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities that each row carries each level on, traces x rows x levels, and none, traces x rows.

        ``told`` indexes ``traces``, ``carrier`` says which row of each of all traces carries each level. What voters
        say is averaged before it becomes a probability: the mean of their keys at each level is compared.
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
        blank = torch.where(carried > 0, 0.0, -torch.inf)[:, None]
        return self._evidence(torch.baddbmm(blank, self.query[traces], keys.transpose(1, 2)), carried)

    def _evidence(self, logits: Tensor, carried: Tensor) -> tuple[Tensor, Tensor]:
        shares = torch.nn.functional.pad(logits, (0, 1), value=-self.costs.none).softmax(2)  # the last one is none
        wrong = self.costs.wrong
        shares.mul_(1 - wrong).add_(wrong / self.rows).log_()
        evidence, none = shares[..., :-1], shares[..., -1]
        absent = (carried == 0)[:, None].expand_as(evidence)
        return torch.where(absent, none[..., None] - self.costs.absent, evidence), none

    def _keys(self, traces: Tensor, carrier: Tensor) -> Tensor:
        """Keys of the rows that carry each level, between rows linearly: traces x levels x channels."""
        upper = carrier.floor().clamp(0, self.rows - 2).long()
        part = (carrier - upper).clamp(0, 1)[..., None]
        at = (traces[:, None] * self.rows + upper).flatten()
        flat = self.key.flatten(0, 1)
        keys = torch.lerp(flat[at], flat[at + 1], part.flatten(0, 1))
        return keys.view(*upper.shape, self.key.shape[2])
