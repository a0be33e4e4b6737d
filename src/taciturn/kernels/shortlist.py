"""Proposals in arrays of one shape, as many for every row: a GPU need not wait to hear how many there are."""

from dataclasses import dataclass

from torch import Tensor

from .index import csr, flat
from .proposed import Proposed
from .select import top_k

SPARE = 16  # proposals beyond k, or half of k


@dataclass(frozen=True)
class Shortlist(Proposed):
    """As Proposed, by each row's m largest rounded scores; m grows while a row could need more.

    It could if its m-th proposal comes as near to the k-th largest score as six standard deviations of the rounding's
    error: then somebody behind it might be larger.
    """

    def _top(
        self, x: Tensor, W: Tensor, b: Tensor, about_BL: Tensor, margin_B1: Tensor, k: int
    ) -> tuple[Tensor, Tensor]:
        """Return each row's k largest entries, and where they are [B, k]."""
        m = min(k + max(SPARE, k // 2), len(W))
        while True:
            about_BM, latent_BM = top_k(about_BL, m)
            latent_N, counts_B, _ = flat(about_BM, latent_BM)
            score_N = self.tables.dots(x, csr(latent_N, counts_B, len(W)), W).add_(b[latent_N])
            top = score_N.view(len(x), m).topk(k, dim=1, sorted=False)
            behind_B1, least_B1 = about_BM.amin(1, keepdim=True), top.values.amin(1, keepdim=True)
            if m == len(W) or not (behind_B1 + margin_B1 > least_B1).any():
                return top.values, latent_BM.gather(1, top.indices)
            m = min(m + m // 2, len(W))
