"""Proposals out of a list of one length for every row, so that a GPU passes over a chunk's products once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .index import csr
from .proposed import Proposed
from .select import top_k

SPARE = 16  # proposals beyond k, or k


@dataclass(frozen=True)
class Shortlist(Proposed):
    """As Proposed, from each row's m largest rounded scores; m is doubled while all of a row's come near enough."""

    def _top(
        self, x: Tensor, W: Tensor, b: Tensor, about_BL: Tensor, margin_B1: Tensor, k: int
    ) -> tuple[Tensor, Tensor]:
        """Return each row's k largest entries, and where they are [B, k]."""
        m = min(k + max(SPARE, k), len(W))
        while True:
            about_BM, latent_BM = top_k(about_BL, m)
            least_B1 = about_BM.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True).sub_(margin_B1)
            near_BM = (about_BM < least_B1).logical_not_()
            if m == len(W) or not near_BM.all(1).any():
                break
            m = min(2 * m, len(W))
        latent_N = latent_BM[near_BM]
        score_N = self.tables.dots(x, csr(latent_N, near_BM.sum(1), len(W)), W).add_(b[latent_N])
        score_BM = torch.full_like(about_BM, -torch.inf).masked_scatter_(near_BM, score_N)
        top = score_BM.topk(k, dim=1, sorted=False)
        return top.values, latent_BM.gather(1, top.indices)
