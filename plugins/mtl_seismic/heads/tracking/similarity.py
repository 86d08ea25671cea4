"""Match scores between traces from learned embeddings: which level each row of a trace lies on."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_seismic.heads.tracking.alignment import Costs
from mtl_seismic.heads.tracking.level_scores import Band, LevelScores


class Similarity:
    """Embeddings of all traces, ``query`` and ``key``: traces x rows x channels (see correspondence.py)."""

    def __init__(self, query: Tensor, key: Tensor, costs: Costs) -> None:
        self.query, self.key, self.costs = query / query.shape[2] ** 0.5, key, costs
        self.rows = query.shape[1]

    def level_scores(
        self, traces: Tensor, pair_trace: Tensor, pair_neighbour: Tensor, row_of_level: Tensor, levels: Tensor
    ) -> LevelScores:
        """How well each row of the traces matches each level.

        Pairs: ``pair_trace`` indexes ``traces``, ``pair_neighbour`` all traces. ``row_of_level``, all traces x levels,
        and ``levels``, all traces x rows, of the neighbours. Their embeddings are averaged before they are compared:
        the mean of their keys at each level.
        """
        asked, index = torch.unique(pair_neighbour, return_inverse=True)
        present = (row_of_level[asked] >= 0).to(self.key.dtype)
        offered = self._keys(asked, row_of_level[asked]) * present[..., None]
        order = pair_trace.argsort(stable=True)
        starts = torch.searchsorted(pair_trace[order], torch.arange(len(traces)))
        keys, neighbours = (
            torch.nn.functional.embedding_bag(index[order], values.flatten(1), starts, mode="sum")
            for values in (offered, present)
        )
        keys = keys.view(len(traces), *offered.shape[1:])
        keys /= neighbours.clamp(min=1)[..., None]
        return self._compared(self.query[traces], keys, neighbours, Band.around(levels[asked], row_of_level.shape[1]))

    def _compared(self, query: Tensor, keys: Tensor, neighbours: Tensor, band: Band) -> LevelScores:
        """``keys``: traces x levels x channels, means over as many ``neighbours``."""
        wrong = self.costs.wrong
        blank = torch.where(neighbours > 0, 0.0, -torch.inf)[:, None]
        blocks = list(band.blocks())
        shares = query.new_empty(*query.shape[:2], band.width + 1)
        for rows, levels in blocks:
            offered = keys[:, levels].transpose(1, 2)
            shares[:, rows, :-1] = torch.baddbmm(blank[..., levels], query[:, rows], offered)
        shares[..., -1] = -self.costs.unmatched
        shares = shares.softmax(2).mul_(1 - wrong).add_(wrong / self.rows).log_()
        matched, unmatched = shares[..., :-1], shares[..., -1]
        for rows, levels in blocks:
            missing = (unmatched[:, rows] - self.costs.missing_level)[..., None]
            matched[:, rows] = torch.where((neighbours == 0)[:, None, levels], missing, matched[:, rows])
        return LevelScores(matched, unmatched, band)

    def _keys(self, traces: Tensor, row_of_level: Tensor) -> Tensor:
        """Keys at the row of each level, between rows linearly: traces x levels x channels."""
        upper = row_of_level.floor().clamp(0, self.rows - 2).long()
        part = (row_of_level - upper).clamp(0, 1)[..., None]
        at = (traces[:, None] * self.rows + upper).flatten()
        flat = self.key.flatten(0, 1)
        keys = torch.lerp(flat[at], flat[at + 1], part.flatten(0, 1))
        return keys.view(*upper.shape, self.key.shape[2])
