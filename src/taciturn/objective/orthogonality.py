"""Orthogonality: a penalty on dictionary rows that point the same way."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.recipe import check
from ..model import Capability, Pass
from .term import Term


@dataclass(frozen=True)
class Orthogonality(Term):
    """The penalty 1/L Σ_l max_{j ≠ l} cos²(W_l, W_j), with the dictionary's rows W_l (OrtSAE, Korznikov et al., 2025).

    Parameters
    ----------
    chunk : int, at least 2, default=1024
        The latents are divided at random into chunks of this size at each step, and compared within their chunk only:
        the cost is linear in the number of latents.
    weight : float or Schedule, 0 or more, optional
        See Term; None is 1.

    Notes
    -----
    Only the decoder gets a gradient.

    Examples
    --------
    >>> Orthogonality(chunk=256, weight=0.25).text
    'orthogonality:chunk=256,weight=0.25'
    """

    chunk: int = 1024

    name = "orthogonality"
    requires = frozenset({Capability.ONE_LAYER_DECODER})

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "chunk", 2, whole=True)

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/L Σ_l max_{j ≠ l} cos²(W_l, W_j)."""
        W = F.normalize(p.model.dictionary, dim=1)
        order = torch.randperm(len(W), generator=p.batch.rng("orthogonality")).to(W.device)
        closest = [(chunk @ chunk.T).square().fill_diagonal_(0).amax(1) for chunk in W[order].split(self.chunk)]
        return p.once(torch.cat(closest).mean())
