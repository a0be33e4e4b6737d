"""The sparse operations with dense arrays and autograd: the reference implementation."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .index import Index, Rule, csr
from .kernels import centred


@dataclass(frozen=True)
class Plain:
    """Kernels that compute the whole array [B, L] of pre-activations and index it.

    The simplest implementation. All others are tested against it. It is the fastest for few latents. See `Kernels` for
    the methods.

    Examples
    --------
    >>> from taciturn.kernels import Top
    >>> x, W, b = torch.tensor([[1.0, 2.0]]), torch.eye(2), torch.zeros(2)
    >>> index, values = Plain().pick(x, W, b, None, Top(1))
    >>> index.latents, values
    (tensor([1]), tensor([2.]))
    >>> Plain().decode(values, index, W)
    tensor([[0., 2.]])
    """

    sparse_below = 0.0

    @torch.no_grad()
    def pick(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, rule: Rule) -> tuple[Index, Tensor]:
        """Return the index of the entries that a rule selects and their values [N]."""
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
