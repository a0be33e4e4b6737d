"""Directions that do not repeat each other."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.recipe import check
from ..model import Capability, Pass
from .term import Term


@dataclass(frozen=True)
class Orthogonality(Term):
    """The mean over latents l of max cos²(W_l, W_j) over the dictionary's other rows (OrtSAE, Korznikov et al., 2025).

    Latents are put into chunks of `chunk`, drawn anew at each step, and compared within them: the cost is linear in
    their number.
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
        return torch.cat(closest).mean()
