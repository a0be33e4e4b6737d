"""The sparse operations as anyone would write them: dense arrays and autograd. The reference of all others."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .index import Index, Rule, csr
from .kernels import centred


@dataclass(frozen=True)
class Plain:
    """Form the whole [rows, latents] array and index it."""

    sparse_below = 0.0

    @torch.no_grad()
    def pick(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, rule: Rule) -> tuple[Index, Tensor]:
        """Return the entries that a rule keeps and their values [N]."""
        pre_BL = F.linear(centred(x, centre), W, b)
        latents, counts, values = rule(pre_BL)
        return csr(latents, counts, len(W)), values

    def scores(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, index: Index, values: Tensor) -> Tensor:
        """Return pre at the index's entries [N], computed again with gradient."""
        return F.linear(centred(x, centre), W, b)[index.rows, index.latents]

    def decode(self, values: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return each row's weighted sum of W's rows [B, D]."""
        codes_BL = values.new_zeros(index.n_rows, index.n_latents)
        return codes_BL.index_put((index.rows, index.latents), values) @ W
