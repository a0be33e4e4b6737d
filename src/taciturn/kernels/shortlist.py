"""Candidates from a list of the same length for every row, so that a GPU reads a chunk's product only once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .rescored import Rescored
from .select import top_k

MIN_SPARE = 16  # candidates beyond the k largest: this many, or k if that is more


@dataclass(frozen=True)
class Shortlist(Rescored):
    """Kernels as `Rescored`, whose candidates for the k largest are each row's m largest rounded scores.

    m = k + max(k, 16), at most L. A row of which all m come within the margin may have more candidates; it is computed
    in float32. Parameters as for `Rescored`.

    Examples
    --------
    >>> from taciturn.kernels import Top
    >>> x, W, b = torch.tensor([[1.0, 2.0]]), torch.eye(2), torch.zeros(2)
    >>> index, values = Shortlist().pick(x, W, b, None, Top(1))
    >>> index.latents, values
    (tensor([1]), tensor([2.]))
    """

    def _select_top(
        self, x: Tensor, W: Tensor, b: Tensor, rounded_BL: Tensor, margin_B1: Tensor, k: int
    ) -> tuple[Tensor, Tensor]:
        """Return each row's k largest entries, and their latents [B, k]."""
        m = min(k + max(MIN_SPARE, k), len(W))
        rounded_BM, latent_BM = top_k(rounded_BL, m)
        bound_B1 = rounded_BM.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True).sub_(margin_B1)
        candidate_BM = (rounded_BM < bound_B1).logical_not_()
        exhausted_R = (candidate_BM.all(1) & (m < len(W))).nonzero()[:, 0]
        candidate_BM[exhausted_R] = False
        _, score_N = self._exact_scores(x, W, b, latent_BM[candidate_BM], candidate_BM.sum(1))
        score_BM = torch.full_like(rounded_BM, -torch.inf).masked_scatter_(candidate_BM, score_N)
        values_BK, slot_BK = score_BM.topk(k, dim=1, sorted=False)
        latent_BK = latent_BM.gather(1, slot_BK)
        if len(exhausted_R):
            exact_RL = torch.addmm(b, x[exhausted_R], W.t(), out=rounded_BL[: len(exhausted_R)])
            values_BK[exhausted_R], latent_BK[exhausted_R] = top_k(exact_RL, k)
        return values_BK, latent_BK
