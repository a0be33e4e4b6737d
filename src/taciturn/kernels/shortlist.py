"""Proposals out of a list of one length for every row, so that a GPU passes over a chunk's products once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .rescored import Rescored
from .select import top_k

SPARE = 16  # proposals beyond k, or k


@dataclass(frozen=True)
class Shortlist(Rescored):
    """As Proposed, from each row's m largest rounded scores; a row of which all come near enough sees float32."""

    def _top(
        self, x: Tensor, W: Tensor, b: Tensor, about_BL: Tensor, margin_B1: Tensor, k: int
    ) -> tuple[Tensor, Tensor]:
        """Return each row's k largest entries, and where they are [B, k]."""
        m = min(k + max(SPARE, k), len(W))
        about_BM, latent_BM = top_k(about_BL, m)
        least_B1 = about_BM.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True).sub_(margin_B1)
        near_BM = (about_BM < least_B1).logical_not_()
        spent_R = (near_BM.all(1) & (m < len(W))).nonzero()[:, 0]
        near_BM[spent_R] = False
        _, score_N = self._scored(x, W, b, latent_BM[near_BM], near_BM.sum(1))
        score_BM = torch.full_like(about_BM, -torch.inf).masked_scatter_(near_BM, score_N)
        values_BK, at_BK = score_BM.topk(k, dim=1, sorted=False)
        found_BK = latent_BM.gather(1, at_BK)
        if len(spent_R):
            exact_RL = torch.addmm(b, x[spent_R], W.t(), out=about_BL[: len(spent_R)])
            values_BK[spent_R], found_BK[spent_R] = top_k(exact_RL, k)
        return values_BK, found_BK
